//! Signing keys in Postgres.

use sqlx::{PgConnection, Postgres, Transaction};

use super::audit;
use super::pool::Pool;
use crate::model::{Change, Event, SealedSigningKey, TenantSlug, Timestamp};
use crate::store::row::SigningKeyRow;
use crate::store::{StoreError, TOKEN_RETENTION};

pub(super) async fn list(
    pool: &Pool,
    tenant: &TenantSlug,
) -> Result<Vec<SealedSigningKey>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    select(&mut transaction, tenant).await
}

async fn select(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
) -> Result<Vec<SealedSigningKey>, StoreError> {
    sqlx::query_as::<_, SigningKeyRow>(
        "SELECT id, algorithm, sealed_key, created_at, signs_from
         FROM signing_keys
         WHERE tenant = $1
         ORDER BY signs_from DESC, id",
    )
    .bind(tenant.as_str())
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(SealedSigningKey::try_from)
    .collect()
}

pub(super) async fn ensure(
    pool: &Pool,
    change: &Change,
    candidate: &SealedSigningKey,
) -> Result<Vec<SealedSigningKey>, StoreError> {
    let known = list(pool, &change.tenant).await?;
    if !known.is_empty() {
        return Ok(known);
    }
    let mut transaction = begin_alone(pool, &change.tenant).await?;
    let mut keys = select(&mut transaction, &change.tenant).await?;
    if keys.is_empty() {
        insert(&mut transaction, change, candidate).await?;
        keys.push(candidate.clone());
    }
    transaction.commit().await?;
    Ok(keys)
}

pub(super) async fn rotate(
    pool: &Pool,
    change: &Change,
    newest: &str,
    candidate: &SealedSigningKey,
) -> Result<bool, StoreError> {
    let mut transaction = begin_alone(pool, &change.tenant).await?;
    let keys = select(&mut transaction, &change.tenant).await?;
    let is_newest = keys.first().is_some_and(|key| key.id == newest);
    if is_newest {
        insert(&mut transaction, change, candidate).await?;
    }
    transaction.commit().await?;
    Ok(is_newest)
}

/// Begins a transaction that adds a key. Two replicas could both find that one is needed and
/// insert theirs; the lock lets one of them look after the other has committed. Those who only
/// read don't wait for it.
async fn begin_alone(
    pool: &Pool,
    tenant: &TenantSlug,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

async fn insert(
    connection: &mut PgConnection,
    change: &Change,
    key: &SealedSigningKey,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO signing_keys (tenant, id, algorithm, sealed_key, created_at, signs_from)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(change.tenant.as_str())
    .bind(&key.id)
    .bind(key.algorithm.as_str())
    .bind(key.sealed_key.as_slice())
    .bind(key.created_at.seconds())
    .bind(key.signs_from.seconds())
    .execute(&mut *connection)
    .await?;
    audit::note(connection, change, Event::KeyAdded(&key.id)).await
}

/// A key is needed until the last token has ended that it signed before its successor took over.
pub(super) async fn remove_retired(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM signing_keys WHERE (tenant, id) IN
             (SELECT k.tenant, k.id FROM signing_keys AS k
              WHERE EXISTS (SELECT 1 FROM signing_keys AS successor
                            WHERE successor.tenant = k.tenant
                              AND successor.signs_from > k.signs_from
                              AND successor.signs_from <= $1)
              FOR UPDATE OF k SKIP LOCKED)",
    )
    .bind(now.seconds().saturating_sub(TOKEN_RETENTION))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
