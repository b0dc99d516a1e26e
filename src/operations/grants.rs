//! Grants: what people allowed clients to do.

use super::{By, OperationError, Operations};
use crate::model::{Grant, GrantId, TenantSlug};
use crate::store::{GrantFilter, LiveGrant, Page};

impl Operations {
    /// Grants by identifier, those that were taken back as well.
    pub async fn page_grants(
        &self,
        tenant: &TenantSlug,
        filter: GrantFilter<'_>,
        page: Page<'_>,
    ) -> Result<Vec<LiveGrant>, OperationError> {
        Ok(self.store.page_grants(tenant, filter, page).await?)
    }

    /// The grant of that identifier.
    pub async fn find_grant(
        &self,
        tenant: &TenantSlug,
        id: &GrantId,
    ) -> Result<Grant, OperationError> {
        let found = self.store.find_grant(tenant, id).await?;
        found.ok_or_else(|| OperationError::missing("grant", id))
    }

    /// Takes a grant back with its tokens. One that was taken back before stays so.
    pub async fn revoke_grant(
        &self,
        by: &By,
        tenant: &TenantSlug,
        grant: &Grant,
    ) -> Result<(), OperationError> {
        let change = self.change(by, tenant).about(grant);
        if self.store.revoke_grant(&change, &grant.id).await? {
            tracing::info!(%by, %tenant, grant.id = %grant.id, "revoked a grant");
        }
        Ok(())
    }
}
