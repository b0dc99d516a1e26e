//! What other issuers sign for us: access tokens of an external authorization server (RFC 9068, and
//! what servers do that came before it), and identity assertions (ID-JAG).

use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::NumericDate;
use super::jwk::algorithm;
use super::jwk_set::JwkSet;
use super::token::{is_present, read, read_object};
use crate::model::{KeyThumbprint, Timestamp};

/// A token whose signature is still to be checked.
#[derive(Debug)]
pub struct IssuerToken<'text> {
    message: &'text str,
    signature: &'text str,
    algorithm: Algorithm,
    key_id: Option<String>,
    typ: Option<String>,
    claims: IssuerClaims,
}

/// What a token says.
#[derive(Clone, Debug, Default)]
pub struct IssuerClaims(Map<String, Value>);

/// Why a text is no token of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuerToken {
    /// Too long, or not three base64url parts.
    #[error("not a compact JWS")]
    Malformed,
    /// The header lacks a member, has one twice, or names critical extensions.
    #[error("not the header of a token")]
    Header,
    /// The algorithm is none that issuers may use.
    #[error("not an algorithm for tokens")]
    Algorithm,
    /// The claims are no object, or one is there twice.
    #[error("not the claims of a token")]
    Claims,
    /// The issuer publishes no such key, or several that would do.
    #[error("no key of the issuer fits")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
}

/// The members of the header that matter; `jku`, `jwk`, `x5u` and their like are not looked at
/// (RFC 8725 §3.10).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

/// RFC 7800 §3.1: a method that we don't know can't be checked, so that no other member may stand
/// here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

/// Roles and groups make tokens long; a header of a request ends well before that.
const MAX_TOKEN: usize = 16 * 1024;
const MAX_KEY_ID: usize = 512;

impl<'text> IssuerToken<'text> {
    /// Reads a token; nothing in it is proven yet.
    pub fn parse(text: &'text str) -> Result<Self, InvalidIssuerToken> {
        if text.len() > MAX_TOKEN {
            return Err(InvalidIssuerToken::Malformed);
        }
        let malformed = InvalidIssuerToken::Malformed;
        let (message, signature) = text.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) = message.split_once('.').ok_or(malformed)?;
        if payload.contains('.') {
            return Err(malformed);
        }
        let header: Header = read(header).ok_or(InvalidIssuerToken::Header)?;
        // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
        if header.crit
            || header
                .kid
                .as_ref()
                .is_some_and(|kid| kid.len() > MAX_KEY_ID)
        {
            return Err(InvalidIssuerToken::Header);
        }
        let claims = read_object(payload).ok_or(InvalidIssuerToken::Claims)?;
        Ok(Self {
            message,
            signature,
            // RFC 8725 §3.1: `none` and the symmetric ones are not among them.
            algorithm: algorithm(&header.alg).ok_or(InvalidIssuerToken::Algorithm)?,
            key_id: header.kid,
            typ: header.typ,
            claims: IssuerClaims(claims),
        })
    }

    /// True when its `typ` is this one, with or without the prefix that RFC 7515 §4.1.9 lets go.
    #[must_use]
    pub fn is_type(&self, name: &str) -> bool {
        let typ = self.typ.as_deref().unwrap_or_default();
        let prefix = typ
            .get(..12)
            .filter(|it| it.eq_ignore_ascii_case("application/"));
        let typ = prefix.and_then(|_| typ.get(12..)).unwrap_or(typ);
        typ.eq_ignore_ascii_case(name)
    }

    /// True when it does not say what kind of token it is.
    #[must_use]
    pub fn is_untyped(&self) -> bool {
        self.typ.is_none()
    }

    /// What it claims before anything is proven: good for refusing it, and for finding out whose
    /// keys to ask for.
    #[must_use]
    pub fn claimed(&self) -> &IssuerClaims {
        &self.claims
    }

    /// What it says, once its signature is found to be of one of `keys`.
    pub fn verify(&self, keys: &JwkSet) -> Result<&IssuerClaims, InvalidIssuerToken> {
        // The set decides which algorithms a key is for, the header only has to agree.
        let key = keys.find(self.key_id.as_deref(), self.algorithm);
        let key = &key.ok_or(InvalidIssuerToken::UnknownKey)?.key;
        let message = self.message.as_bytes();
        let verified = jsonwebtoken::crypto::verify(self.signature, message, key, self.algorithm);
        if verified.unwrap_or(false) {
            Ok(&self.claims)
        } else {
            Err(InvalidIssuerToken::Signature)
        }
    }
}

impl IssuerClaims {
    /// The claim, where it is a text that is not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?;
        (!text.is_empty() && !text.contains('\0')).then_some(text)
    }

    /// True when the claim is there, whatever its value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The claim as a time; an error where it is there and none.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, InvalidIssuerToken> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let date = NumericDate::deserialize(value).map_err(|_| InvalidIssuerToken::Claims)?;
        Ok(Some(date.0))
    }

    /// RFC 7519 §4.1.3: a text, or a list of texts; an error where it is anything else.
    pub fn audience(&self) -> Result<Vec<&str>, InvalidIssuerToken> {
        match self.0.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(several)) => {
                let texts: Option<Vec<&str>> = several.iter().map(Value::as_str).collect();
                texts.ok_or(InvalidIssuerToken::Claims)
            }
            Some(_) => Err(InvalidIssuerToken::Claims),
        }
    }

    /// The values at `path`: a member of that very name, or one within others, as in
    /// `realm_access.roles`. A list of texts, a text of several words, or an object whose members'
    /// names they are. None where there is no such claim.
    #[must_use]
    pub fn values(&self, path: &str) -> Option<Vec<&str>> {
        let whole = self.0.get(path);
        let stepped = || {
            let mut steps = path.split('.');
            let first = self.0.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.as_object()?.get(step))
        };
        Some(match whole.or_else(stepped)? {
            Value::String(words) => words.split(' ').filter(|word| !word.is_empty()).collect(),
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            Value::Object(members) => members.keys().map(String::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        })
    }

    /// The key whose holder alone may use the token (RFC 9449 §6.1); an error where the token is
    /// bound in a way that can't be checked.
    pub fn key(&self) -> Result<Option<KeyThumbprint>, InvalidIssuerToken> {
        let Some(value) = self.0.get("cnf") else {
            return Ok(None);
        };
        let claims = InvalidIssuerToken::Claims;
        let Confirmation { jkt } = Confirmation::deserialize(value).map_err(|_| claims)?;
        KeyThumbprint::parse(&jkt).map(Some).ok_or(claims)
    }
}
