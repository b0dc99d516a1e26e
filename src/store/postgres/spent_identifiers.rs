//! Identifiers that count once, in Postgres.

use sqlx::PgConnection;

use super::pool::Pool;
use crate::model::{SingleUse, TenantSlug};
use crate::store::StoreError;

pub(super) async fn spend(
    pool: &Pool,
    tenant: &TenantSlug,
    identifier: &SingleUse,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let is_new = insert(&mut transaction, tenant, identifier).await?;
    transaction.commit().await?;
    Ok(is_new)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    identifier: &SingleUse,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO spent_identifiers (tenant, digest, expires_at)
         VALUES ($1, $2, $3)
         ON CONFLICT (tenant, digest) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(identifier.digest.as_bytes().as_slice())
    .bind(identifier.expires_at.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
