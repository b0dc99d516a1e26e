//! Removal of what has ended, in SQLite.

use sqlx::{SqliteConnection, SqlitePool};

use super::{begin, signing_keys};
use crate::model::Timestamp;
use crate::store::{CODE_RETENTION, DOCUMENT_RETENTION, StoreError, TOKEN_RETENTION};

pub(super) async fn remove(writer: &SqlitePool, now: Timestamp) -> Result<u64, StoreError> {
    let mut transaction = begin(writer).await?;
    let keys = signing_keys::remove_retired(&mut transaction, now).await?;
    let now = now.seconds();
    let removed = keys
        + remove_login_sessions(&mut transaction, now).await?
        + remove_pushed_requests(&mut transaction, now).await?
        + remove_codes(&mut transaction, now).await?
        + remove_refresh_tokens(&mut transaction, now).await?
        + remove_grants(&mut transaction, now).await?
        + remove_spent_identifiers(&mut transaction, now).await?
        + remove_sign_in_attempts(&mut transaction, now).await?
        + remove_remote_documents(&mut transaction, now).await?
        + remove_revocations(&mut transaction, now).await?
        + remove_notes(&mut transaction, now).await?
        + remove_tasks(&mut transaction, now).await?
        + remove_operator_sessions(&mut transaction, now).await?;
    transaction.commit().await?;
    Ok(removed)
}

async fn remove_login_sessions(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM login_sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_sign_in_attempts(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM sign_in_attempts WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_pushed_requests(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM pushed_requests WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_codes(connection: &mut SqliteConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM authorization_codes WHERE expires_at <= $1")
        .bind(now.saturating_sub(CODE_RETENTION))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_refresh_tokens(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM refresh_tokens WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A grant ends with the last code or token that could make anything of it.
async fn remove_grants(connection: &mut SqliteConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM grants
         WHERE NOT EXISTS (SELECT 1 FROM authorization_codes AS c
                           WHERE c.tenant = grants.tenant AND c.grant_id = grants.id)
           AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS t
                           WHERE t.tenant = grants.tenant AND t.grant_id = grants.id)
           AND coalesce(ends_at, 0) <= $1",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_spent_identifiers(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM spent_identifiers WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_remote_documents(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM remote_documents WHERE fetched_at <= $1")
        .bind(now.saturating_sub(DOCUMENT_RETENTION))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_revocations(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM revocations WHERE revoked_at <= $1")
        .bind(now.saturating_sub(TOKEN_RETENTION))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_operator_sessions(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM operator_sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_notes(connection: &mut SqliteConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM notes WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

async fn remove_tasks(connection: &mut SqliteConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM tasks WHERE expires_at <= $1")
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
