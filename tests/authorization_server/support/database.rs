//! A database that belongs to one test: SQLite, or Postgres where `GATEHOUSE_TEST_ENGINE` says so.

use gatehouse::model::{Random as _, SystemRandom};
use sqlx::{AssertSqlSafe, Connection as _};
use url::Url;

/// A new, empty database.
pub(super) struct Database {
    pub(super) url: String,
    /// Removed with its content when the test ends.
    _folder: tempfile::TempDir,
}

impl Database {
    pub(super) async fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = if std::env::var("GATEHOUSE_TEST_ENGINE").is_ok_and(|name| name == "postgres") {
            create_on_postgres().await
        } else {
            format!("sqlite://{}", folder.path().join("gatehouse.db").display())
        };
        Self {
            url,
            _folder: folder,
        }
    }

    pub(super) async fn execute(&self, statement: &'static str) {
        if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await;
            done.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let done = sqlx::query(statement).execute(&mut connection).await;
            done.unwrap();
        }
    }

    /// The text that a query answers with.
    pub(super) async fn text(&self, query: &'static str) -> String {
        if self.url.starts_with("sqlite:") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await
        }
        .unwrap()
    }
}

async fn create_on_postgres() -> String {
    let server = std::env::var("GATEHOUSE_TEST_POSTGRES").unwrap();
    let mut url = Url::parse(&server).unwrap();
    let mut number = [0; 8];
    SystemRandom.fill(&mut number);
    let name = format!("catalogue_{:016x}", u64::from_le_bytes(number));
    let mut admin = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    url.set_path(&name);
    url.into()
}
