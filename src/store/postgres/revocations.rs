//! What ended before its access tokens do, in Postgres. Triggers write it.

use super::pool::Pool;
use crate::model::{Revocation, Timestamp};
use crate::store::StoreError;
use crate::store::row::RevocationRow;

pub(super) async fn list(pool: &Pool, since: Timestamp) -> Result<Vec<Revocation>, StoreError> {
    let mut transaction = pool.begin_upkeep().await?;
    sqlx::query_as::<_, RevocationRow>(
        "SELECT tenant, kind, id, revoked_at FROM revocations WHERE revoked_at >= $1",
    )
    .bind(since.seconds())
    .fetch_all(&mut *transaction)
    .await?
    .into_iter()
    .map(Revocation::try_from)
    .collect()
}
