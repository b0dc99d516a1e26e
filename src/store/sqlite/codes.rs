//! Authorization codes in SQLite (OAuth 2.1 §4.1.2, §4.1.3).

use sqlx::{SqliteConnection, SqlitePool};

use super::{audit, begin, grants, refresh_tokens, registrations};
use crate::model::{
    AuthorizationCode, Change, Digest, Event, RefreshToken, TenantSlug, Timestamp, User,
};
use crate::store::row::CodeRow;
use crate::store::users::{GivenRow, user_columns};
use crate::store::{CodeRedemption, StoreError};

pub(super) async fn issue(
    writer: &SqlitePool,
    change: &Change,
    code: &AuthorizationCode,
    asked: bool,
) -> Result<(), StoreError> {
    let mut transaction = begin(writer).await?;
    let tenant = &change.tenant;
    grants::insert(&mut transaction, tenant, &code.grant).await?;
    let given_at = code.grant.created_at;
    registrations::mark_used(&mut transaction, tenant, &code.grant.client, given_at).await?;
    sqlx::query(
        "INSERT INTO authorization_codes (tenant, digest, grant_id, redirect_uri, challenge,
                                          dpop_key, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant.as_str())
    .bind(code.digest.as_bytes().as_slice())
    .bind(code.grant.id.as_str())
    .bind(code.redirect_uri.as_str())
    .bind(code.challenge.digest().as_bytes().as_slice())
    .bind(code.key.as_ref().map(|key| key.as_bytes().as_slice()))
    .bind(code.expires_at.seconds())
    .execute(&mut *transaction)
    .await?;
    let event = if asked {
        Event::ConsentGiven(&code.grant)
    } else {
        Event::ConsentReused(&code.grant)
    };
    audit::note(&mut transaction, change, event).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    readers: &SqlitePool,
    tenant: &TenantSlug,
    digest: &Digest,
) -> Result<Option<(AuthorizationCode, User)>, StoreError> {
    sqlx::query_as::<_, GivenRow<CodeRow>>(concat!(
        "SELECT c.digest, c.redirect_uri, c.challenge, c.dpop_key, c.expires_at,
                g.id AS grant_id, g.client_id, g.user_id, g.scopes, g.resource,
                g.created_at AS granted_at, g.revoked_at, ",
        user_columns!("u."),
        " FROM authorization_codes AS c
         JOIN grants AS g ON g.tenant = c.tenant AND g.id = c.grant_id
         JOIN users AS u ON u.tenant = g.tenant AND u.id = g.user_id
         WHERE c.tenant = $1 AND c.digest = $2",
    ))
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .fetch_optional(readers)
    .await?
    .map(GivenRow::read)
    .transpose()
}

pub(super) async fn redeem(
    writer: &SqlitePool,
    change: &Change,
    digest: &Digest,
    refresh: Option<&RefreshToken>,
) -> Result<CodeRedemption, StoreError> {
    let mut transaction = begin(writer).await?;
    let (tenant, now) = (&change.tenant, change.at());
    let redemption = if mark_redeemed(&mut transaction, tenant, digest, now).await? {
        if let Some(token) = refresh {
            refresh_tokens::insert(&mut transaction, tenant, token).await?;
        }
        let event = Event::TokenIssued("authorization_code");
        audit::note(&mut transaction, change, event).await?;
        CodeRedemption::Redeemed
    } else if revoke_replayed(&mut transaction, tenant, digest, now).await? {
        audit::note(&mut transaction, change, Event::CodeReplayed).await?;
        CodeRedemption::Replayed
    } else {
        CodeRedemption::Refused
    };
    transaction.commit().await?;
    Ok(redemption)
}

/// OAuth 2.1 §4.1.3: a code is redeemed once. The row is marked by the very statement that looks
/// whether it is, so of any number of attempts one finds it unmarked.
async fn mark_redeemed(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE authorization_codes SET redeemed_at = $3
         WHERE tenant = $1 AND digest = $2 AND redeemed_at IS NULL AND expires_at > $3
           AND EXISTS (SELECT 1 FROM grants AS g
                       WHERE g.tenant = authorization_codes.tenant
                         AND g.id = authorization_codes.grant_id
                         AND g.revoked_at IS NULL)",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// OAuth 2.1 §4.1.3: a code that comes again ends all that came of it; false when it was never
/// redeemed.
async fn revoke_replayed(
    connection: &mut SqliteConnection,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE grants SET revoked_at = COALESCE(revoked_at, $3)
         WHERE tenant = $1
           AND id = (SELECT c.grant_id FROM authorization_codes AS c
                     WHERE c.tenant = $1 AND c.digest = $2 AND c.redeemed_at IS NOT NULL)",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
