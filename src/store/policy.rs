//! What the store does for the policy: how clients are refused, and what identity providers assert.

use async_trait::async_trait;

use super::StoreError;
use crate::model::{Change, ClientId, Grant, RefusalDialect, Timestamp};

/// What operators decide about clients, and grants that no person was asked for.
#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Sets how a stored client is told what its tokens lack; none leaves that to the tenant's
    /// rules. False when there is no such client.
    async fn set_refusals(
        &self,
        change: &Change,
        client: &ClientId,
        refusals: Option<RefusalDialect>,
    ) -> Result<bool, StoreError>;

    /// Stores a grant that comes of an identity provider's assertion, and ends at `ends_at`.
    async fn begin_asserted_grant(
        &self,
        change: &Change,
        grant: &Grant,
        ends_at: Timestamp,
    ) -> Result<(), StoreError>;
}
