//! Login sessions in Postgres.

use super::audit;
use super::pool::Pool;
use crate::model::{Change, Digest, Event, LoginSession, TenantSlug, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::row::LoginSessionRow;

pub(super) async fn start(
    pool: &Pool,
    change: &Change,
    session: &LoginSession,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    sqlx::query(
        "INSERT INTO login_sessions (tenant, digest, user_id, signed_in_at, expires_at, issuer,
                                     provider_session)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(change.tenant.as_str())
    .bind(session.digest.as_bytes().as_slice())
    .bind(session.user.as_str())
    .bind(session.signed_in_at.seconds())
    .bind(session.expires_at.seconds())
    .bind(session.issuer.as_ref())
    .bind(session.provider_session.as_ref())
    .execute(&mut *transaction)
    .await?;
    audit::note(&mut transaction, change, Event::SignedIn(&session.user)).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    cookie: &Digest,
    now: Timestamp,
) -> Result<Option<LoginSession>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, LoginSessionRow>(
        "SELECT digest, user_id, signed_in_at, expires_at, issuer, provider_session
         FROM login_sessions
         WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(cookie.as_bytes().as_slice())
    .bind(now.seconds())
    .fetch_optional(&mut *transaction)
    .await?
    .map(LoginSession::try_from)
    .transpose()
}

pub(super) async fn end(pool: &Pool, change: &Change, cookie: &Digest) -> Result<(), StoreError> {
    let mut transaction = pool.begin(&change.tenant).await?;
    let user: Option<String> = sqlx::query_scalar(
        "DELETE FROM login_sessions WHERE tenant = $1 AND digest = $2 RETURNING user_id",
    )
    .bind(change.tenant.as_str())
    .bind(cookie.as_bytes().as_slice())
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(user) = user.map(UserId::new) {
        audit::note(&mut transaction, change, Event::SignedOut(&user)).await?;
    }
    Ok(transaction.commit().await?)
}
