//! Signed access tokens (catalogue F): what a key ring takes for one.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gatehouse::jose::{AccessTokenClaims, InvalidToken, JoseError, KeyRing, generate_signing_key};
use gatehouse::model::{ClientId, GrantId, SigningAlgorithm, SigningKey, Timestamp, UserId};
use serde_json::{Value, json};

fn key() -> SigningKey {
    generate_signing_key(SigningAlgorithm::Es256, Timestamp::from_seconds(0)).unwrap()
}

fn ring(key: &SigningKey) -> KeyRing {
    KeyRing::new(std::slice::from_ref(key)).unwrap()
}

fn header(key: &SigningKey) -> Value {
    json!({ "typ": "at+jwt", "alg": "ES256", "kid": key.id })
}

fn claims() -> Value {
    json!({
        "iss": "https://one.example.com",
        "sub": "user",
        "aud": "https://one.example.com/mcp",
        "exp": 1_800_001_800,
        "iat": 1_800_000_000,
        "jti": "j",
        "client_id": "client",
        "scope": "mcp:tools",
        "grant_id": "g",
    })
}

fn with(mut object: Value, name: &str, value: &Value) -> Value {
    object[name] = value.clone();
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

fn pair(key: &SigningKey) -> EcdsaKeyPair {
    let document = STANDARD.decode(key.private_key.expose()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).unwrap()
}

/// Signs any two texts, as a careless issuer would.
fn sign(key: &SigningKey, header: &str, payload: &str) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = pair(key)
        .sign(&SystemRandom::new(), message.as_bytes())
        .unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[track_caller]
fn refused(header: &Value, payload: &Value, key: &SigningKey) -> InvalidToken {
    let token = sign(key, &header.to_string(), &payload.to_string());
    ring(key).verify(&token).unwrap_err()
}

#[test]
fn what_a_ring_signs_it_verifies() {
    let key = key();
    let claims = AccessTokenClaims {
        iss: "https://one.example.com".to_owned(),
        sub: UserId::new("user"),
        aud: "https://one.example.com/mcp".to_owned(),
        exp: Timestamp::from_seconds(1_800_001_800),
        iat: Timestamp::from_seconds(1_800_000_000),
        nbf: Some(Timestamp::from_seconds(1_800_000_000)),
        jti: "j".to_owned(),
        client_id: ClientId::new("client"),
        scope: "mcp:tools".parse().unwrap(),
        grant_id: Some(GrantId::new("g")),
        key: None,
        refusals: None,
    };
    let token = ring(&key).sign(&claims).unwrap();
    assert_eq!(ring(&key).verify(token.expose()), Ok(claims));
    let header = token.expose().split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(
        header,
        json!({ "typ": "at+jwt", "alg": "ES256", "kid": key.id })
    );
}

#[test]
fn a_careless_issuers_good_token_is_good() {
    let key = key();
    for (name, value) in [
        ("exp", json!(1_800_001_800.5)),
        ("unheard_of", json!({ "a": 1 })),
    ] {
        let payload = with(claims(), name, &value).to_string();
        let token = sign(&key, &header(&key).to_string(), &payload);
        let verified = ring(&key).verify(&token).unwrap();
        assert_eq!(verified.exp.seconds(), 1_800_001_800);
    }
}

#[test]
fn f01_f03_the_header_can_not_choose_the_algorithm() {
    let key = key();
    for alg in ["none", "None", "", "RS256", "HS256", "ES384", "es256", "XX"] {
        let header = with(header(&key), "alg", &json!(alg));
        assert_eq!(
            refused(&header, &claims(), &key),
            InvalidToken::Algorithm,
            "{alg}"
        );
    }
    let header = without(header(&key), "alg");
    assert_eq!(refused(&header, &claims(), &key), InvalidToken::Header);
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    assert!(ring(&key).verify(&unsigned).is_err());
}

#[test]
fn f02_the_public_key_is_no_hmac_secret() {
    let key = key();
    let jwk = ring(&key).jwks()["keys"][0].to_string();
    let point = pair(&key).public_key().as_ref().to_vec();
    for alg in ["HS256", "ES256"] {
        for secret in [jwk.as_bytes(), &point] {
            let header = with(header(&key), "alg", &json!(alg)).to_string();
            let message = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(claims().to_string())
            );
            let mac = hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, secret),
                message.as_bytes(),
            );
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac));
            assert!(ring(&key).verify(&token).is_err());
        }
    }
}

#[test]
fn f04_f05_f06_claims_are_there_once_and_of_their_type() {
    let key = key();
    let header = header(&key);
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "jti",
        "client_id",
        "scope",
    ] {
        let payload = without(claims(), name);
        assert_eq!(refused(&header, &payload, &key), InvalidToken::Claims);
    }
    for name in ["iss", "sub", "aud", "jti", "client_id", "scope", "grant_id"] {
        for value in [json!(null), json!(1), json!({}), json!(["x"])] {
            let payload = with(claims(), name, &value);
            assert_eq!(
                refused(&header, &payload, &key),
                InvalidToken::Claims,
                "{name} {value}"
            );
        }
    }
    for name in ["exp", "iat", "nbf"] {
        for value in [
            json!(null),
            json!("1800001800"),
            json!(-1),
            json!(1e30),
            json!([]),
        ] {
            let payload = with(claims(), name, &value);
            assert_eq!(
                refused(&header, &payload, &key),
                InvalidToken::Claims,
                "{name} {value}"
            );
        }
    }
    let huge = with(claims(), "exp", &json!(u64::MAX));
    assert_eq!(refused(&header, &huge, &key), InvalidToken::Claims);
}

