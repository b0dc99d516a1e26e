//! The second wall between tenants, which stands behind a query that names the wrong one (H03).

use std::collections::BTreeSet;

use gatehouse::store::{ConnectOptions, StoreError, connect, migrate};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::database::{Database, on_postgres, on_sqlite};
use crate::fixtures::{acme, begin_family, tenant, user};

/// The transactions in which the rows of `acme` are none of one's business.
const STRANGERS: [&str; 4] = [
    "BEGIN; SET LOCAL gatehouse.tenant = 'globex'",
    "BEGIN; SET LOCAL gatehouse.tenant = ''",
    "BEGIN; SET LOCAL gatehouse.tenant = 'ACME'",
    "BEGIN",
];

/// Tables with a column `tenant` that the owner, too, sees whole, or that have no policy.
const OPEN_TABLES: &str = "SELECT c.relname::text FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity
               AND EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = c.oid))";

/// What stands between tenants in a policy, as the catalogue prints it.
const POLICIES: &str = "SELECT DISTINCT pg_get_expr(polqual, polrelid) FROM pg_policy";

#[tokio::test]
async fn h03_every_table_with_a_tenant_has_row_level_security_and_forces_it() {
    on_postgres(async |database: &Database| {
        database.open().await;
        assert!(database.tables_with_a_tenant().await.len() > 10);
        let mut postgres = database.postgres().await;
        let open: Vec<String> = sqlx::query_scalar(OPEN_TABLES)
            .fetch_all(&mut postgres)
            .await
            .unwrap();
        assert_eq!(open, Vec::<String>::new());

        let policies: Vec<String> = sqlx::query_scalar(POLICIES)
            .fetch_all(&mut postgres)
            .await
            .unwrap();
        let expected = [
            "(tenant = current_setting('gatehouse.tenant'::text, true))",
            "(current_setting('gatehouse.tenant'::text, true) = '*'::text)",
        ];
        let policies: BTreeSet<&str> = policies.iter().map(String::as_str).collect();
        assert_eq!(policies, BTreeSet::from(expected));
    })
    .await;
}

#[tokio::test]
async fn h03_a_transaction_without_the_right_tenant_finds_and_writes_nothing() {
    on_postgres(strangers_find_and_write_nothing).await;
}

async fn strangers_find_and_write_nothing(database: &Database) {
    database.open().await;
    let tables = database.tables_with_a_tenant().await;
    database.fill(&tables, "acme").await;
    // The owner of the tables is held to it as well.
    for url in [database.url(), database.owner_url()] {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for begin in STRANGERS {
            assert_nothing_is_there(&mut connection, &tables, begin).await;
        }
    }
    for table in &tables {
        assert_eq!(database.count(table, "acme").await, 1, "{table}");
    }
}

#[tokio::test]
async fn h03_a_row_of_another_tenant_is_not_added() {
    on_postgres(strangers_add_nothing).await;
}

async fn strangers_add_nothing(database: &Database) {
    database.open().await;
    let tables = database.tables_with_a_tenant().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    for table in &tables {
        let insert = database.insertion(table, "acme").await;
        for begin in STRANGERS {
            let refused = refusal(&mut connection, begin, &insert).await;
            assert!(refused.contains("row-level security"), "{refused}");
        }
    }
}

#[tokio::test]
async fn h03_upkeep_finds_and_removes_and_changes_nothing() {
    on_postgres(upkeep_changes_nothing).await;
}

async fn upkeep_changes_nothing(database: &Database) {
    database.open().await;
    let tables = database.tables_with_a_tenant().await;
    database.fill(&tables, "acme").await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let begin = "BEGIN; SET LOCAL gatehouse.tenant = '*'";
    for table in &tables {
        let update = format!("UPDATE {table} SET tenant = 'globex'");
        // Of what waits for the audit log, and of servers whose tools were decided about, it sees that
        // it is there and has no row to change.
        let held_otherwise = ["revocations", "audit_pending", "tool_servers"];
        let is_held_otherwise = held_otherwise.contains(&table.as_str());
        if is_held_otherwise || count_after(&mut connection, begin, table).await == 0 {
            continue;
        }
        let refused = refusal(&mut connection, begin, &update).await;
        assert!(refused.contains("row-level security"), "{refused}");
    }
    // What people are is none of its business.
    for table in ["users", "consents"] {
        let found = count_after(&mut connection, begin, table).await;
        assert_eq!(found, 0, "{table}");
    }
}

