//! Connections to Postgres. A transaction sees the rows of one tenant, whatever its statements say:
//! the policies of migration 0020 compare every row with the setting that is made here.

use std::pin::Pin;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use crate::model::TenantSlug;
use crate::store::StoreError;

/// In the place of a tenant: all rows, to find and remove, never to add or change. No tenant is
/// called so.
const ALL_TENANTS: &str = "*";

/// For how long a request waits for a connection: its answer says within a second that there is none.
const PATIENCE: Duration = Duration::from_millis(900);

/// The connections. Nobody else has them, so no statement forgets to say whose rows it is after.
#[derive(Debug)]
pub(super) struct Pool(PgPool);

impl Pool {
    pub(super) fn new(connections: PgPool) -> Self {
        Self(connections)
    }

    /// Begins a transaction in which the rows of other tenants aren't there. One that only reads
    /// may be dropped: its end is nothing to wait for.
    pub(super) async fn begin(
        &self,
        tenant: &TenantSlug,
    ) -> Result<Transaction<'static, Postgres>, StoreError> {
        in_time(Box::pin(self.begin_as(tenant.as_str()))).await
    }

    /// Begins a transaction for upkeep, which looks at all tenants and belongs to none. It has the
    /// time that a database far away needs to let somebody in, and leaves that connection to requests.
    pub(super) async fn begin_upkeep(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Box::pin(self.begin_as(ALL_TENANTS)).await
    }

    /// A connection for tables that no tenant owns; those of tenants are empty here.
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        in_time(Box::pin(async { Ok(self.0.acquire().await?) })).await
    }

    /// For whoever keeps a connection.
    pub(super) fn shared(&self) -> &PgPool {
        &self.0
    }

    /// `SET LOCAL` ends with the transaction: who gets the connection next, from this pool or from
    /// a pooler such as pgbouncer, finds no tenant on it. Both statements are one message.
    async fn begin_as(&self, rows: &str) -> Result<Transaction<'static, Postgres>, StoreError> {
        // A slug has no character that could end a literal.
        let sql = format!("BEGIN; SET LOCAL gatehouse.tenant = '{rows}'");
        Ok(self.0.begin_with(AssertSqlSafe(sql)).await?)
    }
}

/// What connects is in a box: it is large, and every operation would have room for it several times.
async fn in_time<T>(
    connected: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, connected)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut.into()))
}

/// From now on, the transaction sees the rows of this tenant and of no other.
pub(super) async fn turn_to(
    connection: &mut PgConnection,
    tenant: &TenantSlug,
) -> Result<(), StoreError> {
    // A slug has no character that could end a literal.
    let sql = format!("SET LOCAL gatehouse.tenant = '{tenant}'");
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}
