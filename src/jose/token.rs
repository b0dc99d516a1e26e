//! The compact form of an access token: signing it, and refusing all that is not one
//! (RFC 7515 §7.1, RFC 8725, RFC 9068 §4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::JoseError;
use super::claims::{AccessTokenClaims, WireClaims};
use super::key::Key;
use crate::model::{Secret, strict_json};

/// Why a text is no access token of this ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Longer than any token of ours, or not three base64url parts.
    #[error("not a compact JWS")]
    Malformed,
    /// The header lacks a member, has one twice, or is not that of an access token.
    #[error("not the header of an access token")]
    Header,
    /// The header names extensions that must be understood.
    #[error("critical extensions are not supported")]
    Critical,
    /// No key of that identifier is in the ring.
    #[error("unknown signing key")]
    UnknownKey,
    /// The algorithm is not the key's.
    #[error("not the algorithm of the key")]
    Algorithm,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
    /// A claim is missing, there twice, or of the wrong type.
    #[error("not the claims of an access token")]
    Claims,
}

/// The members of the header that matter. The others, `jku`, `jwk`, `x5u` and `x5c` among them,
/// are not looked at: a token can't bring its own key (RFC 8725 §3.10).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// The longest token that is looked at.
const MAX_TOKEN: usize = 8 * 1024;

pub(super) fn sign(key: &Key, claims: &AccessTokenClaims) -> Result<Secret, JoseError> {
    // RFC 9068 §2.1: the type keeps other tokens of the same key from passing as access tokens.
    sign_as(key, "at+jwt", &WireClaims::from(claims)).map(Secret::new)
}

pub(super) fn sign_as(key: &Key, kind: &str, claims: &impl Serialize) -> Result<String, JoseError> {
    let header = json!({ "typ": kind, "alg": key.algorithm.as_str(), "kid": key.id });
    let payload = serde_json::to_vec(claims).map_err(|_| JoseError::Signing)?;
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let signature = key.sign(message.as_bytes())?;
    Ok(format!("{message}.{signature}"))
}

pub(super) fn verify<'ring>(
    find: impl FnOnce(&str) -> Option<&'ring Key>,
    token: &str,
) -> Result<AccessTokenClaims, InvalidToken> {
    if token.len() > MAX_TOKEN {
        return Err(InvalidToken::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(InvalidToken::Malformed)?;
    if payload.contains('.') {
        return Err(InvalidToken::Malformed);
    }
    let header: Header = read(header).ok_or(InvalidToken::Header)?;
    check_type(&header)?;
    // RFC 8725 §3.1: the key decides on the algorithm, the header only has to agree.
    let key = find(&header.kid).ok_or(InvalidToken::UnknownKey)?;
    if header.alg != key.algorithm.as_str() {
        return Err(InvalidToken::Algorithm);
    }
    let verified = jsonwebtoken::crypto::verify(
        signature,
        message.as_bytes(),
        &key.verifying,
        key.algorithm(),
    );
    if !verified.unwrap_or(false) {
        return Err(InvalidToken::Signature);
    }
    let claims: WireClaims = read(payload).ok_or(InvalidToken::Claims)?;
    claims.try_into().map_err(|_| InvalidToken::Claims)
}

fn check_type(header: &Header) -> Result<(), InvalidToken> {
    // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
    if header.crit {
        return Err(InvalidToken::Critical);
    }
    // RFC 9068 §4: `at+jwt`, with or without the prefix that RFC 7515 §4.1.9 lets go.
    let names = ["at+jwt", "application/at+jwt"];
    if names
        .iter()
        .any(|name| header.typ.eq_ignore_ascii_case(name))
    {
        Ok(())
    } else {
        Err(InvalidToken::Header)
    }
}

/// Reads one part. The decoder takes neither padding nor non-canonical last characters, and all of
/// the JSON is UTF-8, in the members too that are passed over (RFC 8259 §8.1).
pub(super) fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_str(&decode(part)?).ok()
}

/// Reads one part that is an object, at no depth with a member twice.
pub(super) fn read_object(part: &str) -> Option<Map<String, Value>> {
    match strict_json(decode(part)?.as_bytes(), u8::MAX) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) | Err(_) => None,
    }
}

fn decode(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// True for a member that is there, whatever its value, `null` too.
pub(super) fn is_present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}
