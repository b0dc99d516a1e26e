//! Pushed authorization requests in Postgres (RFC 9126).

use super::pool::Pool;
use crate::model::{Digest, PushedRequest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::row::PushedRequestRow;

pub(super) async fn push(
    pool: &Pool,
    tenant: &TenantSlug,
    request: &PushedRequest,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query(
        "INSERT INTO pushed_requests (tenant, digest, client_id, request, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(tenant.as_str())
    .bind(request.digest.as_bytes().as_slice())
    .bind(request.client.as_str())
    .bind(&request.request)
    .bind(request.created_at.seconds())
    .bind(request.expires_at.seconds())
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<PushedRequest>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query_as::<_, PushedRequestRow>(
        "SELECT digest, client_id, request, created_at, expires_at
         FROM pushed_requests
         WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .fetch_optional(&mut *transaction)
    .await?
    .map(PushedRequest::try_from)
    .transpose()
}

pub(super) async fn begin(
    pool: &Pool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    sqlx::query(
        "UPDATE pushed_requests SET begun_at = $3, expires_at = $4
         WHERE tenant = $1 AND digest = $2 AND begun_at IS NULL AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .bind(until.seconds())
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

/// The statement that looks is the one that removes, so of any number of answers one counts.
pub(super) async fn end(
    pool: &Pool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let done = sqlx::query(
        "DELETE FROM pushed_requests WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected() > 0)
}
