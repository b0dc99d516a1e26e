//! Local accounts in Postgres.

use super::pool::Pool;
use crate::model::{TenantSlug, User, UserId};
use crate::store::StoreError;
use crate::store::row::UserRow;

pub(super) async fn add(pool: &Pool, tenant: &TenantSlug, user: &User) -> Result<(), StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query(
        "INSERT INTO users (tenant, id, username, role, password, disabled, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.as_str())
    .bind(user.id.as_str())
    .bind(&user.username)
    .bind(&user.role)
    .bind(user.password.expose())
    .bind(user.disabled)
    .bind(user.created_at.seconds())
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find_by_name(
    pool: &Pool,
    tenant: &TenantSlug,
    username: &str,
) -> Result<Option<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let row = sqlx::query_as::<_, UserRow>(
        "SELECT id, username, role, password, disabled, created_at
         FROM users
         WHERE tenant = $1 AND username = $2",
    )
    .bind(tenant.as_str())
    .bind(username)
    .fetch_optional(&mut *transaction)
    .await?;
    Ok(row.map(User::from))
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &UserId,
) -> Result<Option<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let row = sqlx::query_as::<_, UserRow>(
        "SELECT id, username, role, password, disabled, created_at
         FROM users
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut *transaction)
    .await?;
    Ok(row.map(User::from))
}

pub(super) async fn list(pool: &Pool, tenant: &TenantSlug) -> Result<Vec<User>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let rows = sqlx::query_as::<_, UserRow>(
        "SELECT id, username, role, password, disabled, created_at
         FROM users
         WHERE tenant = $1
         ORDER BY username COLLATE \"C\"",
    )
    .bind(tenant.as_str())
    .fetch_all(&mut *transaction)
    .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

pub(super) async fn set_disabled(
    pool: &Pool,
    tenant: &TenantSlug,
    username: &str,
    disabled: bool,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let done = sqlx::query("UPDATE users SET disabled = $3 WHERE tenant = $1 AND username = $2")
        .bind(tenant.as_str())
        .bind(username)
        .bind(disabled)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(done.rows_affected() > 0)
}

/// Login sessions and grants go with the account, codes and refresh tokens with the grants: the
/// foreign keys see to it.
pub(super) async fn remove(
    pool: &Pool,
    tenant: &TenantSlug,
    username: &str,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let done = sqlx::query("DELETE FROM users WHERE tenant = $1 AND username = $2")
        .bind(tenant.as_str())
        .bind(username)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(done.rows_affected() > 0)
}
