//! Connecting to Postgres: time limits, connections, tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::migrate::{Migrate as _, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::PostgresStore;
use crate::store::StoreError;

/// Where the migrator keeps what it has applied.
const APPLIED: &str = "_sqlx_migrations";

/// For how long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Limits that the server keeps for us, so that a replica that hangs holds no locks for long.
const TIME_LIMITS: [(&str, &str); 2] = [
    ("statement_timeout", "3s"),
    ("idle_in_transaction_session_timeout", "5s"),
];

/// The tables are not those that this release needs.
#[derive(Debug, thiserror::Error)]
#[error("the tables of the database are not up to date: run `gatehouse migrate`")]
struct OutOfDate;

impl PostgresStore {
    /// Connects, and looks whether the tables are up to date.
    pub(in crate::store) async fn open(
        url: &str,
        max_connections: u32,
    ) -> Result<Self, StoreError> {
        let options = connect_options(url)?.options(TIME_LIMITS);
        let pool = pool(max_connections).connect_with(options).await?;
        check_migrations(&mut *pool.acquire().await?).await?;
        Ok(Self { pool })
    }
}

/// Brings the tables up to date. The migrator holds an advisory lock meanwhile: of several
/// replicas one migrates and the others wait, which is why this connection has no time limits.
pub(in crate::store) async fn migrate(url: &str) -> Result<(), StoreError> {
    let pool = pool(1).connect_with(connect_options(url)?).await?;
    migrations().run(&pool).await?;
    pool.close().await;
    Ok(())
}

fn pool(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(PATIENCE)
}

fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("migrations/postgres");
    // A replica of an earlier release may start after a later one has migrated.
    migrations.set_ignore_missing(true);
    migrations
}

fn connect_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    Ok(PgConnectOptions::from_str(url)?.application_name("gatehouse"))
}

async fn check_migrations(connection: &mut PgConnection) -> Result<(), StoreError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(APPLIED)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Err(StoreError::failed(OutOfDate));
    }
    let applied = connection.list_applied_migrations(APPLIED).await?;
    let is_applied = |version| applied.iter().any(|migration| migration.version == version);
    if migrations()
        .iter()
        .all(|migration| is_applied(migration.version))
    {
        Ok(())
    } else {
        Err(StoreError::failed(OutOfDate))
    }
}
