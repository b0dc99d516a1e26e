//! The way from a database URL to a store: `sqlite:` or `postgres:`.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError, postgres, sqlite};

/// How to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// How many connections to Postgres may be open at once. SQLite has one that writes and a few
    /// that read.
    pub max_connections: u32,
    /// Whether to bring the tables of Postgres up to date; without it, a store whose tables aren't
    /// is refused. SQLite belongs to one process and is always brought up to date.
    pub migrate_at_start: bool,
}

/// Where a database keeps its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a file of this machine.
    File(PathBuf),
    /// In the memory of this process.
    Memory,
    /// At a server, for any number of processes.
    Server,
}

/// A database that this program has no driver for.
#[derive(Debug, thiserror::Error)]
#[error("a database URL begins with sqlite: or postgres:")]
struct UnknownEngine;

/// A role of an engine without roles.
#[derive(Debug, thiserror::Error)]
#[error("SQLite has no roles; who may read its file is up to the file system")]
struct NoRoles;

enum Engine {
    Sqlite,
    Postgres,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            migrate_at_start: false,
        }
    }
}

impl Engine {
    // The error never names the URL: it may hold a password.
    fn of(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("sqlite", _)) => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(StoreError::failed(UnknownEngine)),
        }
    }
}

/// Where the database at `url` is.
pub fn locate(url: &str) -> Result<Location, StoreError> {
    match Engine::of(url)? {
        Engine::Sqlite => sqlite::locate(url),
        Engine::Postgres => Ok(Location::Server),
    }
}

/// Opens the database at `url`. A file of SQLite is made where there is none.
pub async fn connect(url: &str, options: &ConnectOptions) -> Result<Arc<dyn Store>, StoreError> {
    match Engine::of(url)? {
        Engine::Sqlite => Ok(Arc::new(SqliteStore::open(url).await?)),
        Engine::Postgres => {
            if options.migrate_at_start {
                postgres::migrate(url, None).await?;
            }
            Ok(Arc::new(
                PostgresStore::open(url, options.max_connections).await?,
            ))
        }
    }
}

/// Brings the tables of the database at `url` up to date, and lets the role `grant_to`, which owns
/// none of them, work with their rows.
pub async fn migrate(url: &str, grant_to: Option<&str>) -> Result<(), StoreError> {
    match (Engine::of(url)?, grant_to) {
        (Engine::Sqlite, None) => sqlite::migrate(url).await,
        (Engine::Sqlite, Some(_)) => Err(StoreError::failed(NoRoles)),
        (Engine::Postgres, grant_to) => postgres::migrate(url, grant_to).await,
    }
}
