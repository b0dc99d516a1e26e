//! Refresh tokens and their rotation in Postgres (OAuth 2.1 §4.3, RFC 9700 §4.14.2).

use sqlx::PgConnection;

use super::pool::Pool;
use super::{audit, grants};
use crate::model::{
    Change, Digest, Event, Grant, GrantId, RefreshToken, TenantSlug, Timestamp, User,
};
use crate::store::row::{RefreshTokenRow, SpentTokenRow};
use crate::store::users::{GivenRow, user_columns};
use crate::store::{Rotation, RotationOutcome, StoreError};

pub(super) async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    token: &RefreshToken,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO refresh_tokens (tenant, digest, grant_id, dpop_key, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(tenant.as_str())
    .bind(token.digest.as_bytes().as_slice())
    .bind(token.grant.as_str())
    .bind(token.key.as_ref().map(|key| key.as_bytes().as_slice()))
    .bind(token.expires_at.seconds())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    digest: &Digest,
) -> Result<Option<(RefreshToken, Grant, User)>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, GivenRow<RefreshTokenRow>>(concat!(
        "SELECT t.digest, t.dpop_key, t.expires_at,
                g.id AS grant_id, g.client_id, g.user_id, g.scopes, g.resource,
                g.created_at AS granted_at, g.revoked_at, ",
        user_columns!("u."),
        " FROM refresh_tokens AS t
         JOIN grants AS g ON g.tenant = t.tenant AND g.id = t.grant_id
         JOIN users AS u ON u.tenant = g.tenant AND u.id = g.user_id
         WHERE t.tenant = $1 AND t.digest = $2",
    ))
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .fetch_optional(&mut *transaction)
    .await?
    .map(|row| {
        let ((token, grant), user) = row.read()?;
        Ok((token, grant, user))
    })
    .transpose()
}

pub(super) async fn find_live(
    pool: &Pool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<(RefreshToken, Grant)>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, RefreshTokenRow>(
        "SELECT t.digest, t.dpop_key, t.expires_at,
                g.id AS grant_id, g.client_id, g.user_id, g.scopes, g.resource,
                g.created_at AS granted_at, g.revoked_at
         FROM refresh_tokens AS t
         JOIN grants AS g ON g.tenant = t.tenant AND g.id = t.grant_id
         WHERE t.tenant = $1 AND t.digest = $2
           AND t.consumed_at IS NULL AND t.expires_at > $3 AND g.revoked_at IS NULL",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .fetch_optional(&mut *transaction)
    .await?
    .map(<(RefreshToken, Grant)>::try_from)
    .transpose()
}

pub(super) async fn rotate(
    pool: &Pool,
    change: &Change,
    rotation: &Rotation,
) -> Result<RotationOutcome, StoreError> {
    let tenant = &change.tenant;
    let mut transaction = pool.begin(tenant).await?;
    let outcome = if exchange(&mut transaction, tenant, rotation).await? {
        RotationOutcome::Rotated
    } else {
        refuse(&mut transaction, tenant, rotation).await?
    };
    let grant = &rotation.successor.grant;
    let event = match outcome {
        RotationOutcome::Rotated => Some(Event::TokenRefreshed(grant)),
        RotationOutcome::Repeated { .. } => Some(Event::TokenRefreshRepeated(grant)),
        RotationOutcome::Reused => Some(Event::TokenReused(grant)),
        RotationOutcome::Refused => None,
    };
    if let Some(event) = event {
        audit::note(&mut transaction, change, event).await?;
    }
    transaction.commit().await?;
    Ok(outcome)
}

/// Marks a live token as consumed and stores its successor; the statement that looks is the one
/// that marks, so of any number of attempts one succeeds.
///
/// The grant is compared so that no index of it is taken: a planner that has not counted the table yet may take the
/// one of all tokens of the grant, and a family that has been refreshed for a month has more than a thousand.
async fn exchange(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    rotation: &Rotation,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "WITH consumed AS (
             UPDATE refresh_tokens SET consumed_at = $4, salt = $5
             WHERE tenant = $1 AND digest = $2 AND grant_id IS NOT DISTINCT FROM $3
               AND consumed_at IS NULL AND expires_at > $4
               AND EXISTS (SELECT 1 FROM grants AS g
                           WHERE g.tenant = $1 AND g.id = $3 AND g.revoked_at IS NULL)
             RETURNING grant_id
         ), used AS (
             UPDATE grants SET used_at = $4
             WHERE tenant = $1 AND id IN (SELECT grant_id FROM consumed)
         )
         INSERT INTO refresh_tokens (tenant, digest, grant_id, dpop_key, expires_at)
         SELECT $1, $6, grant_id, $7, $8 FROM consumed",
    )
    .bind(tenant.as_str())
    .bind(rotation.presented.as_bytes().as_slice())
    .bind(rotation.successor.grant.as_str())
    .bind(rotation.now.seconds())
    .bind(rotation.salt.as_slice())
    .bind(rotation.successor.digest.as_bytes().as_slice())
    .bind(
        rotation
            .successor
            .key
            .as_ref()
            .map(|key| key.as_bytes().as_slice()),
    )
    .bind(rotation.successor.expires_at.seconds())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Answers for a token that isn't live. No lock is needed between the two statements: a consumed
/// token stays consumed, and a revoked grant revoked.
async fn refuse(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
    rotation: &Rotation,
) -> Result<RotationOutcome, StoreError> {
    let row = sqlx::query_as::<_, SpentTokenRow>(
        "SELECT t.grant_id, t.consumed_at, t.salt, g.revoked_at
         FROM refresh_tokens AS t
         JOIN grants AS g ON g.tenant = t.tenant AND g.id = t.grant_id
         WHERE t.tenant = $1 AND t.digest = $2",
    )
    .bind(tenant.as_str())
    .bind(rotation.presented.as_bytes().as_slice())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(RotationOutcome::Refused);
    };
    let Some(consumption) = row.consumption()? else {
        return Ok(RotationOutcome::Refused);
    };
    if rotation.now.since(consumption.at) < rotation.grace {
        return Ok(RotationOutcome::Repeated {
            salt: consumption.salt,
        });
    }
    // RFC 9700 §4.14.2: two parties hold the token, and nobody can tell which one is the thief.
    grants::mark_revoked(
        connection,
        tenant,
        &GrantId::new(row.grant_id),
        rotation.now,
    )
    .await?;
    Ok(RotationOutcome::Reused)
}
