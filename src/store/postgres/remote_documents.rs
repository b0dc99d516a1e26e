//! Copies of documents that clients keep on the Web, in Postgres.

use super::pool::Pool;
use crate::model::{RemoteDocument, TenantSlug};
use crate::store::StoreError;
use crate::store::row::RemoteDocumentRow;

pub(super) async fn keep(
    pool: &Pool,
    tenant: &TenantSlug,
    document: &RemoteDocument,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin(tenant).await?;
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
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    pool: &Pool,
    tenant: &TenantSlug,
    url: &str,
) -> Result<Option<RemoteDocument>, StoreError> {
    let mut transaction = pool.begin(tenant).await?;
    let row = sqlx::query_as::<_, RemoteDocumentRow>(
        "SELECT url, body, fetched_at, fresh_until
         FROM remote_documents
         WHERE tenant = $1 AND url = $2",
    )
    .bind(tenant.as_str())
    .bind(url)
    .fetch_optional(&mut *transaction)
    .await?;
    Ok(row.map(RemoteDocument::from))
}
