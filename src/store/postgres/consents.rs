//! What people agreed to, in Postgres: remembered consents, and the grants that followed.

use super::pool::Pool;
use super::{audit, grants};
use crate::model::{Change, ClientId, Consent, Event, TenantSlug, Timestamp, UserId};
use crate::store::row::{ConsentRow, LiveGrantRow, write_scopes};
use crate::store::{LiveGrant, StoreError};

pub(super) async fn remember(
    pool: &Pool,
    change: &Change,
    consent: &Consent,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
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
    pool: &Pool,
    tenant: &TenantSlug,
    user: &UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, ConsentRow>(
        "SELECT user_id, client_id, redirect_host, scopes, resource, given_at
         FROM consents
         WHERE tenant = $1 AND user_id = $2 AND client_id = $3",
    )
    .bind(tenant.as_str())
    .bind(user.as_str())
    .bind(client.as_str())
    .fetch_optional(&mut *transaction)
    .await?
    .map(Consent::try_from)
    .transpose()
}

/// Live is a grant that was picked up, not taken back, and that a token can still come of.
pub(super) async fn list_grants(
    pool: &Pool,
    tenant: &TenantSlug,
    user: &UserId,
    now: Timestamp,
) -> Result<Vec<LiveGrant>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
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
    .fetch_all(&mut *transaction)
    .await?;
    rows.into_iter().map(LiveGrant::try_from).collect()
}

pub(super) async fn withdraw(
    pool: &Pool,
    change: &Change,
    user: &UserId,
    client: &ClientId,
) -> Result<bool, StoreError> {
    let (tenant, now) = (&change.tenant, change.at());
    let mut transaction = pool.begin(tenant).await?;
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
