//! Limits that replicas keep together, in Postgres.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;

use super::PostgresStore;
use crate::store::StoreError;
use crate::store::rates::{RateStore, Use};
use crate::store::row::invalid;

/// By the clock of the database, which is the same for all. The rows are locked in the order of
/// their keys, so that two replicas never wait for each other.
const ADD: &str = "
    WITH clock AS MATERIALIZED (
        SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::BIGINT AS now
    ), used AS (
        SELECT key, cost, most
        FROM unnest($1::BYTEA[], $2::BIGINT[], $3::BIGINT[]) AS used (key, cost, most)
        ORDER BY key
    ), added AS (
        INSERT INTO rate_limits AS kept (key, whole_at, most)
        SELECT key, now + least(cost, most), most FROM used, clock
        ON CONFLICT (key) DO UPDATE SET
            whole_at = least(
                greatest(kept.whole_at, (SELECT now FROM clock))
                    + EXCLUDED.whole_at - (SELECT now FROM clock),
                (SELECT now FROM clock) + EXCLUDED.most
            ),
            most = EXCLUDED.most
        RETURNING key, whole_at
    )
    SELECT added.whole_at - now
    FROM clock, unnest($1::BYTEA[]) WITH ORDINALITY AS asked (key, place)
    JOIN added ON added.key = asked.key
    ORDER BY asked.place";

#[async_trait]
impl RateStore for PostgresStore {
    async fn add_uses(&self, uses: &[Use]) -> Result<Option<Vec<Duration>>, StoreError> {
        let keys: Vec<&[u8]> = uses
            .iter()
            .map(|one| one.key.as_bytes().as_slice())
            .collect();
        let costs: Vec<i64> = uses.iter().map(Use::cost).collect();
        let most: Vec<i64> = uses.iter().map(Use::most).collect();
        let waits = sqlx::query_scalar(ADD).bind(keys).bind(costs).bind(most);
        let waits: Vec<i64> = waits.fetch_all(&mut *self.pool.connection().await?).await?;
        if waits.len() != uses.len() {
            return Err(invalid("rate_limits"));
        }
        let wait = |micros: &i64| Duration::from_micros(u64::try_from(*micros).unwrap_or(0));
        Ok(Some(waits.iter().map(wait).collect()))
    }
}

/// Removes what is whole again: it says nothing that its absence doesn't say.
pub(super) async fn remove_whole(connection: &mut PgConnection) -> Result<u64, StoreError> {
    let done = sqlx::query(
        "DELETE FROM rate_limits WHERE key IN
             (SELECT key FROM rate_limits
              WHERE whole_at <= extract(epoch FROM clock_timestamp()) * 1000000
              FOR UPDATE SKIP LOCKED)",
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
