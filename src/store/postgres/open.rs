//! Connecting to Postgres: time limits, connections, tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{Migrate as _, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use super::PostgresStore;
use super::pool::Pool;
use crate::store::StoreError;

/// Where the migrator keeps what it has applied.
const APPLIED: &str = "_sqlx_migrations";

/// For how long upkeep waits for a connection; requests have less time (`pool`).
const PATIENCE: Duration = Duration::from_secs(5);

/// For how long after its last use a connection is taken to be good.
const FRESH: Duration = Duration::from_secs(1);

/// For how long the database may take to end what was left unfinished on a connection.
const RELEASE: Duration = Duration::from_secs(4);

/// Limits that the server keeps for us, so that a replica that hangs holds no locks for long.
const TIME_LIMITS: [(&str, &str); 2] = [
    ("statement_timeout", "3s"),
    ("idle_in_transaction_session_timeout", "5s"),
];

/// What a role needs that owns no table; `%1$I` is the schema, `%2$I` the role.
const GRANTS: [&str; 4] = [
    "GRANT USAGE ON SCHEMA %1$I TO %2$I",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$I TO %2$I",
    "REVOKE INSERT, UPDATE, DELETE ON _sqlx_migrations FROM %2$I",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$I TO %2$I",
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
        let mut connection = pool.acquire().await?;
        if !is_up_to_date(&mut connection).await? {
            return Err(StoreError::failed(OutOfDate));
        }
        warn_of_privileges(&mut connection).await?;
        drop(connection);
        Ok(Self {
            pool: Pool::new(pool),
        })
    }
}

/// Brings the tables up to date, and lets the role `grant_to` work with their rows. The migrator
/// holds an advisory lock meanwhile: of several replicas one migrates and the others wait, which is
/// why this connection has no time limits.
pub(in crate::store) async fn migrate(url: &str, grant_to: Option<&str>) -> Result<(), StoreError> {
    let pool = pool(1).connect_with(connect_options(url)?).await?;
    // A role that owns nothing may look at what is applied, and apply nothing.
    let up_to_date = is_up_to_date(&mut *pool.acquire().await?).await?;
    if !up_to_date {
        migrations().run(&pool).await?;
    }
    if let Some(role) = grant_to {
        grant(&pool, role).await?;
    }
    pool.close().await;
    Ok(())
}

/// Lets a role that owns no table read and write rows, and nothing else.
async fn grant(pool: &PgPool, role: &str) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    for privileges in GRANTS {
        // The database quotes the names.
        let sql: String = sqlx::query_scalar("SELECT format($1, current_schema(), $2)")
            .bind(privileges)
            .bind(role)
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Superusers pass by every policy.
async fn warn_of_privileges(connection: &mut PgConnection) -> Result<(), StoreError> {
    let unbound: bool = sqlx::query_scalar(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(connection)
    .await?;
    if unbound {
        tracing::warn!(
            "the role of database.url bypasses row-level security: only the queries keep tenants \
             apart; connect as a role that is no superuser"
        );
    }
    Ok(())
}

fn pool(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| Box::pin(still_answers(connection, meta.idle_for)))
        .after_release(|connection, _| Box::pin(answers(connection)))
}

/// Whether a connection is one still. Who just had it saw that; a server that ends and a network that
/// forgets are noticed by whoever has it next, and cost one request, as they do at any moment.
async fn still_answers(
    connection: &mut PgConnection,
    idle_for: Duration,
) -> Result<bool, sqlx::Error> {
    if idle_for >= FRESH {
        connection.ping().await?;
    }
    Ok(true)
}

/// Whether a connection that comes back to the pool still is one. sqlx asks that as well, and waits for
/// the answer without an end: of a network that drops packets, each request that was caught would
/// take one connection with it for a quarter of an hour.
async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    tokio::time::timeout(RELEASE, connection.ping())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
    Ok(true)
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

async fn is_up_to_date(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(APPLIED)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(false);
    }
    let applied = connection.list_applied_migrations(APPLIED).await?;
    let is_applied = |version| applied.iter().any(|migration| migration.version == version);
    Ok(migrations()
        .iter()
        .all(|migration| is_applied(migration.version)))
}
