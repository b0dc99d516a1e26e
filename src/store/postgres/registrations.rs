//! Clients that registered themselves, and their removal, in Postgres (RFC 7591, RFC 7592).

use sqlx::PgConnection;

use super::pool::{Pool, turn_to};
use super::{audit, clients, grants};
use crate::model::{Change, Client, ClientId, Digest, Event, TenantSlug, Timestamp};
use crate::store::row::{ClientRow, invalid};
use crate::store::{Registration, StoreError};

pub(super) async fn admit(
    pool: &Pool,
    change: &Change,
    registration: &Registration,
) -> Result<bool, StoreError> {
    let tenant = &change.tenant;
    let mut transaction = pool.begin(tenant).await?;
    // Registrations of a tenant take turns, so that together they don't exceed the limit.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('client_registrations ' || $1))")
        .bind(tenant.as_str())
        .execute(&mut *transaction)
        .await?;
    if count(&mut transaction, tenant).await? >= registration.limit
        && !remove_oldest_unused(&mut transaction, change).await?
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
    let event = Event::ClientRegistered(&registration.client.id);
    audit::note(&mut transaction, change, event).await?;
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
    change: &Change,
) -> Result<bool, StoreError> {
    let id: Option<String> = sqlx::query_scalar(
        "DELETE FROM clients
         WHERE tenant = $1
           AND id = (SELECT r.client_id FROM client_registrations AS r
                     WHERE r.tenant = $1 AND r.used_at IS NULL
                       AND NOT EXISTS (SELECT 1 FROM grants AS g
                                       WHERE g.tenant = r.tenant AND g.client_id = r.client_id)
                     ORDER BY r.registered_at, r.client_id
                     LIMIT 1)
         RETURNING id",
    )
    .bind(change.tenant.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(client) = id.map(ClientId::new) else {
        return Ok(false);
    };
    audit::note(connection, change, Event::ClientExpired(&client)).await?;
    Ok(true)
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
    change: &Change,
    id: &ClientId,
) -> Result<bool, StoreError> {
    let tenant = &change.tenant;
    let mut transaction = pool.begin(tenant).await?;
    grants::revoke_all(&mut transaction, tenant, None, id, change.at()).await?;
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
    let is_removed = done.rows_affected() > 0;
    if is_removed {
        audit::note(&mut transaction, change, Event::ClientRemoved(id)).await?;
    }
    transaction.commit().await?;
    Ok(is_removed)
}

pub(super) async fn remove_unused(
    pool: &Pool,
    registered_before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut transaction = pool.begin_upkeep().await?;
    let removed: Vec<(String, String)> = sqlx::query_as(
        "DELETE FROM clients
         WHERE EXISTS (SELECT 1 FROM client_registrations AS r
                       WHERE r.tenant = clients.tenant AND r.client_id = clients.id
                         AND r.used_at IS NULL AND r.registered_at <= $1)
           AND NOT EXISTS (SELECT 1 FROM grants AS g
                           WHERE g.tenant = clients.tenant AND g.client_id = clients.id)
         RETURNING tenant, id",
    )
    .bind(registered_before.seconds())
    .fetch_all(&mut *transaction)
    .await?;
    for (tenant, id) in &removed {
        let tenant = tenant.parse().map_err(|_| invalid("tenant's name"))?;
        turn_to(&mut transaction, &tenant).await?;
        let change = Change::by_system(&tenant, now);
        let client = ClientId::new(id);
        audit::note(&mut transaction, &change, Event::ClientExpired(&client)).await?;
    }
    transaction.commit().await?;
    Ok(u64::try_from(removed.len()).unwrap_or(u64::MAX))
}
