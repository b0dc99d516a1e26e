//! The life of signing keys: made at the first start, rotated by age or by hand, shared by replicas.
//!
//! A key is published as soon as it is there and signs a while later, when every replica knows it.
//! Its place in that life follows from the times in its row alone, so that nothing has to happen
//! at the moment when one key takes over from another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::audit;
use crate::jose::{JoseError, KeyCipher, KeyRing, KeyRings, generate_signing_key};
use crate::model::{Actor, Change, Clock, SealedSigningKey, SigningAlgorithm, TenantSlug};
use crate::store::{Store, StoreError};

/// The keys of all tenants, as the database has them and as this process uses them.
#[derive(Debug)]
pub struct SigningKeys {
    /// Where they are stored.
    pub store: Arc<dyn Store>,
    /// What they are encrypted with there.
    pub cipher: Arc<KeyCipher>,
    /// Where they are used.
    pub rings: Arc<KeyRings>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What new keys sign with.
    pub algorithm: SigningAlgorithm,
    /// The age at which a key gets its successor.
    pub rotate_every: Duration,
    /// For how long a new key is published before it signs.
    pub publish_ahead: Duration,
}

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    /// The database can't say.
    #[error("the signing keys can't be loaded")]
    Store(#[from] StoreError),
    /// A key can't be made, or not be used.
    #[error("the signing keys can't be used")]
    Key(#[from] JoseError),
}

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRotation {
    /// There is a new key now.
    Begun,
    /// A new key was waiting already, or another replica added one.
    UnderWay,
}

impl SigningKeys {
    /// Loads the tenant's keys; makes the first one where there is none.
    pub async fn load(&self, tenant: &TenantSlug) -> Result<(), SigningKeysError> {
        let mut keys = self.store.list_signing_keys(tenant).await?;
        if keys.is_empty() {
            let first = generate_signing_key(self.algorithm, self.clock.now())?;
            let candidate = self.cipher.seal(tenant, &first)?;
            let change = audit::change(tenant, Actor::System, &*self.clock);
            keys = self.store.ensure_signing_key(&change, &candidate).await?;
        }
        self.use_keys(tenant, &keys)
    }

    /// Takes up what other processes did to the keys of these tenants, and rotates those whose
    /// time has come. What goes wrong at one tenant keeps no other from it.
    pub async fn refresh(&self, tenants: &[TenantSlug]) -> Result<(), SigningKeysError> {
        let mut keys: HashMap<TenantSlug, Vec<SealedSigningKey>> = HashMap::new();
        for (tenant, key) in self.store.list_signing_keys_of(tenants).await? {
            keys.entry(tenant).or_default().push(key);
        }
        let mut outcome = Ok(());
        for (tenant, keys) in &keys {
            if let Err(error) = self.take_up(tenant, keys).await {
                tracing::warn!(%tenant, %error, "could not take up signing keys");
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn take_up(
        &self,
        tenant: &TenantSlug,
        keys: &[SealedSigningKey],
    ) -> Result<(), SigningKeysError> {
        self.use_keys(tenant, keys)?;
        let now = self.clock.now();
        let is_old = |key: &SealedSigningKey| now.since(key.created_at) >= self.rotate_every;
        if keys.first().is_some_and(is_old) {
            let change = audit::change(tenant, Actor::System, &*self.clock);
            self.rotate(&change).await?;
        }
        Ok(())
    }

    /// Adds a key that signs from a while later on, unless there is such a key already.
    pub async fn rotate(&self, change: &Change) -> Result<KeyRotation, SigningKeysError> {
        let tenant = &change.tenant;
        let keys = self.store.list_signing_keys(tenant).await?;
        let newest = keys.first().ok_or(JoseError::NoKey)?;
        let now = self.clock.now();
        if newest.signs_from > now {
            return Ok(KeyRotation::UnderWay);
        }
        let mut next = generate_signing_key(self.algorithm, now)?;
        next.signs_from = now.after(self.publish_ahead);
        let candidate = self.cipher.seal(tenant, &next)?;
        let rotating = self
            .store
            .rotate_signing_key(change, &newest.id, &candidate);
        if !rotating.await? {
            return Ok(KeyRotation::UnderWay);
        }
        tracing::info!(%tenant, key.id = next.id, "added a signing key");
        self.load(tenant).await?;
        Ok(KeyRotation::Begun)
    }

    fn use_keys(
        &self,
        tenant: &TenantSlug,
        keys: &[SealedSigningKey],
    ) -> Result<(), SigningKeysError> {
        let in_use = self.rings.get(tenant);
        let ids = keys.iter().map(|key| key.id.as_str());
        if in_use.is_some_and(|ring| ring.ids().eq(ids)) {
            return Ok(());
        }
        let opened: Result<Vec<_>, _> = keys
            .iter()
            .map(|key| self.cipher.open(tenant, key))
            .collect();
        self.rings.set(tenant.clone(), KeyRing::new(&opened?)?);
        Ok(())
    }
}
