//! Signing in with a local account.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::password::{DECOY, verify_password};
use crate::model::{PasswordHash, Secret, TenantSlug, User};
use crate::store::{Store, StoreError};

/// The local accounts.
#[derive(Debug)]
pub struct Accounts {
    store: Arc<dyn Store>,
    verifications: Semaphore,
}

/// Whether the password is right can't be said now.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The verification was cut off, as at the end of the process.
    #[error("the password verification was cut off")]
    CutOff,
}

impl Accounts {
    /// How many passwords are verified at a time: each takes a core and 19 MiB for a while.
    const VERIFICATIONS: usize = 2;

    /// The accounts in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            verifications: Semaphore::new(Self::VERIFICATIONS),
        }
    }

    /// The person with that user name and password. Unknown, disabled and wrong take the same
    /// time and look the same.
    pub async fn sign_in(
        &self,
        tenant: &TenantSlug,
        username: &str,
        password: Secret,
    ) -> Result<Option<User>, SignInError> {
        let user = self.store.find_user_by_name(tenant, username).await?;
        // A person who signs in elsewhere has no password, and takes as long as anyone to refuse.
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let hash = hash.unwrap_or_else(|| PasswordHash::new(DECOY.to_owned()));
        let correct = self.verify(password, hash).await?;
        Ok(user.filter(|user| correct && !user.disabled))
    }

    async fn verify(&self, password: Secret, hash: PasswordHash) -> Result<bool, SignInError> {
        let permit = self.verifications.acquire().await;
        let _permit = permit.map_err(|_| SignInError::CutOff)?;
        tokio::task::spawn_blocking(move || verify_password(&password, &hash))
            .await
            .map_err(|_| SignInError::CutOff)
    }
}
