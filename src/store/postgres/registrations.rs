//! Clients that registered themselves, and their removal, in Postgres (RFC 7591, RFC 7592).

use sqlx::PgConnection;

use super::pool::Pool;
use super::{clients, grants};
use crate::model::{Client, ClientId, Digest, TenantSlug, Timestamp};
use crate::store::row::ClientRow;
use crate::store::{Registration, StoreError};

pub(super) async fn admit(
    pool: &Pool,
    tenant: &TenantSlug,
    registration: &Registration,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    // Registrations of a tenant take turns, so that together they don't exceed the limit.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('client_registrations ' || $1))")
        .bind(tenant.as_str())
        .execute(&mut *transaction)
        .await?;
    if count(&mut transaction, tenant).await? >= registration.limit
        && !remove_oldest_unused(&mut transaction, tenant).await?
    {
        return Ok(false);
    }
    clients::insert(&mut transaction, tenant, &registration.client).await?;
    sqlx::query(
        "INSERT INTO client_registrations (tenant, client_id, token, registered_at)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(tenant.as_str())
    .bind(registration.client.id.as_str())
    .bind(registration.token.as_bytes().as_slice())
    .bind(registration.client.created_at.seconds())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(true)
}

async fn count(connection: &mut PgConnection, tenant: &TenantSlug) -> Result<i64, StoreError> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM client_registrations WHERE tenant = $1")
            .bind(tenant.as_str())
            .fetch_one(connection)
            .await?;
    Ok(count)
}

/// Makes room for one client; false when all of them are in use.
async fn remove_oldest_unused(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "DELETE FROM clients
         WHERE tenant = $1
           AND id = (SELECT r.client_id FROM client_registrations AS r
                     WHERE r.tenant = $1 AND r.used_at IS NULL
                       AND NOT EXISTS (SELECT 1 FROM grants AS g
                                       WHERE g.tenant = r.tenant AND g.client_id = r.client_id)
                     ORDER BY r.registered_at, r.client_id
                     LIMIT 1)",
    )
    .bind(tenant.as_str())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &ClientId,
    token: &Digest,
) -> Result<Option<Client>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, ClientRow>(
        "SELECT c.*
         FROM clients AS c
         JOIN client_registrations AS r ON r.tenant = c.tenant AND r.client_id = c.id
         WHERE r.tenant = $1 AND r.client_id = $2 AND r.token = $3",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(token.as_bytes().as_slice())
    .fetch_optional(&mut *transaction)
    .await?
    .map(Client::try_from)
    .transpose()
}

pub(super) async fn mark_used(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    id: &ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE client_registrations SET used_at = $3 WHERE tenant = $1 AND client_id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .bind(now.seconds())
    .execute(connection)
    .await?;
    Ok(())
}

/// The grants stay for a while, revoked: whoever asks about one of their tokens gets an answer.
pub(super) async fn remove(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &ClientId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    grants::revoke_all(&mut transaction, tenant, None, id, now).await?;
    sqlx::query("DELETE FROM consents WHERE tenant = $1 AND client_id = $2")
        .bind(tenant.as_str())
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await?;
    let done = sqlx::query("DELETE FROM clients WHERE tenant = $1 AND id = $2")
        .bind(tenant.as_str())
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn remove_unused(
    pool: &Pool,
    registered_before: Timestamp,
) -> Result<u64, StoreError> {
    let mut transaction = pool.begin_upkeep().await?;
    let done = sqlx::query(
        "DELETE FROM clients
         WHERE EXISTS (SELECT 1 FROM client_registrations AS r
                       WHERE r.tenant = clients.tenant AND r.client_id = clients.id
                         AND r.used_at IS NULL AND r.registered_at <= $1)
           AND NOT EXISTS (SELECT 1 FROM grants AS g
                           WHERE g.tenant = clients.tenant AND g.client_id = clients.id)",
    )
    .bind(registered_before.seconds())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected())
}
