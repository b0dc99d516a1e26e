//! Public keys that others publish (RFC 7517 §5), as far as we verify with them.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::jwk::{Jwk, algorithm};

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
    #[error("the JWK Set has no RSA, P-256, P-384 or Ed25519 key for signatures")]
    Empty,
}

/// A key, and the algorithms that it may be used with.
#[derive(Debug)]
pub(super) struct PublicKey {
    pub(super) id: Option<String>,
    pub(super) key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

const MAX_KEYS: usize = 20;

#[derive(Deserialize)]
struct Document {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// Reads a set. Keys of unknown types and for encryption are left out (RFC 7517 §5).
    pub fn parse(json: &[u8]) -> Result<Self, InvalidJwkSet> {
        // RFC 8259 §8.1: UTF-8, in the members too that are passed over.
        let text = std::str::from_utf8(json).map_err(|_| InvalidJwkSet::Malformed)?;
        let document: Document =
            serde_json::from_str(text).map_err(|_| InvalidJwkSet::Malformed)?;
        if document.keys.len() > MAX_KEYS {
            return Err(InvalidJwkSet::Malformed);
        }
        if document.keys.iter().any(Jwk::is_private) {
            return Err(InvalidJwkSet::Private);
        }
        let keys: Vec<PublicKey> = document
            .keys
            .into_iter()
            .filter_map(PublicKey::read)
            .collect();
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

impl PublicKey {
    fn read(jwk: Jwk) -> Option<Self> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let (key, able) = jwk.verifier()?;
        // RFC 7517 §4.4: a key that names an algorithm is for no other one.
        let named = jwk.alg.as_deref();
        let able = able
            .iter()
            .copied()
            .filter(|able| named.is_none_or(|name| algorithm(name) == Some(*able)));
        Some(Self {
            algorithms: able.collect(),
            id: jwk.kid,
            key,
        })
    }
}
