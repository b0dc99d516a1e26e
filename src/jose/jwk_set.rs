//! Public keys that others publish (RFC 7517 §5), as far as we verify with them.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The keys of one set that we can verify with.
#[derive(Debug)]
pub struct JwkSet(Vec<PublicKey>);

/// Why a text is no set of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwkSet {
    /// No JSON object with an array of keys, or too many of them.
    #[error("not a JWK Set of at most 20 keys")]
    Malformed,
    /// A private key or a shared secret is in it.
    #[error("the JWK Set holds private or symmetric keys")]
    Private,
    /// Of none of its keys do we know the type and curve.
    #[error("the JWK Set has no RSA, P-256 or Ed25519 key for signatures")]
    Empty,
}

/// A key, and the algorithms that it may be used with.
#[derive(Debug)]
pub(super) struct PublicKey {
    pub(super) id: Option<String>,
    pub(super) key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// What clients may sign with, by the registered names (RFC 7518 §3.1, RFC 8037 §3.1).
const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("ES256", Algorithm::ES256),
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("EdDSA", Algorithm::EdDSA),
];

const MAX_KEYS: usize = 20;

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

/// The members that matter. The six of private keys (RFC 7518 §6) only have to be absent.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
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

/// The names of the algorithms that clients may sign assertions with.
#[must_use]
pub fn client_signing_algorithms() -> [&'static str; 4] {
    ALGORITHMS.map(|(name, _)| name)
}

/// The algorithm of that name; `none` and the symmetric ones have none here (RFC 8725 §3.1).
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    let found = ALGORITHMS.iter().find(|(other, _)| *other == name);
    found.map(|(_, algorithm)| *algorithm)
}

impl JwkSet {
    /// Reads a set. Keys of unknown types and for encryption are left out (RFC 7517 §5).
    pub fn parse(json: &[u8]) -> Result<Self, InvalidJwkSet> {
        let document: Document =
            serde_json::from_slice(json).map_err(|_| InvalidJwkSet::Malformed)?;
        if document.keys.len() > MAX_KEYS {
            return Err(InvalidJwkSet::Malformed);
        }
        if document.keys.iter().any(Jwk::is_private) {
            return Err(InvalidJwkSet::Private);
        }
        let keys: Vec<PublicKey> = document.keys.into_iter().filter_map(Jwk::read).collect();
        if keys.is_empty() {
            return Err(InvalidJwkSet::Empty);
        }
        Ok(Self(keys))
    }

    /// The key of this identifier for this algorithm; without an identifier, the only one for it.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let fits = |key: &&PublicKey| {
            key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id)
        };
        let mut fitting = self.0.iter().filter(fits);
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

impl Jwk {
    fn is_private(&self) -> bool {
        let members = [self.d, self.p, self.q, self.dp, self.dq, self.qi, self.k];
        members.iter().any(Option::is_some)
    }

    fn read(self) -> Option<PublicKey> {
        if self.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (key, able) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let key = DecodingKey::from_rsa_components(&self.n?, &self.e?);
                (key, vec![Algorithm::RS256, Algorithm::PS256])
            }
            ("EC", Some("P-256")) => {
                let key = DecodingKey::from_ec_components(&self.x?, &self.y?);
                (key, vec![Algorithm::ES256])
            }
            ("OKP", Some("Ed25519")) => {
                let key = DecodingKey::from_ed_components(&self.x?);
                (key, vec![Algorithm::EdDSA])
            }
            _ => return None,
        };
        // RFC 7517 §4.4: a key that names an algorithm is for no other one.
        let named = self.alg.as_deref();
        let able = able
            .into_iter()
            .filter(|able| named.is_none_or(|name| algorithm(name) == Some(*able)));
        Some(PublicKey {
            id: self.kid,
            key: key.ok()?,
            algorithms: able.collect(),
        })
    }
}
