//! Pushed authorization requests in SQLite (RFC 9126).

use sqlx::SqlitePool;

use crate::model::{Digest, PushedRequest, TenantSlug, Timestamp};
use crate::store::StoreError;
use crate::store::row::PushedRequestRow;

pub(super) async fn push(
    writer: &SqlitePool,
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
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn find(
    readers: &SqlitePool,
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
    .fetch_optional(readers)
    .await?
    .map(PushedRequest::try_from)
    .transpose()
}

pub(super) async fn begin(
    writer: &SqlitePool,
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
    .execute(writer)
    .await?;
    Ok(())
}

/// The statement that looks is the one that removes, so of any number of answers one counts.
pub(super) async fn end(
    writer: &SqlitePool,
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
    .execute(writer)
    .await?;
    Ok(done.rows_affected() > 0)
}
