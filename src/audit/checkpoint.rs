//! Checkpoints: signed statements that a chain had this hash at this number.
//!
//! Whoever can write to the database could make a whole new chain; they can't sign it. A checkpoint
//! is verified with the public key that is kept beside it, and that key counts only with a seal that
//! takes the encryption key to make. So checkpoints outlive the rotation of the keys.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::jose::{JoseError, KeyCipher, KeyRings, read_statement, statement_key};
use crate::model::{ChainHead, Change, Clock, Digest, TenantSlug};
use crate::store::{Checkpoint, CheckpointKey, Store, StoreError};

/// Signs checkpoints, and verifies them.
#[derive(Debug)]
pub struct Checkpoints {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// What they are signed with.
    pub rings: Arc<KeyRings>,
    /// What vouches for the keys.
    pub cipher: Arc<KeyCipher>,
    /// The present.
    pub clock: Arc<dyn Clock>,
}

/// A checkpoint can't be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The database did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be signed.
    #[error(transparent)]
    Key(#[from] JoseError),
}

/// What a checkpoint says.
#[derive(Debug, Deserialize, Serialize)]
struct Claims {
    tenant: String,
    sequence: i64,
    hash: String,
    iat: i64,
}

/// The keys that count, by their identifiers.
pub(super) struct TrustedKeys(HashMap<String, String>);

impl Checkpoints {
    /// Signs where the chain of `tenant` is; false while its keys are not loaded here.
    pub async fn sign(
        &self,
        tenant: &TenantSlug,
        head: &ChainHead,
    ) -> Result<bool, CheckpointError> {
        let Some(ring) = self.rings.get(tenant) else {
            return Ok(false);
        };
        let now = self.clock.now();
        let claims = Claims {
            tenant: tenant.to_string(),
            sequence: head.sequence,
            hash: head.hash.to_hex(),
            iat: now.seconds(),
        };
        let (statement, id, jwk) = ring.state(&claims, now)?;
        let seal = self.cipher.vouch(tenant, &jwk)?;
        let checkpoint = Checkpoint {
            sequence: head.sequence,
            statement,
        };
        let key = CheckpointKey { id, jwk, seal };
        self.store.add_checkpoint(tenant, &checkpoint, &key).await?;
        // Whoever keeps the log has a point from which nobody with the database can go back.
        tracing::info!(
            %tenant,
            audit.sequence = head.sequence,
            audit.hash = head.hash.to_hex(),
            "audit checkpoint"
        );
        Ok(true)
    }

    /// Cuts off the log of the change's tenant up to the last checkpoint whose entry happened before
    /// `before_ms`; false where there is none to cut off at.
    pub async fn trim(&self, change: &Change, before_ms: i64) -> Result<bool, CheckpointError> {
        let tenant = &change.tenant;
        let found = self.store.last_checkpoint(tenant, Some(before_ms)).await?;
        let Some(checkpoint) = found else {
            return Ok(false);
        };
        let keys = self.trusted_keys(tenant).await?;
        let hash = keys.hash_of(tenant, &checkpoint);
        let Some(hash) = hash.and_then(|hash| Digest::from_hex(&hash)) else {
            tracing::warn!(%tenant, "a checkpoint of the audit log was not signed here");
            return Ok(false);
        };
        let head = ChainHead {
            sequence: checkpoint.sequence,
            hash,
        };
        Ok(self.store.trim_audit(change, &head).await?)
    }

    pub(super) async fn trusted_keys(
        &self,
        tenant: &TenantSlug,
    ) -> Result<TrustedKeys, StoreError> {
        let keys = self.store.list_checkpoint_keys(tenant).await?;
        let vouched = |key: &CheckpointKey| self.cipher.vouches(tenant, &key.jwk, &key.seal);
        let trusted = keys.into_iter().filter(vouched);
        Ok(TrustedKeys(trusted.map(|key| (key.id, key.jwk)).collect()))
    }
}

impl TrustedKeys {
    /// Whether `checkpoint` is what Gatehouse signed, and the hash is `hash`.
    pub(super) fn confirm(
        &self,
        tenant: &TenantSlug,
        checkpoint: &Checkpoint,
        hash: &Digest,
    ) -> bool {
        self.hash_of(tenant, checkpoint)
            .is_some_and(|signed| signed == hash.to_hex())
    }

    /// The hash that `checkpoint` states, where its signature is good.
    pub(super) fn hash_of(&self, tenant: &TenantSlug, checkpoint: &Checkpoint) -> Option<String> {
        let jwk = self.0.get(&statement_key(&checkpoint.statement)?)?;
        let claims: Claims = read_statement(&checkpoint.statement, jwk)?;
        let same = claims.tenant == tenant.as_str() && claims.sequence == checkpoint.sequence;
        same.then_some(claims.hash)
    }
}
