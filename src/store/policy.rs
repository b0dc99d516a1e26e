//! What the store does for the policy: how clients are refused, and what identity providers assert.

use async_trait::async_trait;

use super::StoreError;
use crate::model::{ClientId, Grant, RefusalDialect, SingleUse, TenantSlug, Timestamp};

/// What operators decide about clients, and grants that no person was asked for.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Sets how a stored client is told what its tokens lack; none leaves that to the tenant's
    /// rules. False when there is no such client.
    async fn set_refusals(
        &self,
        tenant: &TenantSlug,
        client: &ClientId,
        refusals: Option<RefusalDialect>,
    ) -> Result<bool, StoreError>;

    /// Stores the grant that comes of an assertion and ends at `ends_at`, and spends the assertion;
    /// false, and no grant, when it was spent before.
    async fn begin_asserted_grant(
        &self,
        tenant: &TenantSlug,
        grant: &Grant,
        assertion: &SingleUse,
        ends_at: Timestamp,
    ) -> Result<bool, StoreError>;
}
