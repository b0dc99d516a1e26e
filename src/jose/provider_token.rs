//! What an identity provider signs: ID tokens (OpenID Connect Core §2) and logout tokens
//! (OpenID Connect Back-Channel Logout §2.4).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::claims::{NumericDate, present};
use super::jwk::algorithm;
use super::jwk_set::JwkSet;
use super::token::{is_present, read};
use crate::model::Timestamp;

/// A token whose signature is still to be checked.
#[derive(Debug)]
pub struct ProviderToken<'text> {
    message: &'text str,
    signature: &'text str,
    header: Header,
    algorithm: Algorithm,
    claims: ProviderClaims,
}

/// What a token says. The derived reader refuses a claim that is there twice.
#[derive(Debug, Deserialize)]
pub struct ProviderClaims {
    /// Who says so.
    pub iss: String,
    /// Whom it is about; a logout token may do without.
    #[serde(default, deserialize_with = "present")]
    pub sub: Option<String>,
    #[serde(rename = "aud")]
    audience: Audience,
    /// Who asked for it, where it is for several.
    #[serde(default, deserialize_with = "present")]
    pub azp: Option<String>,
    exp: NumericDate,
    iat: NumericDate,
    #[serde(default, deserialize_with = "present")]
    auth_time: Option<NumericDate>,
    /// What ties it to one sign-in.
    #[serde(default, deserialize_with = "present")]
    pub nonce: Option<String>,
    /// Half of the digest of the access token beside it.
    #[serde(default, deserialize_with = "present")]
    pub at_hash: Option<String>,
    /// Half of the digest of the code that it came for.
    #[serde(default, deserialize_with = "present")]
    pub c_hash: Option<String>,
    /// The session at the provider.
    #[serde(default, deserialize_with = "present")]
    pub sid: Option<String>,
    /// Its own identifier.
    #[serde(default, deserialize_with = "present")]
    pub jti: Option<String>,
    /// What happened, in a logout token.
    #[serde(default, deserialize_with = "present")]
    pub events: Option<Map<String, Value>>,
    /// An address.
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default, deserialize_with = "is_true")]
    /// True when the provider checked that the address is the person's.
    pub email_verified: bool,
    /// What the person is called.
    #[serde(default)]
    pub name: Option<String>,
    /// What the person is called by at the provider; it may change and pass to others.
    #[serde(default)]
    pub preferred_username: Option<String>,
    /// The Google Workspace that the account belongs to.
    #[serde(default)]
    pub hd: Option<String>,
    /// The Entra tenant that the account belongs to.
    #[serde(default)]
    pub tid: Option<String>,
    /// Everything else that it says.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Why a text is no token of an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProviderToken {
    /// Too long, or not three base64url parts.
    #[error("not a compact JWS")]
    Malformed,
    /// The header lacks a member, has one twice, or names critical extensions.
    #[error("not a header of a token")]
    Header,
    /// The algorithm is not among those that are allowed, or not one for the key.
    #[error("not an allowed algorithm")]
    Algorithm,
    /// A claim is missing, there twice, or of the wrong type.
    #[error("not the claims of a token")]
    Claims,
    /// The provider publishes no such key, or several that would do.
    #[error("no key of the provider fits")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// RFC 7519 §4.1.3: one or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Groups make tokens long.
const MAX_TOKEN: usize = 64 * 1024;

impl<'text> ProviderToken<'text> {
    /// Reads a token; nothing in it is proven yet.
    pub fn parse(text: &'text str) -> Result<Self, InvalidProviderToken> {
        if text.len() > MAX_TOKEN {
            return Err(InvalidProviderToken::Malformed);
        }
        let malformed = InvalidProviderToken::Malformed;
        let (message, signature) = text.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = message.split_once('.').ok_or(malformed)?;
        if payload.contains('.') {
            return Err(malformed);
        }
        let header: Header = read(header).ok_or(InvalidProviderToken::Header)?;
        // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
        if header.crit {
            return Err(InvalidProviderToken::Header);
        }
        Ok(Self {
            message,
            signature,
            algorithm: algorithm(&header.alg).ok_or(InvalidProviderToken::Algorithm)?,
            header,
            claims: read(payload).ok_or(InvalidProviderToken::Claims)?,
        })
    }

    /// The claims before anything is proven: good for finding out whose keys to ask for.
    #[must_use]
    pub fn claimed(&self) -> &ProviderClaims {
        &self.claims
    }

    /// What kind of token it says it is (RFC 8725 §3.11).
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// Whether its signature is of one of `keys`, by one of the algorithms `allowed`.
    pub fn verify(&self, keys: &JwkSet, allowed: &[String]) -> Result<(), InvalidProviderToken> {
        // RFC 8725 §3.1: the operator says which algorithms are good, the header only picks one.
        if !allowed.contains(&self.header.alg) {
            return Err(InvalidProviderToken::Algorithm);
        }
        let key = keys.find(self.header.kid.as_deref(), self.algorithm);
        let key = &key.ok_or(InvalidProviderToken::UnknownKey)?.key;
        let message = self.message.as_bytes();
        let verified = jsonwebtoken::crypto::verify(self.signature, message, key, self.algorithm);
        if verified.unwrap_or(false) {
            Ok(())
        } else {
            Err(InvalidProviderToken::Signature)
        }
    }

    /// OpenID Connect Core §3.1.3.6: the left half of the digest of `text`, by the hash of the
    /// token's algorithm.
    #[must_use]
    pub fn half_digest(&self, text: &str) -> String {
        let hash = match self.header.alg.get(2..) {
            Some("384") => &SHA384,
            Some("512") => &SHA512,
            // EdDSA over Curve25519 hashes with SHA-512.
            _ if self.algorithm == Algorithm::EdDSA => &SHA512,
            Some(_) | None => &SHA256,
        };
        let digest = digest::digest(hash, text.as_bytes());
        let (half, _) = digest.as_ref().split_at(digest.as_ref().len() / 2);
        URL_SAFE_NO_PAD.encode(half)
    }
}

impl ProviderClaims {
    /// Whom it is for.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        match &self.audience {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(several) => several,
        }
    }

    /// From when on it is refused.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.exp.0
    }

    /// When it was made.
    #[must_use]
    pub fn issued_at(&self) -> Timestamp {
        self.iat.0
    }

    /// When the person last proved who they are.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.auth_time.map(|date| date.0)
    }
}

/// Some providers write the truth as a text; anything else is not verified.
fn is_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Truth {
        Is(bool),
        Said(String),
        Else(IgnoredAny),
    }
    Ok(match Truth::deserialize(deserializer)? {
        Truth::Is(is) => is,
        Truth::Said(text) => text == "true",
        Truth::Else(_) => false,
    })
}
