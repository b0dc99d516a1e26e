//! The keys that sign access tokens.

use super::{By, OperationError, Operations};
use crate::authorization_server::KeyRotation;
use crate::model::{SealedSigningKey, SigningAlgorithm, TenantSlug, Timestamp};

/// A key in the list of a tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Its identifier (RFC 7638).
    pub id: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// What it does at the moment.
    pub state: KeyState,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is published and does not sign yet.
    Next,
    /// It signs.
    Active,
    /// It verifies what it signed.
    Retired,
}

impl KeyState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}

impl Operations {
    /// The tenant's keys, newest first.
    pub async fn list_keys(&self, tenant: &TenantSlug) -> Result<Vec<ListedKey>, OperationError> {
        let keys = self.store.list_signing_keys(tenant).await?;
        let now = self.clock.now();
        let active = keys.iter().position(|key| key.signs_from <= now);
        let listed = keys.into_iter().enumerate();
        Ok(listed
            .map(|(place, key)| list(place, active, key))
            .collect())
    }

    /// Gives the signing key its successor. Answers with the newest key, and whether it is new.
    pub async fn rotate_keys(
        &self,
        by: &By,
        tenant: &TenantSlug,
    ) -> Result<(ListedKey, KeyRotation), OperationError> {
        self.signing_keys.load(tenant).await?;
        let rotation = self.signing_keys.rotate(&self.change(by, tenant)).await?;
        if rotation == KeyRotation::Begun {
            tracing::info!(%by, %tenant, "rotated the signing keys");
        }
        let newest = self.list_keys(tenant).await?.into_iter().next();
        let newest = newest.ok_or_else(|| OperationError::missing("signing key of", tenant))?;
        Ok((newest, rotation))
    }
}

fn list(place: usize, active: Option<usize>, key: SealedSigningKey) -> ListedKey {
    let state = match active {
        Some(active) if place == active => KeyState::Active,
        Some(active) if place > active => KeyState::Retired,
        Some(_) | None => KeyState::Next,
    };
    ListedKey {
        id: key.id,
        algorithm: key.algorithm,
        created_at: key.created_at,
        signs_from: key.signs_from,
        state,
    }
}
