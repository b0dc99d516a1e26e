//! What the store does for the policy, in SQLite.

use async_trait::async_trait;

use super::{SqliteStore, audit, begin, grants};
use crate::model::{Change, ClientId, Event, Grant, GrantType, RefusalDialect, Timestamp};
use crate::store::StoreError;
use crate::store::policy::PolicyStore;

#[async_trait]
impl PolicyStore for SqliteStore {
    async fn set_refusals(
        &self,
        change: &Change,
        client: &ClientId,
        refusals: Option<RefusalDialect>,
    ) -> Result<bool, StoreError> {
        let tenant = &change.tenant;
        let mut transaction = begin(&self.writer).await?;
        let done = sqlx::query("UPDATE clients SET refusals = $3 WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(client.as_str())
            .bind(refusals.map(RefusalDialect::as_str))
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        audit::note(&mut transaction, change, Event::ClientChanged(client)).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn begin_asserted_grant(
        &self,
        change: &Change,
        grant: &Grant,
        ends_at: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = &change.tenant;
        let mut transaction = begin(&self.writer).await?;
        grants::insert(&mut transaction, tenant, grant).await?;
        sqlx::query("UPDATE grants SET ends_at = $3 WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(grant.id.as_str())
            .bind(ends_at.seconds())
            .execute(&mut *transaction)
            .await?;
        let event = Event::TokenIssued(GrantType::JwtBearer.as_str());
        audit::note(&mut transaction, change, event).await?;
        Ok(transaction.commit().await?)
    }
}
