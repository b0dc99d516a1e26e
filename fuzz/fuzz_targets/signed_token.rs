//! Compact JWS and JWK sets: access tokens, client assertions, DPoP proofs. Nothing that our key did
//! not sign is an access token.
#![no_main]

use std::sync::LazyLock;

use gatehouse::jose::{
    AccessTokenClaims, ClientAssertion, DpopProof, JwkSet, KeyRing, generate_signing_key,
};
use gatehouse::model::{ClientId, SigningAlgorithm, Timestamp, UserId};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A ring with a key of each kind, and a token of the newest.
static SIGNED: LazyLock<(KeyRing, String)> = LazyLock::new(|| {
    let algorithms = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    let keys = algorithms.map(|algorithm| generate_signing_key(algorithm, NOW).expect("a key"));
    let ring = KeyRing::new(&keys).expect("a ring");
    let claims = AccessTokenClaims {
        iss: "https://mcp.example.com".to_owned(),
        sub: UserId::new("alice"),
        aud: "https://mcp.example.com/mcp".to_owned(),
        exp: NOW,
        iat: NOW,
        nbf: None,
        jti: "1".to_owned(),
        client_id: ClientId::new("client"),
        scope: "mcp:tools".parse().expect("a scope"),
        grant_id: None,
        key: None,
        refusals: None,
    };
    let token = ring.sign(&claims).expect("a token").expose().to_owned();
    (ring, token)
});

fuzz_target!(|data: &[u8]| {
    let (ring, token) = &*SIGNED;
    // The bytes as instructions for changing a good token.
    let mut changed = token.clone().into_bytes();
    for change in data.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % changed.len();
        match change[2] {
            0 => drop(changed.remove(place)),
            1 => changed.insert(place, b'.'),
            2 => changed.insert(place, b'='),
            byte => changed[place] = byte,
        }
        if changed.is_empty() {
            return;
        }
    }
    if let Ok(changed) = std::str::from_utf8(&changed) {
        assert_eq!(ring.verify(changed).is_ok(), changed == token);
    }
    // The bytes as they are.
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(ring.verify(text).is_err());
        if let Ok(assertion) = ClientAssertion::parse(text) {
            assert!(!assertion.claimed_client().as_str().is_empty());
        }
        if let Ok(proof) = DpopProof::read(text) {
            assert!(!proof.id().is_empty());
            assert_eq!(text.split('.').count(), 3);
        }
    }
    if JwkSet::parse(data).is_ok() {
        let set: serde_json::Value = serde_json::from_slice(data).expect("it was read before");
        for key in set["keys"].as_array().expect("an array of keys") {
            assert!(key["d"].is_null() && key["k"].is_null());
        }
    }
});
