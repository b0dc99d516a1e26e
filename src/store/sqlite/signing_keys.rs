//! Signing keys in SQLite.

use sqlx::{SqliteExecutor, SqlitePool};

use super::begin;
use crate::model::{SigningKey, TenantSlug};
use crate::store::StoreError;
use crate::store::row::SigningKeyRow;

pub(super) async fn list(
    executor: impl SqliteExecutor<'_>,
    tenant: &TenantSlug,
) -> Result<Vec<SigningKey>, StoreError> {
    sqlx::query_as::<_, SigningKeyRow>(
        "SELECT id, algorithm, private_key, created_at
         FROM signing_keys
         WHERE tenant = $1
         ORDER BY created_at DESC, id",
    )
    .bind(tenant.as_str())
    .fetch_all(executor)
    .await?
    .into_iter()
    .map(SigningKey::try_from)
    .collect()
}

pub(super) async fn ensure(
    writer: &SqlitePool,
    tenant: &TenantSlug,
    candidate: &SigningKey,
) -> Result<Vec<SigningKey>, StoreError> {
    let mut transaction = begin(writer).await?;
    sqlx::query(
        "INSERT INTO signing_keys (tenant, id, algorithm, private_key, created_at)
         SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE tenant = $1)",
    )
    .bind(tenant.as_str())
    .bind(&candidate.id)
    .bind(candidate.algorithm.as_str())
    .bind(candidate.private_key.expose())
    .bind(candidate.created_at.seconds())
    .execute(&mut *transaction)
    .await?;
    let keys = list(&mut *transaction, tenant).await?;
    transaction.commit().await?;
    Ok(keys)
}
