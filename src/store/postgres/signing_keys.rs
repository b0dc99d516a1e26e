//! Signing keys in Postgres.

use sqlx::{PgExecutor, PgPool};

use crate::model::{SigningKey, TenantSlug};
use crate::store::StoreError;
use crate::store::row::SigningKeyRow;

pub(super) async fn list(
    executor: impl PgExecutor<'_>,
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
    pool: &PgPool,
    tenant: &TenantSlug,
    candidate: &SigningKey,
) -> Result<Vec<SigningKey>, StoreError> {
    let known = list(pool, tenant).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let mut transaction = pool.begin().await?;
    // Two replicas could both find no key and insert theirs. The lock lets one of them look after
    // the other has committed; those who only read don't wait for it.
    sqlx::query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await?;
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
