//! Pushed authorization requests in Postgres (RFC 9126).

use sqlx::PgPool;

use crate::model::{Digest, PushedRequest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::row::PushedRequestRow;

pub(super) async fn push(
    pool: &PgPool,
    tenant: &TenantSlug,
    request: &PushedRequest,
) -> Result<(), StoreError> {
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
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn find(
    pool: &PgPool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<Option<PushedRequest>, StoreError> {
    sqlx::query_as::<_, PushedRequestRow>(
        "SELECT digest, client_id, request, created_at, expires_at
         FROM pushed_requests
         WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .fetch_optional(pool)
    .await?
    .map(PushedRequest::try_from)
    .transpose()
}

pub(super) async fn begin(
    pool: &PgPool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE pushed_requests SET begun_at = $3, expires_at = $4
         WHERE tenant = $1 AND digest = $2 AND begun_at IS NULL AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .bind(until.seconds())
    .execute(pool)
    .await?;
    Ok(())
}

/// The statement that looks is the one that removes, so of any number of answers one counts.
pub(super) async fn end(
    pool: &PgPool,
    tenant: &TenantSlug,
    digest: &Digest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "DELETE FROM pushed_requests WHERE tenant = $1 AND digest = $2 AND expires_at > $3",
    )
    .bind(tenant.as_str())
    .bind(digest.as_bytes().as_slice())
    .bind(now.seconds())
    .execute(pool)
    .await?;
    Ok(done.rows_affected() > 0)
}
