//! A fresh database for each test, removed afterwards, also when the test fails.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Once};

use futures_util::FutureExt as _;
use gatehouse::model::{Random as _, SystemRandom};
use gatehouse::store::{ConnectOptions, Store, connect};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// A database that is there for one test.
pub(crate) struct Database {
    url: String,
}

/// Makes of each `async fn name(database: &Database)` a test `sqlite::name` and a test
/// `postgres::name`.
macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                crate::database::on_sqlite(super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                crate::database::on_postgres(super::$name).await;
            })+
        }
    };
}
pub(crate) use contract;

impl Database {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A store as one replica has it; another call is another replica, or the same one after a
    /// restart.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        let options = ConnectOptions {
            max_connections: 5,
            migrate_at_start: true,
        };
        connect(&self.url, &options).await.unwrap()
    }
}

impl Database {
    /// Runs a statement as someone who has the database and not Gatehouse.
    pub(crate) async fn execute(&self, sql: &'static str) -> Result<u64, String> {
        let done = if self.url.starts_with("sqlite:") {
            let mut sqlite = SqliteConnection::connect(&self.url).await.unwrap();
            let done = sqlite.execute(sql).await;
            done.map(|done| done.rows_affected())
        } else {
            let mut postgres = PgConnection::connect(&self.url).await.unwrap();
            let done = postgres.execute(sql).await;
            done.map(|done| done.rows_affected())
        };
        done.map_err(|error| error.to_string())
    }
}

pub(crate) async fn on_sqlite(case: impl AsyncFnOnce(&Database)) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("gatehouse.db").display());
    case(&Database { url }).await;
}

pub(crate) async fn on_postgres(case: impl AsyncFnOnce(&Database)) {
    let Some(admin_url) = admin_url() else {
        return;
    };
    let name = random_name();
    let mut admin = PgConnection::connect(&admin_url).await.unwrap();
    admin
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let mut url = url::Url::parse(&admin_url).unwrap();
    url.set_path(&name);
    let database = Database { url: url.into() };
    let outcome = AssertUnwindSafe(case(&database)).catch_unwind().await;
    admin
        .execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
        .await
        .unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
fn admin_url() -> Option<String> {
    static NOTICE: Once = Once::new();
    let url = std::env::var("GATEHOUSE_TEST_POSTGRES").ok();
    if url.is_none() {
        NOTICE.call_once(|| {
            // Not by `eprintln!`, whose text the harness keeps to itself when a test passes.
            let notice = b"Postgres is skipped: GATEHOUSE_TEST_POSTGRES holds no URL\n";
            std::io::stderr().write_all(notice).unwrap();
        });
    }
    url
}

fn random_name() -> String {
    let mut bytes = [0_u8; 16];
    SystemRandom.fill(&mut bytes);
    format!("gatehouse_test_{:x}", u128::from_be_bytes(bytes))
}
