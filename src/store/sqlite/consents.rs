//! What people agreed to, in SQLite: remembered consents, and the grants that followed.

use sqlx::SqlitePool;

use super::{audit, begin, grants};
use crate::model::{Change, ClientId, Consent, Event, TenantSlug, Timestamp, UserId};
use crate::store::row::{ConsentRow, LiveGrantRow, write_scopes};
use crate::store::{LiveGrant, StoreError};

pub(super) async fn remember(
    writer: &SqlitePool,
    change: &Change,
    consent: &Consent,
) -> Result<(), StoreError> {
    let mut transaction = begin(writer).await?;
    sqlx::query(
        "INSERT INTO consents (tenant, user_id, client_id, redirect_host, scopes, resource,
                               given_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, user_id, client_id) DO UPDATE
         SET redirect_host = excluded.redirect_host, scopes = excluded.scopes,
             resource = excluded.resource, given_at = excluded.given_at",
    )
    .bind(change.tenant.as_str())
    .bind(consent.user.as_str())
    .bind(consent.client.as_str())
    .bind(&consent.redirect_host)
    .bind(write_scopes(&consent.scopes))
    .bind(consent.resource.as_str())
    .bind(consent.given_at.seconds())
    .execute(&mut *transaction)
    .await?;
    let event = Event::ConsentRemembered(&consent.client, &consent.scopes);
    audit::note(&mut transaction, change, event).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    readers: &SqlitePool,
    tenant: &TenantSlug,
    user: &UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    sqlx::query_as::<_, ConsentRow>(
        "SELECT user_id, client_id, redirect_host, scopes, resource, given_at
         FROM consents
         WHERE tenant = $1 AND user_id = $2 AND client_id = $3",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .bind(client.as_str())
    .fetch_optional(readers)
    .await?
    .map(Consent::try_from)
    .transpose()
}

/// Live is a grant that was picked up, not taken back, and that a token can still come of.
pub(super) async fn list_grants(
    readers: &SqlitePool,
    tenant: &TenantSlug,
    user: &UserId,
    now: Timestamp,
) -> Result<Vec<LiveGrant>, StoreError> {
    let rows = sqlx::query_as::<_, LiveGrantRow>(
        "SELECT g.id AS grant_id, g.client_id, g.user_id, g.scopes, g.resource,
                g.created_at AS granted_at,
                g.revoked_at, g.used_at
         FROM grants AS g
         WHERE g.tenant = $1 AND g.user_id = $2 AND g.revoked_at IS NULL
           AND (EXISTS (SELECT 1 FROM refresh_tokens AS t
                        WHERE t.tenant = g.tenant AND t.grant_id = g.id
                          AND t.consumed_at IS NULL AND t.expires_at > $3)
                OR EXISTS (SELECT 1 FROM authorization_codes AS c
                           WHERE c.tenant = g.tenant AND c.grant_id = g.id
                             AND c.redeemed_at IS NOT NULL)
                OR g.ends_at > $3)
         ORDER BY g.created_at DESC, g.id",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .bind(now.seconds())
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(LiveGrant::try_from).collect()
}

pub(super) async fn withdraw(
    writer: &SqlitePool,
    change: &Change,
    user: &UserId,
    client: &ClientId,
) -> Result<bool, StoreError> {
    let mut transaction = begin(writer).await?;
    let (tenant, now) = (&change.tenant, change.at());
    let revoked = grants::revoke_all(&mut transaction, tenant, Some(user), client, now).await?;
    let done =
        sqlx::query("DELETE FROM consents WHERE tenant = $1 AND user_id = $2 AND client_id = $3")
            .bind(tenant.as_str())
            .bind(user.as_str())
            .bind(client.as_str())
            .execute(&mut *transaction)
            .await?;
    let is_withdrawn = revoked + done.rows_affected() > 0;
    if is_withdrawn {
        audit::note(&mut transaction, change, Event::ConsentWithdrawn(client)).await?;
    }
    transaction.commit().await?;
    Ok(is_withdrawn)
}