#[tokio::test]
async fn h03_a_connection_keeps_nothing_of_the_tenant_before() {
    on_postgres(async |database: &Database| {
        let options = ConnectOptions {
            max_connections: 1,
            migrate_at_start: false,
        };
        begin_family(&*database.open().await).await;
        let store = connect(database.url(), &options).await.unwrap();
        let found = store.find_user_by_name(&acme(), "alice").await.unwrap();
        assert_eq!(found, Some(user("alice")));
        let found = store.find_user_by_name(&tenant("globex"), "alice").await;
        assert_eq!(found.unwrap(), None);

        // One that a pooler passes on after the transaction has ended.
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        let begin = "BEGIN; SET LOCAL gatehouse.tenant = 'acme'";
        for (end, seen) in [("COMMIT", 0), ("ROLLBACK", 0), ("SELECT 1", 1)] {
            connection.execute(begin).await.unwrap();
            assert_eq!(count(&mut connection, "users").await, 1);
            connection.execute(end).await.unwrap();
            assert_eq!(count(&mut connection, "users").await, seen, "{end}");
        }
    })
    .await;
}

#[tokio::test]
async fn h03_one_role_that_owns_its_tables_migrates_at_start_and_is_held_to_it() {
    on_postgres(async |database: &Database| {
        let options = ConnectOptions {
            max_connections: 2,
            migrate_at_start: true,
        };
        let store = connect(database.owner_url(), &options).await.unwrap();
        begin_family(&*store).await;
        let found = store.find_user_by_name(&acme(), "alice").await.unwrap();
        assert_eq!(found, Some(user("alice")));
        let mut connection = PgConnection::connect(database.owner_url()).await.unwrap();
        assert_eq!(count(&mut connection, "users").await, 0);
    })
    .await;
}

#[tokio::test]
async fn h03_a_role_that_was_granted_rows_can_neither_change_tables_nor_what_was_applied() {
    on_postgres(async |database: &Database| {
        database.open().await;
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        for sql in [
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY own_rows ON users",
            "SELECT keep_tenants_apart('users')",
            "TRUNCATE revocations",
            "CREATE TABLE mine (tenant TEXT)",
            "DELETE FROM _sqlx_migrations",
        ] {
            assert!(connection.execute(sql).await.is_err(), "{sql}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_not_there_is_granted_nothing() {
    on_postgres(async |database: &Database| {
        let refused = migrate(database.owner_url(), Some("no\"body; --")).await;
        let Err(StoreError::Failed(reason)) = &refused else {
            panic!("{refused:?}");
        };
        assert!(reason.to_string().contains("does not exist"), "{reason}");
    })
    .await;
    on_sqlite(async |database: &Database| {
        let refused = migrate(database.url(), Some("gatehouse")).await;
        assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    })
    .await;
}

async fn assert_nothing_is_there(connection: &mut PgConnection, tables: &[String], begin: &str) {
    connection.execute(AssertSqlSafe(begin)).await.unwrap();
    for table in tables {
        let found = count(connection, table).await;
        assert_eq!(found, 0, "{table} after {begin}");
        for write in [
            format!("UPDATE {table} SET tenant = 'globex'"),
            format!("DELETE FROM {table}"),
        ] {
            let done = connection.execute(AssertSqlSafe(write)).await.unwrap();
            assert_eq!(done.rows_affected(), 0, "{table} after {begin}");
        }
    }
    connection.execute("ROLLBACK").await.unwrap();
}

/// What the database says against the statement.
async fn refusal(connection: &mut PgConnection, begin: &str, statement: &str) -> String {
    connection.execute(AssertSqlSafe(begin)).await.unwrap();
    let outcome = connection.execute(AssertSqlSafe(statement)).await;
    connection.execute("ROLLBACK").await.unwrap();
    let refused = outcome.unwrap_err();
    format!("{begin}; {statement}: {refused}")
}

async fn count_after(connection: &mut PgConnection, begin: &str, table: &str) -> i64 {
    connection.execute(AssertSqlSafe(begin)).await.unwrap();
    let found = count(connection, table).await;
    connection.execute("ROLLBACK").await.unwrap();
    found
}

async fn count(connection: &mut PgConnection, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    connection.fetch_one(sql).await.unwrap().get(0)
}
