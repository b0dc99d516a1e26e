//! What the store does for the policy, in Postgres.

use async_trait::async_trait;

use super::{PostgresStore, grants, spent_identifiers};
use crate::model::{ClientId, Grant, RefusalDialect, SingleUse, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::policy::PolicyStore;

#[async_trait]
impl PolicyStore for PostgresStore {
    async fn set_refusals(
        &self,
        tenant: &TenantSlug,
        client: &ClientId,
        refusals: Option<RefusalDialect>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let done = sqlx::query("UPDATE clients SET refusals = $3 WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(client.as_str())
            .bind(refusals.map(RefusalDialect::as_str))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn begin_asserted_grant(
        &self,
        tenant: &TenantSlug,
        grant: &Grant,
        assertion: &SingleUse,
        ends_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        if !spent_identifiers::insert(&mut transaction, tenant, assertion).await? {
            return Ok(false);
        }
        grants::insert(&mut transaction, tenant, grant).await?;
        sqlx::query("UPDATE grants SET ends_at = $3 WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(grant.id.as_str())
            .bind(ends_at.seconds())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}
