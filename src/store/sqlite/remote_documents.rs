//! Copies of documents that clients keep on the Web, in SQLite.

use sqlx::SqlitePool;

use crate::model::{RemoteDocument, TenantSlug};
use crate::store::StoreError;
use crate::store::row::RemoteDocumentRow;

pub(super) async fn keep(
    writer: &SqlitePool,
    tenant: &TenantSlug,
    document: &RemoteDocument,
) -> Result<(), StoreError> {
    // The later one stays, whichever replica comes last.
    sqlx::query(
        "INSERT INTO remote_documents (tenant, url, body, fetched_at, fresh_until)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, url) DO UPDATE
         SET body = excluded.body, fetched_at = excluded.fetched_at,
             fresh_until = excluded.fresh_until
         WHERE excluded.fetched_at >= remote_documents.fetched_at",
    )
    .bind(tenant.as_str())
    .bind(&document.url)
    .bind(&document.body)
    .bind(document.fetched_at.seconds())
    .bind(document.fresh_until.seconds())
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn find(
    readers: &SqlitePool,
    tenant: &TenantSlug,
    url: &str,
) -> Result<Option<RemoteDocument>, StoreError> {
    let row = sqlx::query_as::<_, RemoteDocumentRow>(
        "SELECT url, body, fetched_at, fresh_until
         FROM remote_documents
         WHERE tenant = $1 AND url = $2",
    )
    .bind(tenant.as_str())
    .bind(url)
    .fetch_optional(readers)
    .await?;
    Ok(row.map(RemoteDocument::from))
}