#[test]
fn f08_only_access_tokens_are_access_tokens() {
    let key = key();
    for typ in ["JWT", "id_token", "logout+jwt", "oauth-id-jag+jwt", ""] {
        let header = with(header(&key), "typ", &json!(typ));
        assert_eq!(refused(&header, &claims(), &key), InvalidToken::Header);
    }
    let untyped = without(header(&key), "typ");
    assert_eq!(refused(&untyped, &claims(), &key), InvalidToken::Header);
    for typ in ["AT+JWT", "application/at+jwt"] {
        let header = with(header(&key), "typ", &json!(typ));
        let token = sign(&key, &header.to_string(), &claims().to_string());
        assert!(ring(&key).verify(&token).is_ok());
    }
}

#[test]
fn f09_critical_extensions_are_refused() {
    let key = key();
    for crit in [json!(["b64"]), json!(["x"]), json!([]), json!(null)] {
        let header = with(with(header(&key), "crit", &crit), "b64", &json!(false));
        assert_eq!(refused(&header, &claims(), &key), InvalidToken::Critical);
    }
}

#[test]
fn f10_an_unknown_key_identifier_leads_nowhere() {
    let key = key();
    let long = "k".repeat(4 * 1024);
    for kid in ["", "unknown", "../../etc/passwd", "' OR 1=1 --", &long] {
        let header = with(header(&key), "kid", &json!(kid));
        assert_eq!(refused(&header, &claims(), &key), InvalidToken::UnknownKey);
    }
    let kidless = without(header(&key), "kid");
    assert_eq!(refused(&kidless, &claims(), &key), InvalidToken::Header);
    let twice = format!(
        r#"{{"typ":"at+jwt","alg":"ES256","kid":"x","kid":"{}"}}"#,
        key.id
    );
    let token = sign(&key, &twice, &claims().to_string());
    assert_eq!(ring(&key).verify(&token), Err(InvalidToken::Header));
}

#[test]
fn f11_a_token_can_not_bring_its_own_key() {
    let (ours, theirs) = (key(), key());
    let jwk = ring(&theirs).jwks()["keys"][0].clone();
    let mut header = header(&ours);
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x")),
        ("x5c", json!(["MII"])),
    ] {
        header = with(header, name, &value);
        let token = sign(&theirs, &header.to_string(), &claims().to_string());
        assert_eq!(ring(&ours).verify(&token), Err(InvalidToken::Signature));
        let token = sign(&ours, &header.to_string(), &claims().to_string());
        assert!(ring(&ours).verify(&token).is_ok());
    }
}

#[test]
fn f13_only_the_canonical_compact_form_is_read() {
    let key = key();
    let ring = ring(&key);
    let good = sign(&key, &header(&key).to_string(), &claims().to_string());
    assert!(ring.verify(&good).is_ok());
    // The last character of 64 bytes has four bits that say nothing.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sibling = alphabet.find(last).unwrap() + 1;
    let sibling = &alphabet[sibling..=sibling];
    let body = &good[..good.len() - 1];
    let dots = ".".repeat(8 * 1024);
    let huge = "a".repeat(1024 * 1024);
    for bad in [
        String::new(),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}="),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.a.b"),
        format!("{body}{sibling}"),
        good.replacen('.', "..", 1),
        good.replacen('.', "=.", 1),
        dots,
        huge,
    ] {
        let shown: String = bad.chars().take(40).collect();
        assert!(ring.verify(&bad).is_err(), "{shown}");
    }
}

#[test]
fn f14_repeated_and_deep_claims_are_refused_or_ignored() {
    let key = key();
    let header = header(&key).to_string();
    let claims = claims().to_string();
    let twice = claims.replacen('{', r#"{"sub":"other","#, 1);
    let token = sign(&key, &header, &twice);
    assert_eq!(ring(&key).verify(&token), Err(InvalidToken::Claims));
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let audience = claims.replacen('{', &format!(r#"{{"aud":{deep},"#), 1);
    let token = sign(&key, &header, &audience);
    assert_eq!(ring(&key).verify(&token), Err(InvalidToken::Claims));
    // What is not looked at may be as deep as it likes.
    let other = claims.replacen('{', &format!(r#"{{"x":{deep},"#), 1);
    let token = sign(&key, &header, &other);
    assert!(ring(&key).verify(&token).is_ok());
}

#[test]
fn f16_an_old_key_verifies_until_it_is_taken_out() {
    let (old, new) = (key(), key());
    let token = sign(&old, &header(&old).to_string(), &claims().to_string());
    let both = KeyRing::new(&[new.clone(), old]).unwrap();
    assert!(both.verify(&token).is_ok());
    assert_eq!(both.jwks()["keys"].as_array().unwrap().len(), 2);
    let fresh = both.sign(&both.verify(&token).unwrap()).unwrap();
    assert!(ring(&new).verify(fresh.expose()).is_ok());
    assert_eq!(ring(&new).verify(&token), Err(InvalidToken::UnknownKey));
}

#[test]
fn a_ring_needs_keys_that_can_be_read() {
    assert_eq!(KeyRing::new(&[]).err(), Some(JoseError::NoKey));
    let mut broken = key();
    broken.private_key = gatehouse::model::Secret::new("broken".to_owned());
    assert_eq!(KeyRing::new(&[broken]).err(), Some(JoseError::Key));
}
