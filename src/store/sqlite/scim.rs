//! What an identity provider keeps here, in SQLite: its tokens, and each change as one transaction.

use async_trait::async_trait;

use super::{SqliteStore, audit, begin, provisioned_groups, provisioned_users};
use crate::model::{
    Change, Digest, Event, ProvisionedGroup, ProvisionedUser, ProvisioningSettings, TenantSlug,
    UserId,
};
use crate::store::StoreError;
use crate::store::scim::{GroupChanges, ScimQuery, ScimStore, UserChanges};

#[async_trait]
impl ScimStore for SqliteStore {
    async fn add_scim_token(&self, change: &Change, token: &Digest) -> Result<(), StoreError> {
        let mut transaction = begin(&self.writer).await?;
        sqlx::query("INSERT INTO scim_tokens (tenant, digest, created_at) VALUES ($1, $2, $3)")
            .bind(change.tenant.as_str())
            .bind(token.as_bytes().as_slice())
            .bind(change.at().seconds())
            .execute(&mut *transaction)
            .await?;
        audit::note(&mut transaction, change, Event::ProvisioningTokenIssued).await?;
        Ok(transaction.commit().await?)
    }

    async fn has_scim_token(
        &self,
        tenant: &TenantSlug,
        token: &Digest,
    ) -> Result<bool, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM scim_tokens WHERE tenant = $1 AND digest = $2",
        )
        .bind(tenant.as_str())
        .bind(token.as_bytes().as_slice())
        .fetch_one(&mut *connection)
        .await?;
        Ok(count > 0)
    }

    async fn remove_scim_tokens(&self, change: &Change) -> Result<u64, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let done = sqlx::query("DELETE FROM scim_tokens WHERE tenant = $1")
            .bind(change.tenant.as_str())
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() > 0 {
            audit::note(&mut transaction, change, Event::ProvisioningTokensRevoked).await?;
        }
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    async fn provision_user(
        &self,
        change: &Change,
        user: &ProvisionedUser,
        settings: &ProvisioningSettings,
    ) -> Result<ProvisionedUser, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let user = provisioned_users::add(&mut transaction, change, user, settings).await?;
        transaction.commit().await?;
        Ok(user)
    }

    async fn find_provisioned_user(
        &self,
        tenant: &TenantSlug,
        id: &UserId,
    ) -> Result<Option<ProvisionedUser>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        provisioned_users::find(&mut connection, tenant, id).await
    }

    async fn list_provisioned_users(
        &self,
        tenant: &TenantSlug,
        query: &ScimQuery,
    ) -> Result<(i64, Vec<ProvisionedUser>), StoreError> {
        let mut connection = self.readers.acquire().await?;
        provisioned_users::list(&mut connection, tenant, query).await
    }

    async fn change_provisioned_user(
        &self,
        change: &Change,
        id: &UserId,
        asked: UserChanges<'_>,
    ) -> Result<Option<ProvisionedUser>, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let user = provisioned_users::change(&mut transaction, change, id, asked).await?;
        transaction.commit().await?;
        Ok(user)
    }

    async fn remove_provisioned_user(
        &self,
        change: &Change,
        id: &UserId,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let removed = provisioned_users::remove(&mut transaction, change, id).await?;
        transaction.commit().await?;
        Ok(removed)
    }

    async fn add_provisioned_group(
        &self,
        change: &Change,
        group: &ProvisionedGroup,
        settings: &ProvisioningSettings,
    ) -> Result<ProvisionedGroup, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let group = provisioned_groups::add(&mut transaction, change, group, settings).await?;
        transaction.commit().await?;
        Ok(group)
    }

    async fn find_provisioned_group(
        &self,
        tenant: &TenantSlug,
        id: &str,
    ) -> Result<Option<ProvisionedGroup>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        provisioned_groups::find(&mut connection, tenant, id).await
    }

    async fn list_provisioned_groups(
        &self,
        tenant: &TenantSlug,
        query: &ScimQuery,
    ) -> Result<(i64, Vec<ProvisionedGroup>), StoreError> {
        let mut connection = self.readers.acquire().await?;
        provisioned_groups::list(&mut connection, tenant, query).await
    }

    async fn change_provisioned_group(
        &self,
        change: &Change,
        id: &str,
        asked: GroupChanges<'_>,
    ) -> Result<Option<ProvisionedGroup>, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let group = provisioned_groups::change(&mut transaction, change, id, asked).await?;
        transaction.commit().await?;
        Ok(group)
    }

    async fn remove_provisioned_group(
        &self,
        change: &Change,
        id: &str,
        settings: &ProvisioningSettings,
    ) -> Result<bool, StoreError> {
        let mut transaction = begin(&self.writer).await?;
        let removed = provisioned_groups::remove(&mut transaction, change, id, settings).await?;
        transaction.commit().await?;
        Ok(removed)
    }
}
