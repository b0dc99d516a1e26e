//! Removal of what has ended, in Postgres.
//!
//! Every replica does this now and then. `SKIP LOCKED` leaves to another one what it is removing
//! already, so that they neither wait for each other nor deadlock.

use sqlx::PgConnection;

use super::pool::Pool;
use super::{rates, signing_keys};
use crate::model::Timestamp;
use crate::store::{CODE_RETENTION, DOCUMENT_RETENTION, StoreError, TOKEN_RETENTION};

pub(super) async fn remove(pool: &Pool, now: Timestamp) -> Result<u64, StoreError> {
    let mut transaction = pool.begin_upkeep().await?;
    // After a long standstill there is more to remove than the time of a request allows.
    sqlx::query("SET LOCAL statement_timeout = '60s'")
        .execute(&mut *transaction)
        .await?;
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
        + rates::remove_whole(&mut transaction).await?
        + remove_operator_sessions(&mut transaction, now).await?;
    transaction.commit().await?;
    Ok(removed)
}

async fn remove_login_sessions(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM login_sessions WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM login_sessions
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_sign_in_attempts(
    connection: &mut PgConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM sign_in_attempts WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM sign_in_attempts
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_pushed_requests(
    connection: &mut PgConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM pushed_requests WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM pushed_requests
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_codes(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM authorization_codes WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM authorization_codes
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now.saturating_sub(CODE_RETENTION))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_refresh_tokens(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM refresh_tokens WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM refresh_tokens
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// A grant ends with the last code or token that could make anything of it.
async fn remove_grants(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM grants WHERE (tenant, id) IN
             (SELECT g.tenant, g.id FROM grants AS g
              WHERE NOT EXISTS (SELECT 1 FROM authorization_codes AS c
                                WHERE c.tenant = g.tenant AND c.grant_id = g.id)
                AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS t
                                WHERE t.tenant = g.tenant AND t.grant_id = g.id)
                AND coalesce(g.ends_at, 0) <= $1
              FOR UPDATE OF g SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_spent_identifiers(
    connection: &mut PgConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM spent_identifiers WHERE (tenant, digest) IN
             (SELECT tenant, digest FROM spent_identifiers
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_remote_documents(
    connection: &mut PgConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM remote_documents WHERE (tenant, url) IN
             (SELECT tenant, url FROM remote_documents
              WHERE fetched_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now.saturating_sub(DOCUMENT_RETENTION))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_revocations(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM revocations WHERE (tenant, kind, id) IN
             (SELECT tenant, kind, id FROM revocations
              WHERE revoked_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now.saturating_sub(TOKEN_RETENTION))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_operator_sessions(
    connection: &mut PgConnection,
    now: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM operator_sessions WHERE digest IN
             (SELECT digest FROM operator_sessions
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_notes(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM notes WHERE (tenant, topic, id) IN
             (SELECT tenant, topic, id FROM notes
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn remove_tasks(connection: &mut PgConnection, now: i64) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM tasks WHERE (tenant, id) IN
             (SELECT tenant, id FROM tasks
              WHERE expires_at <= $1
              FOR UPDATE SKIP LOCKED)",
    )
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
