//! What the store does for people who sign in at an identity provider.

use async_trait::async_trait;

use super::StoreError;
use crate::model::{TenantSlug, User};

/// People who sign in elsewhere.
#[async_trait]
pub trait FederationStore: Send + Sync {
    /// The account of whoever is `subject` to `issuer`.
    async fn find_user_by_identity(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, StoreError>;
}
