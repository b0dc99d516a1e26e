//! Signed statements about the audit log (RFC 7515), and the keys that outlive their signing.

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JoseError;
use super::jwk::{self, Jwk};
use super::key::Key;
use super::token::{is_present, read};

/// The header of a statement. Its type keeps it from passing as a token of the same key.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// The type of a statement (RFC 8725 §3.11).
const TYPE: &str = "audit-checkpoint+jwt";

pub(super) fn sign(key: &Key, claims: &impl Serialize) -> Result<String, JoseError> {
    super::token::sign_as(key, TYPE, claims)
}

/// The `kid` that a statement names; nothing has been verified then.
#[must_use]
pub fn statement_key(statement: &str) -> Option<String> {
    let (header, _) = statement.split_once('.')?;
    read::<Header>(header).map(|header| header.kid)
}

/// What a statement says, if the key `jwk` signed it.
#[must_use]
pub fn read_statement<T: DeserializeOwned>(statement: &str, jwk: &str) -> Option<T> {
    let (message, signature) = statement.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let header: Header = read(header)?;
    if header.typ != TYPE || header.crit {
        return None;
    }
    let key: Jwk = serde_json::from_str(jwk).ok()?;
    // RFC 8725 §3.1: the key decides on the algorithm.
    let algorithm = jwk::algorithm(&header.alg)?;
    let (verifying, able) = key.verifier()?;
    if key.alg.as_deref() != Some(header.alg.as_str()) || !able.contains(&algorithm) {
        return None;
    }
    let verified =
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &verifying, algorithm);
    verified.unwrap_or(false).then(|| read(payload)).flatten()
}
