//! Registered clients in Postgres.

use sqlx::PgConnection;

use super::audit;
use super::pool::Pool;
use crate::model::{Change, Client, ClientId, Event, GrantType, RedirectUri, TenantSlug};
use crate::store::StoreError;
use crate::store::row::{ClientRow, write_keys, write_list, write_scopes};

pub(super) async fn register(
    pool: &Pool,
    change: &Change,
    client: &Client,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    insert(&mut transaction, &change.tenant, client).await?;
    audit::note(&mut transaction, change, Event::ClientAdded(&client.id)).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    client: &Client,
) -> Result<(), StoreError> {
    let redirect_uris = client.redirect_uris.iter().map(RedirectUri::as_str);
    let grant_types = client.grant_types.iter().copied().map(GrantType::as_str);
    let (jwks, jwks_uri) = write_keys(client.keys.as_ref());
    sqlx::query(
        "INSERT INTO clients (tenant, id, name, uri, redirect_uris, auth_method, secret,
                              grant_types, scopes, created_at, jwks, jwks_uri)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(tenant.as_str())
    .bind(client.id.as_str())
    .bind(client.name.as_deref())
    .bind(client.uri.as_deref())
    .bind(write_list(redirect_uris))
    .bind(client.auth_method.as_str())
    .bind(
        client
            .secret
            .as_ref()
            .map(|secret| secret.as_bytes().as_slice()),
    )
    .bind(write_list(grant_types))
    .bind(client.scopes.as_ref().map(write_scopes))
    .bind(client.created_at.seconds())
    .bind(jwks)
    .bind(jwks_uri)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    id: &ClientId,
) -> Result<Option<Client>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, ClientRow>(
        "SELECT id, name, uri, redirect_uris, auth_method, secret, grant_types, scopes, created_at,
                jwks, jwks_uri, refusals
         FROM clients
         WHERE tenant = $1 AND id = $2",
    )
    .bind(tenant.as_str())
    .bind(id.as_str())
    .fetch_optional(&mut *transaction)
    .await?
    .map(Client::try_from)
    .transpose()
}

pub(super) async fn list(pool: &Pool, tenant: &TenantSlug) -> Result<Vec<Client>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let rows = sqlx::query_as::<_, ClientRow>(
        "SELECT * FROM clients WHERE tenant = $1 ORDER BY created_at, id",
    )
    .bind(tenant.as_str())
    .fetch_all(&mut *transaction)
    .await?;
    rows.into_iter().map(Client::try_from).collect()
}

/// Replaces what a client may change about itself (RFC 7592 §2.2).
pub(super) async fn replace(
    pool: &Pool,
    change: &Change,
    client: &Client,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let redirect_uris = client.redirect_uris.iter().map(RedirectUri::as_str);
    let grant_types = client.grant_types.iter().copied().map(GrantType::as_str);
    let (jwks, jwks_uri) = write_keys(client.keys.as_ref());
    let done = sqlx::query(
        "UPDATE clients SET name = $3, uri = $4, redirect_uris = $5, auth_method = $6, secret = $7,
                            grant_types = $8, jwks = $9, jwks_uri = $10
         WHERE tenant = $1 AND id = $2",
    )
    .bind(change.tenant.as_str())
    .bind(client.id.as_str())
    .bind(client.name.as_deref())
    .bind(client.uri.as_deref())
    .bind(write_list(redirect_uris))
    .bind(client.auth_method.as_str())
    .bind(
        client
            .secret
            .as_ref()
            .map(|secret| secret.as_bytes().as_slice()),
    )
    .bind(write_list(grant_types))
    .bind(jwks)
    .bind(jwks_uri)
    .execute(&mut *transaction)
    .await?;
    let is_replaced = done.rows_affected() > 0;
    if is_replaced {
        audit::note(&mut transaction, change, Event::ClientChanged(&client.id)).await?;
    }
    transaction.commit().await?;
    Ok(is_replaced)
}
