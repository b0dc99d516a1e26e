//! Identifiers that count once, in SQLite.

use sqlx::SqlitePool;

use crate::model::{SingleUse, TenantSlug};
use crate::store::StoreError;

pub(super) async fn spend(
    writer: &SqlitePool,
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
    .execute(writer)
    .await?;
    Ok(done.rows_affected() == 1)
}
