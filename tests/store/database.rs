//! A fresh database for each test, removed afterwards, also when the test fails.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Once};

use futures_util::FutureExt as _;
use gatehouse::model::{Random as _, SystemRandom};
use gatehouse::store::{ConnectOptions, Store, connect, migrate};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// A database that is there for one test. In Postgres its tables belong to one role, and the store
/// connects as another one, neither of them a superuser.
pub(crate) struct Database {
    url: String,
    owner_url: String,
    admin_url: String,
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

    /// As the owner of the tables.
    pub(crate) fn owner_url(&self) -> &str {
        &self.owner_url
    }

    /// As a superuser.
    pub(crate) fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// A store as one replica has it; another call is another replica, or the same one after a
    /// restart.
    pub(crate) async fn open(&self) -> Arc<dyn Store> {
        if self.url != self.owner_url {
            let role = url::Url::parse(&self.url).unwrap();
            let migrated = migrate(&self.owner_url, Some(role.username())).await;
            migrated.unwrap();
        }
        let options = ConnectOptions {
            max_connections: 5,
            migrate_at_start: true,
        };
        connect(&self.url, &options).await.unwrap()
    }
}

impl Database {
    /// Runs a statement as someone who may do everything in the database.
    pub(crate) async fn execute(&self, sql: &'static str) -> Result<u64, String> {
        let done = if self.url.starts_with("sqlite:") {
            let mut sqlite = SqliteConnection::connect(&self.url).await.unwrap();
            let done = sqlite.execute(sql).await;
            done.map(|done| done.rows_affected())
        } else {
            let mut postgres = PgConnection::connect(&self.admin_url).await.unwrap();
            let done = postgres.execute(sql).await;
            done.map(|done| done.rows_affected())
        };
        done.map_err(|error| error.to_string())
    }
}

pub(crate) async fn on_sqlite(case: impl AsyncFnOnce(&Database)) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("gatehouse.db").display());
    let (owner_url, admin_url) = (url.clone(), url.clone());
    case(&Database {
        url,
        owner_url,
        admin_url,
    })
    .await;
}

pub(crate) async fn on_postgres(case: impl AsyncFnOnce(&Database)) {
    let Some(admin_url) = admin_url() else {
        return;
    };
    let name = random_name();
    let mut admin = PgConnection::connect(&admin_url).await.unwrap();
    for sql in [
        format!("CREATE ROLE {name}_owner LOGIN PASSWORD '{name}'"),
        format!("CREATE ROLE {name}_app LOGIN PASSWORD '{name}'"),
        format!("CREATE DATABASE {name} OWNER {name}_owner"),
    ] {
        admin.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let mut url = url::Url::parse(&admin_url).unwrap();
    url.set_path(&name);
    let mut url_of = |role: &str| {
        url.set_username(&format!("{name}_{role}")).unwrap();
        url.set_password(Some(&name)).unwrap();
        url.to_string()
    };
    let (url, owner_url) = (url_of("app"), url_of("owner"));
    let mut admin_url = url::Url::parse(&admin_url).unwrap();
    admin_url.set_path(&name);
    let database = Database {
        url,
        owner_url,
        admin_url: admin_url.into(),
    };
    let outcome = AssertUnwindSafe(case(&database)).catch_unwind().await;
    for sql in [
        format!("DROP DATABASE {name} WITH (FORCE)"),
        format!("DROP ROLE {name}_app"),
        format!("DROP ROLE {name}_owner"),
    ] {
        admin.execute(AssertSqlSafe(sql)).await.unwrap();
    }
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
