//! Signing keys in SQLite.

use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use super::{audit, begin};
use crate::model::{Change, Event, SealedSigningKey, TenantSlug, Timestamp};
use crate::store::row::SigningKeyRow;
use crate::store::{StoreError, TOKEN_RETENTION};

pub(super) async fn list(
    executor: impl SqliteExecutor<'_>,
    tenant: &TenantSlug,
) -> Result<Vec<SealedSigningKey>, StoreError> {
    sqlx::query_as::<_, SigningKeyRow>(
        "SELECT id, algorithm, sealed_key, created_at, signs_from
         FROM signing_keys
         WHERE tenant = $1
         ORDER BY signs_from DESC, id",
    )
    .bind(tenant.as_str())
    .fetch_all(executor)
    .await?
    .into_iter()
    .map(SealedSigningKey::try_from)
    .collect()
}

pub(super) async fn ensure(
    writer: &SqlitePool,
    change: &Change,
    candidate: &SealedSigningKey,
) -> Result<Vec<SealedSigningKey>, StoreError> {
    let mut transaction = begin(writer).await?;
    let mut keys = list(&mut *transaction, &change.tenant).await?;
    if keys.is_empty() {
        insert(&mut transaction, change, candidate).await?;
        keys.push(candidate.clone());
    }
    transaction.commit().await?;
    Ok(keys)
}

pub(super) async fn rotate(
    writer: &SqlitePool,
    change: &Change,
    newest: &str,
    candidate: &SealedSigningKey,
) -> Result<bool, StoreError> {
    let mut transaction = begin(writer).await?;
    let keys = list(&mut *transaction, &change.tenant).await?;
    let is_newest = keys.first().is_some_and(|key| key.id == newest);
    if is_newest {
        insert(&mut transaction, change, candidate).await?;
    }
    transaction.commit().await?;
    Ok(is_newest)
}

async fn insert(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM signing_keys
         WHERE EXISTS (SELECT 1 FROM signing_keys AS successor
                       WHERE successor.tenant = signing_keys.tenant
                         AND successor.signs_from > signing_keys.signs_from
                         AND successor.signs_from <= $1)",
    )
    .bind(now.seconds().saturating_sub(TOKEN_RETENTION))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
