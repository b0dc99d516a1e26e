//! What the databases say about their tables, and rows that only their tenant matters of.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use crate::database::Database;

/// The tables with a column `tenant`.
const SQLITE_TABLES: &str = "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
    WHERE m.type = 'table' AND c.name = 'tenant' ORDER BY m.name";
const POSTGRES_TABLES: &str = "SELECT table_name::text FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'tenant' ORDER BY table_name";

/// The columns that must have a value, with their types.
const SQLITE_COLUMNS: &str =
    "SELECT name, type FROM pragma_table_info($1) WHERE \"notnull\" = 1 AND dflt_value IS NULL";
const POSTGRES_COLUMNS: &str = "SELECT column_name::text, data_type::text
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = $1 AND is_nullable = 'NO'
      AND column_default IS NULL AND is_identity = 'NO'";

/// What a row must refer to, or look like, is of no interest here.
const POSTGRES_CONSTRAINTS: &str = "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I',
        conrelid::regclass, conname)
    FROM pg_constraint
    WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace";

impl Database {
    pub(crate) async fn tables_with_a_tenant(&self) -> Vec<String> {
        if self.is_sqlite() {
            let mut sqlite = self.sqlite().await;
            let tables = sqlx::query_scalar(SQLITE_TABLES).fetch_all(&mut sqlite);
            tables.await.unwrap()
        } else {
            let mut postgres = self.postgres().await;
            let tables = sqlx::query_scalar(POSTGRES_TABLES).fetch_all(&mut postgres);
            tables.await.unwrap()
        }
    }

    /// Adds a row of the tenant to each of these tables.
    pub(crate) async fn fill(&self, tables: &[String], tenant: &str) {
        if self.is_sqlite() {
            let mut sqlite = self.sqlite().await;
            for pragma in [
                "PRAGMA foreign_keys = off",
                "PRAGMA ignore_check_constraints = on",
            ] {
                sqlx::query(pragma).execute(&mut sqlite).await.unwrap();
            }
            for table in tables {
                let columns = sqlx::query_as(SQLITE_COLUMNS).bind(table);
                let columns = columns.fetch_all(&mut sqlite).await.unwrap();
                let insert = AssertSqlSafe(insertion(table, columns, tenant));
                sqlx::query(insert).execute(&mut sqlite).await.unwrap();
            }
        } else {
            let mut postgres = self.postgres().await;
            let drops: Vec<String> = sqlx::query_scalar(POSTGRES_CONSTRAINTS)
                .fetch_all(&mut postgres)
                .await
                .unwrap();
            for drop in drops {
                let drop = AssertSqlSafe(drop);
                sqlx::query(drop).execute(&mut postgres).await.unwrap();
            }
            for table in tables {
                let insert = AssertSqlSafe(self.insertion(table, tenant).await);
                sqlx::query(insert).execute(&mut postgres).await.unwrap();
            }
        }
    }

    /// The statement that adds a row to a table of Postgres.
    pub(crate) async fn insertion(&self, table: &str, tenant: &str) -> String {
        let columns = sqlx::query_as(POSTGRES_COLUMNS).bind(table);
        let columns = columns.fetch_all(&mut self.postgres().await).await.unwrap();
        insertion(table, columns, tenant)
    }

    /// How many rows of the tenant the table has.
    pub(crate) async fn count(&self, table: &str, tenant: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table} WHERE tenant = $1");
        let sql = AssertSqlSafe(sql);
        if self.is_sqlite() {
            let mut sqlite = self.sqlite().await;
            let count = sqlx::query_scalar(sql).bind(tenant.to_owned());
            count.fetch_one(&mut sqlite).await.unwrap()
        } else {
            let mut postgres = self.postgres().await;
            let count = sqlx::query_scalar(sql).bind(tenant.to_owned());
            count.fetch_one(&mut postgres).await.unwrap()
        }
    }

    /// Runs a statement behind the store's back.
    pub(crate) async fn run(&self, sql: String) {
        let sql = AssertSqlSafe(sql);
        if self.is_sqlite() {
            let mut sqlite = self.sqlite().await;
            sqlx::query(sql).execute(&mut sqlite).await.unwrap();
        } else {
            let mut postgres = self.postgres().await;
            sqlx::query(sql).execute(&mut postgres).await.unwrap();
        }
    }

    fn is_sqlite(&self) -> bool {
        self.url().starts_with("sqlite:")
    }

    async fn sqlite(&self) -> SqliteConnection {
        SqliteConnection::connect(self.url()).await.unwrap()
    }

    pub(crate) async fn postgres(&self) -> PgConnection {
        PgConnection::connect(self.admin_url()).await.unwrap()
    }
}

fn insertion(table: &str, columns: Vec<(String, String)>, tenant: &str) -> String {
    let value = |(name, kind): &(String, String)| match kind.to_ascii_lowercase().as_str() {
        _ if name == "tenant" => format!("'{tenant}'"),
        "text" => "'x'".to_owned(),
        "blob" => "x'00'".to_owned(),
        "bytea" => "'\\x00'".to_owned(),
        "boolean" => "true".to_owned(),
        _ => "1".to_owned(),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let names: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
        names.join(", "),
        values.join(", ")
    )
}
