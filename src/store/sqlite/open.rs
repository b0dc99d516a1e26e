//! Opening a SQLite file: its mode, its pragmas, its connections, its tables.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::time::Instant;

use super::{SqliteStore, begin};
use crate::store::{Location, StoreError};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// For how long a write waits for another process, or for the connection that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a file that others are making is tried.
const TURN: Duration = Duration::from_millis(20);

const READERS: u32 = 4;

impl SqliteStore {
    /// Opens the file, makes it where there is none, and brings its tables up to date.
    pub(in crate::store) async fn open(url: &str) -> Result<Self, StoreError> {
        let options = connect_options(url)?;
        let in_memory = match locate(url)? {
            Location::File(path) => {
                create_file(&path).await?;
                false
            }
            Location::Memory | Location::Server => true,
        };
        let writer = if in_memory {
            pool(1)
        } else {
            pool(1).after_release(|connection, _| Box::pin(is_clean(connection)))
        };
        let writer = connect(&writer, &options).await?;
        apply_migrations(&writer).await?;
        // A database in memory belongs to the one connection that it has.
        let readers = if in_memory {
            writer.clone()
        } else {
            pool(READERS).connect_lazy_with(options.pragma("query_only", "on"))
        };
        Ok(Self { writer, readers })
    }
}

/// The file that `url` names, unless it means the memory.
pub(in crate::store) fn locate(url: &str) -> Result<Location, StoreError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Ok(Location::Memory);
    }
    let path = connect_options(url)?.get_filename().to_path_buf();
    Ok(Location::File(path))
}

/// Brings the tables of the file up to date.
pub(in crate::store) async fn migrate(url: &str) -> Result<(), StoreError> {
    let store = SqliteStore::open(url).await?;
    store.readers.close().await;
    store.writer.close().await;
    Ok(())
}

/// Several may make the same file at once. To turn to the write-ahead log, each needs the file for itself for a
/// moment, and whoever does not get it is told at once, whatever the busy timeout.
async fn connect(
    pool: &SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let connected = pool.clone().connect_with(options.clone()).await;
        match connected.map_err(StoreError::from) {
            Err(StoreError::Unavailable(_)) if Instant::now() < deadline => {
                tokio::time::sleep(TURN).await;
            }
            connected => return connected,
        }
    }
}

/// Runs the migrations in one transaction: sqlx has no lock of its own for SQLite, and a command
/// may open the file while the server starts.
async fn apply_migrations(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = begin(writer).await?;
    // `run` takes a connection too, but then what awaits it is not `Send` (sqlx 0.9).
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await?;
    Ok(transaction.commit().await?)
}

fn connect_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // Readers go on while one writes.
        .journal_mode(SqliteJournalMode::Wal)
        // With less than FULL, a power cut takes back the last commits: a code or a refresh token
        // that was spent could be spent again.
        .synchronous(SqliteSynchronous::Full))
}

/// Without time limits for connections: opening one costs more than keeping it.
fn pool(max_connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Whether a connection can begin another transaction. Where the disk is full, SQLite takes a transaction
/// back by itself; sqlx counts it as open then, for good, and the connection has to go.
async fn is_clean(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // What was begun before is done when this answers.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Makes the file for its owner's eyes only, as it holds the signing keys; SQLite gives the files
/// that it puts beside it the same mode.
async fn create_file(path: &Path) -> Result<(), StoreError> {
    let mut options = tokio::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await.map_err(sqlx::Error::Io)?;
    Ok(())
}
