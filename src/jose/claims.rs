//! The claims of an access token (RFC 9068 §2.2), with strict types.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::{ClientId, GrantId, KeyThumbprint, RefusalDialect, ScopeSet, Timestamp, UserId};

/// What an access token says. Whether it holds here and now is for the resource server to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTokenClaims {
    /// The tenant's issuer identifier.
    pub iss: String,
    /// The person.
    pub sub: UserId,
    /// The one protected resource that the token is for.
    pub aud: String,
    /// From when on it is refused.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// Before when it is refused.
    pub nbf: Option<Timestamp>,
    /// Its own identifier.
    pub jti: String,
    /// The client that the person lets act.
    pub client_id: ClientId,
    /// What it allows.
    pub scope: ScopeSet,
    /// The grant that it came of; none for a token that an operator issued.
    pub grant_id: Option<GrantId>,
    /// The key whose holder alone may use it (RFC 9449 §6.1).
    pub key: Option<KeyThumbprint>,
    /// How its client is told what it lacks, where an operator has said so.
    pub refusals: Option<RefusalDialect>,
}

/// The claims as they stand in the token. The derived reader refuses a claim that is there twice,
/// and the types refuse everything but what RFC 9068 §2.2 asks for: the `aud` of RFC 7519 §4.1.3
/// may be an array, ours is a single string.
#[derive(Serialize, Deserialize)]
pub(super) struct WireClaims {
    iss: String,
    sub: String,
    aud: String,
    exp: NumericDate,
    iat: NumericDate,
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<NumericDate>,
    jti: String,
    client_id: String,
    scope: String,
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(default, deserialize_with = "present")]
    #[serde(skip_serializing_if = "Option::is_none")]
    refusals: Option<String>,
}

/// RFC 7800 §3.1: what the holder of the token has to prove. A method that we don't know can't be
/// checked, so that no other member may stand here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    jkt: String,
}

/// A token of ours says something that we would not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ImpossibleClaims;

/// Seconds since the Unix epoch, with or without a fraction (RFC 7519 §2).
#[derive(Clone, Copy, Debug)]
pub(super) struct NumericDate(pub(super) Timestamp);

struct NumericDateVisitor;

impl From<&AccessTokenClaims> for WireClaims {
    fn from(claims: &AccessTokenClaims) -> Self {
        Self {
            iss: claims.iss.clone(),
            sub: claims.sub.as_str().to_owned(),
            aud: claims.aud.clone(),
            exp: NumericDate(claims.exp),
            iat: NumericDate(claims.iat),
            nbf: claims.nbf.map(NumericDate),
            jti: claims.jti.clone(),
            client_id: claims.client_id.as_str().to_owned(),
            scope: claims.scope.to_string(),
            grant_id: claims.grant_id.as_ref().map(|id| id.as_str().to_owned()),
            cnf: claims.key.map(|key| Confirmation {
                jkt: key.to_string(),
            }),
            refusals: claims.refusals.map(|dialect| dialect.as_str().to_owned()),
        }
    }
}

impl TryFrom<WireClaims> for AccessTokenClaims {
    type Error = ImpossibleClaims;

    fn try_from(wire: WireClaims) -> Result<Self, Self::Error> {
        let key = wire.cnf.map(|cnf| KeyThumbprint::parse(&cnf.jkt));
        let key = key.map(|key| key.ok_or(ImpossibleClaims)).transpose()?;
        let refusals = wire.refusals.as_deref().map(RefusalDialect::from_name);
        let refusals = refusals
            .map(|dialect| dialect.ok_or(ImpossibleClaims))
            .transpose()?;
        Ok(Self {
            iss: wire.iss,
            sub: UserId::new(wire.sub),
            aud: wire.aud,
            exp: wire.exp.0,
            iat: wire.iat.0,
            nbf: wire.nbf.map(|date| date.0),
            jti: wire.jti,
            client_id: ClientId::new(wire.client_id),
            scope: wire.scope.parse().map_err(|_| ImpossibleClaims)?,
            grant_id: wire.grant_id.map(GrantId::new),
            key,
            refusals,
        })
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.seconds())
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumericDateVisitor)
    }
}

impl NumericDateVisitor {
    /// The last second of the year 9999: no honest token names a later one.
    const LATEST: i64 = 253_402_300_799;

    fn date<E: Error>(seconds: i64) -> Result<NumericDate, E> {
        if (0..=Self::LATEST).contains(&seconds) {
            Ok(NumericDate(Timestamp::from_seconds(seconds)))
        } else {
            Err(E::custom(
                "a date outside of the common era's first 9999 years",
            ))
        }
    }
}

impl Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the Unix epoch")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
        Self::date(seconds)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        Self::date(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, and what is cut off is a fraction of a second"
    )]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        Self::date(if seconds < 0.0 { -1 } else { seconds as i64 })
    }
}

/// Reads a claim that may be absent but is never `null`.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
