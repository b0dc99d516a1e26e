//! Assertions that clients have used, in SQLite.

use sqlx::SqlitePool;

use crate::model::{ClientId, Digest, TenantSlug, Timestamp};
use crate::store::StoreError;

pub(super) async fn spend(
    writer: &SqlitePool,
    tenant: &TenantSlug,
    client: &ClientId,
    (jti, expires_at): (&Digest, Timestamp),
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "INSERT INTO client_assertions (tenant, client_id, jti, expires_at)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant, client_id, jti) DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(client.as_str())
    .bind(jti.as_bytes().as_slice())
    .bind(expires_at.seconds())
    .execute(writer)
    .await?;
    Ok(done.rows_affected() == 1)
}
