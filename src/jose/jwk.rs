//! A public key of someone else (RFC 7517 §4), and what it can verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::{Digest, KeyThumbprint};

/// The members that matter. The six of private keys (RFC 7518 §6) only have to be absent.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    pub(super) kid: Option<String>,
    pub(super) alg: Option<String>,
    #[serde(rename = "use")]
    pub(super) usage: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

/// The members of a thumbprint, in the order that RFC 7638 §3.3 asks for.
#[derive(Serialize)]
struct Thumbprinted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<&'a str>,
    kty: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'a str>,
}

/// What others may sign with, by the registered names (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
/// Clients may use the first five.
const ALGORITHMS: [(&str, Algorithm); 10] = [
    ("ES256", Algorithm::ES256),
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("Ed25519", Algorithm::EdDSA),
    ("EdDSA", Algorithm::EdDSA),
    ("ES384", Algorithm::ES384),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
];

/// The names of the algorithms that clients may sign with.
#[must_use]
pub fn client_signing_algorithms() -> [&'static str; 5] {
    let [a, b, c, d, e, ..] = ALGORITHMS;
    [a, b, c, d, e].map(|(name, _)| name)
}

/// The names of the algorithms that identity providers may sign with.
#[must_use]
pub fn provider_signing_algorithms() -> [&'static str; 10] {
    ALGORITHMS.map(|(name, _)| name)
}

/// The algorithm of that name, for clients.
pub(super) fn client_algorithm(name: &str) -> Option<Algorithm> {
    algorithm(name).filter(|_| client_signing_algorithms().contains(&name))
}

/// The algorithm of that name; `none` and the symmetric ones have none here (RFC 8725 §3.1).
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    let found = ALGORITHMS.iter().find(|(other, _)| *other == name);
    found.map(|(_, algorithm)| *algorithm)
}

impl Jwk {
    pub(super) fn is_private(&self) -> bool {
        let members = [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.k];
        members.iter().any(Option::is_some)
    }

    /// The key, and the algorithms that keys of its type are for; `None` for other types.
    pub(super) fn verifier(&self) -> Option<(DecodingKey, &'static [Algorithm])> {
        let (x, y) = (self.x.as_deref(), self.y.as_deref());
        let (key, able): (_, &[_]) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let key = DecodingKey::from_rsa_components(self.n.as_deref()?, self.e.as_deref()?);
                (
                    key,
                    &[
                        Algorithm::RS256,
                        Algorithm::PS256,
                        Algorithm::RS384,
                        Algorithm::RS512,
                        Algorithm::PS384,
                        Algorithm::PS512,
                    ],
                )
            }
            ("EC", Some("P-256")) => {
                let key = DecodingKey::from_ec_components(x?, y?);
                (key, &[Algorithm::ES256])
            }
            ("EC", Some("P-384")) => {
                let key = DecodingKey::from_ec_components(x?, y?);
                (key, &[Algorithm::ES384])
            }
            ("OKP", Some("Ed25519")) => {
                let key = DecodingKey::from_ed_components(x?);
                (key, &[Algorithm::EdDSA])
            }
            _ => return None,
        };
        Some((key.ok()?, able))
    }

    /// RFC 7638 §3.2: a digest over the members that make the key, and no other.
    pub(super) fn thumbprint(&self) -> Option<KeyThumbprint> {
        let of = |kty: &[&str], member: &'_ Option<String>| {
            let wanted = kty.contains(&self.kty.as_str());
            member.clone().filter(|_| wanted)
        };
        let (crv, e, n) = (
            of(&["EC", "OKP"], &self.crv),
            of(&["RSA"], &self.e),
            of(&["RSA"], &self.n),
        );
        let (x, y) = (of(&["EC", "OKP"], &self.x), of(&["EC"], &self.y));
        // A member that could be written in two ways would give one key two thumbprints.
        let numbers = [&e, &n, &x, &y];
        let canonical = |text: &&String| URL_SAFE_NO_PAD.decode(text).is_ok();
        if !numbers.into_iter().flatten().all(|text| canonical(&text)) {
            return None;
        }
        let members = Thumbprinted {
            crv: crv.as_deref(),
            e: e.as_deref(),
            kty: &self.kty,
            n: n.as_deref(),
            x: x.as_deref(),
            y: y.as_deref(),
        };
        let json = serde_json::to_vec(&members).ok()?;
        Some(KeyThumbprint::from_digest(Digest::of(&json)))
    }
}
