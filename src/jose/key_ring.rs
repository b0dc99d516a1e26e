//! The keys of a tenant: one signs, all of them verify (RFC 7517 §5).

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};

use super::JoseError;
use super::claims::AccessTokenClaims;
use super::key::Key;
use super::token::{self, InvalidToken};
use crate::model::{Secret, SigningKey, TenantSlug};

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
        let active = self.keys.iter().find(|key| key.signs_from <= claims.iat);
        let oldest = self.keys.last();
        token::sign(active.or(oldest).ok_or(JoseError::NoKey)?, claims)
    }

    /// The identifiers of the keys, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
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
