//! The keys of a tenant: one signs, all of them verify (RFC 7517 §5).

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::JoseError;
use super::claims::AccessTokenClaims;
use super::key::Key;
use super::statement;
use super::token::{self, InvalidToken};
use crate::model::{Secret, SigningAlgorithm, SigningKey, TenantSlug, Timestamp};

/// The signing keys of one tenant.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<Key>,
}

/// The key rings of all tenants; the authorization server signs with them, the resource server
/// verifies.
#[derive(Debug, Default)]
pub struct KeyRings(RwLock<HashMap<TenantSlug, Arc<KeyRing>>>);

impl KeyRing {
    /// The ring of these keys.
    pub fn new(keys: &[SigningKey]) -> Result<Self, JoseError> {
        let mut keys: Vec<Key> = keys.iter().map(Key::read).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(JoseError::NoKey);
        }
        keys.sort_by_key(|key| Reverse(key.signs_from));
        Ok(Self { keys })
    }

    /// Signs an access token with the newest key that signs at its `iat`. A later one is published
    /// already, so that everybody knows it when its time comes.
    pub fn sign(&self, claims: &AccessTokenClaims) -> Result<Secret, JoseError> {
        token::sign(self.active(claims.iat)?, claims)
    }

    /// The nonce for DPoP proofs that are made at `now` (RFC 9449 §8). It follows from the signing
    /// key and the time, so that every replica knows it and none has to remember it.
    pub fn dpop_nonce(&self, now: Timestamp) -> Result<String, JoseError> {
        Ok(dpop_nonce(self.active(now)?, window(now)))
    }

    /// True when `nonce` was, or will be, that of a moment not far from `now`.
    #[must_use]
    pub fn knows_dpop_nonce(&self, nonce: &str, now: Timestamp) -> bool {
        let nonce = Secret::new(nonce.to_owned());
        let present = window(now);
        // The next one counts for clients that asked a replica whose clock is ahead.
        [present, present - 1, present + 1].into_iter().any(|at| {
            let is_it = |key| Secret::new(dpop_nonce(key, at)).matches(&nonce);
            self.keys.iter().any(is_it)
        })
    }

    /// Signs a statement about the audit log; answers with it, the key's identifier and its public
    /// half.
    pub fn state(
        &self,
        claims: &impl Serialize,
        now: Timestamp,
    ) -> Result<(String, String, String), JoseError> {
        let key = self.active(now)?;
        let statement = statement::sign(key, claims)?;
        Ok((statement, key.id.clone(), key.jwk().to_string()))
    }

    fn active(&self, now: Timestamp) -> Result<&Key, JoseError> {
        let active = self.keys.iter().find(|key| key.signs_from <= now);
        active.or(self.keys.last()).ok_or(JoseError::NoKey)
    }

    /// The identifiers of the keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// What the keys sign with, the newest first.
    pub fn algorithms(&self) -> impl Iterator<Item = SigningAlgorithm> {
        self.keys.iter().map(|key| key.algorithm)
    }

    /// Checks the form and the signature of an access token. Issuer, audience and times are not
    /// looked at here.
    pub fn verify(&self, token: &str) -> Result<AccessTokenClaims, InvalidToken> {
        token::verify(|id| self.keys.iter().find(|key| key.id == id), token)
    }

    /// The public keys as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Key::jwk).collect::<Vec<_>>() })
    }
}

/// For how many seconds a nonce for DPoP is the newest one; it is good for twice as long.
const NONCE_WINDOW: i64 = 60;

/// After how long no nonce that is good now is good any more.
pub const DPOP_NONCE_END: Duration = Duration::from_secs(3 * NONCE_WINDOW.unsigned_abs());

const fn window(now: Timestamp) -> i64 {
    now.seconds().div_euclid(NONCE_WINDOW)
}

fn dpop_nonce(key: &Key, window: i64) -> String {
    let nonce = key.nonces.derive(&window.to_be_bytes());
    nonce.expose().to_owned()
}

impl KeyRings {
    /// The ring of `tenant`.
    #[must_use]
    pub fn get(&self, tenant: &TenantSlug) -> Option<Arc<KeyRing>> {
        let rings = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rings.get(tenant).map(Arc::clone)
    }

    /// Gives `tenant` this ring from now on.
    pub fn set(&self, tenant: TenantSlug, ring: KeyRing) {
        let mut rings = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rings.insert(tenant, Arc::new(ring));
    }

    /// Forgets the rings of all tenants but these.
    pub fn retain(&self, tenants: &HashSet<TenantSlug>) {
        let mut rings = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|tenant, _| tenants.contains(tenant));
    }
}
