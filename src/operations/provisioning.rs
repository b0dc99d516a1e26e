//! The tokens of identity providers that keep people and groups here (SCIM).

use super::{By, OperationError, Operations};
use crate::model::{Secret, Tenant, TenantSlug};

impl Operations {
    /// A new token for the tenant's identity provider, which nobody can see again.
    pub async fn issue_scim_token(
        &self,
        by: &By,
        tenant: &Tenant,
    ) -> Result<Secret, OperationError> {
        if tenant.provisioning.is_none() {
            let rule = format!("the tenant {} has no [tenants.scim]", tenant.slug);
            return Err(OperationError::invalid("tenant", rule));
        }
        let token = Secret::generate(&*self.random);
        let change = self.change(by, &tenant.slug);
        self.store.add_scim_token(&change, &token.digest()).await?;
        tracing::info!(%by, tenant = %tenant.slug, "issued a token for provisioning");
        Ok(token)
    }

    /// Ends all tokens that were issued so; returns how many there were.
    pub async fn revoke_scim_tokens(
        &self,
        by: &By,
        tenant: &TenantSlug,
    ) -> Result<u64, OperationError> {
        let change = self.change(by, tenant);
        let revoked = self.store.remove_scim_tokens(&change).await?;
        tracing::info!(%by, %tenant, revoked, "revoked the tokens for provisioning");
        Ok(revoked)
    }
}
