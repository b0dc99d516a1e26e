//! Grants in Postgres.

use sqlx::PgConnection;

use super::audit;
use super::pool::Pool;
use crate::model::{Change, ClientId, Event, Grant, GrantId, TenantSlug, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::row::{GrantRow, write_scopes};

pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    grant: &Grant,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO grants (tenant, id, client_id, user_id, scopes, resource, created_at,
                             revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(tenant.as_str())
    .bind(grant.id.as_str())
    .bind(grant.client.as_str())
    .bind(grant.user.as_str())
    .bind(write_scopes(&grant.scopes))
    .bind(grant.resource.as_str())
    .bind(grant.created_at.seconds())
    .bind(grant.revoked_at.map(Timestamp::seconds))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &GrantId,
) -> Result<Option<Grant>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, GrantRow>(
        "SELECT id AS grant_id, client_id, user_id, scopes, resource,
                created_at AS granted_at, revoked_at
         FROM grants
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut *transaction)
    .await?
    .map(Grant::try_from)
    .transpose()
}

pub(super) async fn revoke(
    pool: &Pool,
    change: &Change,
    grant: &GrantId,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let revoked = mark_revoked(&mut transaction, &change.tenant, grant, change.at()).await?;
    if revoked {
        audit::note(&mut transaction, change, Event::GrantRevoked(grant)).await?;
    }
    transaction.commit().await?;
    Ok(revoked)
}

/// Refresh tokens need no write of their own: a token is as live as its grant.
pub(super) async fn mark_revoked(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    grant: &GrantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE grants SET revoked_at = $3
         WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(grant.as_str())
    .bind(now.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Revokes all that `client` was given, by `user` or by anyone.
pub(super) async fn revoke_all(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    user: Option<&UserId>,
    client: &ClientId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "UPDATE grants SET revoked_at = $4
         WHERE tenant = $1 AND ($2::TEXT IS NULL OR user_id = $2) AND client_id = $3
           AND revoked_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(user.map(UserId::as_str))
    .bind(client.as_str())
    .bind(now.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
