//! The desk of whoever looks after tenants, in Postgres.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{PostgresStore, audit, tenants};
use crate::model::{Change, Client, ClientId, Event, StoredTenant, TenantSlug, User, UserId};
use crate::store::administration::{AdministrationStore, Census, GrantFilter, Page};
use crate::store::row::{ClientRow, LiveGrantRow, write_list};
use crate::store::users::{UserRow, user_columns};
use crate::store::{LiveGrant, StoreError};

#[async_trait]
impl AdministrationStore for PostgresStore {
    async fn page_users(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<User>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE tenant = $1 AND ($2::text IS NULL OR username COLLATE \"C\" > $2)
             ORDER BY username COLLATE \"C\"
             LIMIT $3",
        ))
        .bind(tenant.as_str())
        .bind(page.after)
        .bind(i64::from(page.limit))
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(User::try_from)
        .collect()
    }

    async fn page_clients(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<Client>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, ClientRow>(
            "SELECT id, name, uri, redirect_uris, auth_method, secret, grant_types, scopes,
                    created_at, jwks, jwks_uri, refusals
             FROM clients
             WHERE tenant = $1 AND ($2::text IS NULL OR id COLLATE \"C\" > $2)
             ORDER BY id COLLATE \"C\"
             LIMIT $3",
        )
        .bind(tenant.as_str())
        .bind(page.after)
        .bind(i64::from(page.limit))
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(Client::try_from)
        .collect()
    }

    async fn page_grants(
        &self,
        tenant: &TenantSlug,
        filter: GrantFilter<'_>,
        page: Page<'_>,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        sqlx::query_as::<_, LiveGrantRow>(
            "SELECT id AS grant_id, client_id, user_id, scopes, resource, created_at AS granted_at, revoked_at,
                    used_at
             FROM grants
             WHERE tenant = $1 AND ($2::text IS NULL OR user_id = $2) AND ($3::text IS NULL OR client_id = $3)
               AND ($4::text IS NULL OR id COLLATE \"C\" > $4)
             ORDER BY id COLLATE \"C\"
             LIMIT $5",
        )
        .bind(tenant.as_str())
        .bind(filter.user.map(UserId::as_str))
        .bind(filter.client.map(ClientId::as_str))
        .bind(page.after)
        .bind(i64::from(page.limit))
        .fetch_all(&mut *transaction)
        .await?
        .into_iter()
        .map(LiveGrant::try_from)
        .collect()
    }

    async fn take_census(&self, tenant: &TenantSlug) -> Result<Census, StoreError> {
        let mut transaction = self.pool.begin(tenant).await?;
        let census = sqlx::query_as(
            "SELECT (SELECT COUNT(*) FROM users WHERE tenant = $1) AS users,
                    (SELECT COUNT(*) FROM clients WHERE tenant = $1) AS clients,
                    (SELECT COUNT(*) FROM grants
                     WHERE tenant = $1 AND revoked_at IS NULL) AS grants",
        )
        .bind(tenant.as_str())
        .fetch_one(&mut *transaction)
        .await?;
        Ok(census)
    }

    async fn set_user_roles(
        &self,
        change: &Change,
        user: &User,
        roles: &BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        let done = sqlx::query("UPDATE users SET roles = $3 WHERE tenant = $1 AND id = $2")
            .bind(change.tenant.as_str())
            .bind(user.id.as_str())
            .bind(write_list(roles.iter().map(String::as_str)))
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let event = Event::UserChanged(&user.id, &user.username);
        audit::note(&mut transaction, change, event).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn replace_tenant_settings(
        &self,
        change: &Change,
        tenant: &StoredTenant,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin(&change.tenant).await?;
        let version = tenants::next_version(&mut transaction).await?;
        let done = sqlx::query(
            "UPDATE tenants SET settings = $2, version = $3, changed_at = EXTRACT(EPOCH FROM now())::BIGINT
             WHERE slug = $1 AND origin = 'operator'",
        )
        .bind(tenant.slug.as_str())
        .bind(&tenant.settings)
        .bind(version)
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        let event = Event::TenantChanged(&tenant.slug);
        audit::note(&mut transaction, change, event).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
