//! Assertions by which clients authenticate (RFC 7523 §3): the compact form and its signature.

use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::claims::{NumericDate, present};
use super::jwk::client_algorithm;
use super::jwk_set::JwkSet;
use super::token::{is_present, read};
use crate::model::{ClientId, Timestamp};

/// An assertion whose signature is still to be checked.
#[derive(Debug)]
pub struct ClientAssertion<'text> {
    message: &'text str,
    signature: &'text str,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: ClientAssertionClaims,
}

/// What an assertion says (RFC 7523 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAssertionClaims {
    /// Who says so.
    pub iss: String,
    /// Who it is about.
    pub sub: ClientId,
    /// Whom it is for.
    pub aud: Vec<String>,
    /// From when on it is refused.
    pub exp: Timestamp,
    /// Before when it is refused.
    pub nbf: Option<Timestamp>,
    /// When it was made.
    pub iat: Option<Timestamp>,
    /// Its own identifier.
    pub jti: String,
}

/// Why a text is no assertion of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertion {
    /// Too long, or not three base64url parts.
    #[error("not a compact JWS")]
    Malformed,
    /// The header lacks a member, has one twice, is of another kind of token, or names critical
    /// extensions.
    #[error("not the header of a client assertion")]
    Header,
    /// The algorithm is not one that clients may use.
    #[error("not an algorithm for client assertions")]
    Algorithm,
    /// A claim is missing, there twice, or of the wrong type.
    #[error("not the claims of a client assertion")]
    Claims,
    /// The client has no such key, or several that would do.
    #[error("no key of the client fits")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
}

/// The members of the header that matter; `jku`, `jwk` and their like are not looked at
/// (RFC 8725 §3.10).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

#[derive(Deserialize)]
struct WireClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<NumericDate>,
    jti: String,
}

/// RFC 7519 §4.1.3: one or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

const MAX_ASSERTION: usize = 8 * 1024;

impl<'text> ClientAssertion<'text> {
    /// Reads an assertion; nothing in it is proven yet.
    pub fn parse(text: &'text str) -> Result<Self, InvalidAssertion> {
        if text.len() > MAX_ASSERTION {
            return Err(InvalidAssertion::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(InvalidAssertion::Malformed)?;
        let (header, payload) = message
            .split_once('.')
            .filter(|(_, payload)| !payload.contains('.'))
            .ok_or(InvalidAssertion::Malformed)?;
        let header: Header = read(header).ok_or(InvalidAssertion::Header)?;
        header.check()?;
        let claims: WireClaims = read(payload).ok_or(InvalidAssertion::Claims)?;
        Ok(Self {
            message,
            signature,
            algorithm: client_algorithm(&header.alg).ok_or(InvalidAssertion::Algorithm)?,
            key_id: header.kid,
            claims: claims.into(),
        })
    }

    /// Whom it claims to be of.
    #[must_use]
    pub fn claimed_client(&self) -> &ClientId {
        &self.claims.sub
    }

    /// What it says, once its signature is found to be of one of `keys`.
    pub fn verify(&self, keys: &JwkSet) -> Result<&ClientAssertionClaims, InvalidAssertion> {
        let key = keys.find(self.key_id.as_deref(), self.algorithm);
        let key = &key.ok_or(InvalidAssertion::UnknownKey)?.key;
        let message = self.message.as_bytes();
        let verified = jsonwebtoken::crypto::verify(self.signature, message, key, self.algorithm);
        if verified.unwrap_or(false) {
            Ok(&self.claims)
        } else {
            Err(InvalidAssertion::Signature)
        }
    }
}

impl Header {
    fn check(&self) -> Result<(), InvalidAssertion> {
        // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
        if self.crit {
            return Err(InvalidAssertion::Header);
        }
        // RFC 8725 §3.11: an access token of the client is no assertion.
        let known = ["JWT", "client-authentication+jwt"];
        let named = |typ: &str| known.iter().any(|name| typ.eq_ignore_ascii_case(name));
        match &self.typ {
            Some(typ) if !named(typ) => Err(InvalidAssertion::Header),
            Some(_) | None => Ok(()),
        }
    }
}

impl From<WireClaims> for ClientAssertionClaims {
    fn from(wire: WireClaims) -> Self {
        Self {
            iss: wire.iss,
            sub: ClientId::new(wire.sub),
            aud: match wire.aud {
                Audience::One(one) => vec![one],
                Audience::Several(several) => several,
            },
            exp: wire.exp.0,
            nbf: wire.nbf.map(|date| date.0),
            iat: wire.iat.map(|date| date.0),
            jti: wire.jti,
        }
    }
}
