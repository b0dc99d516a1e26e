//! Tenants come and go while replicas run, and at their starts.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::process::{Database, Gateway};
use crate::tenants::get;

const DEADLINE: Duration = Duration::from_secs(20);
const ACME: &str = "http://127.0.0.1:9/t/acme";

/// Asks until the tenant's address answers so.
async fn until(gateway: &Gateway, status: StatusCode) {
    let begun = Instant::now();
    loop {
        let answer = get(gateway, &format!("{ACME}/mcp")).await.status();
        if answer == status {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "still {answer}");
    }
}

const SERVER: &str = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"";
const FILE: &str = "[[tenants]]\nslug = \"acme\"\npublic_url = \"http://127.0.0.1:9/t/acme\"\n";

fn run(database: &Database, arguments: &[&str]) -> (Option<i32>, String) {
    let output = database.command(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

async fn come_and_go(database: Database) {
    let replicas = [
        database.serve_with(SERVER, ""),
        database.serve_with(SERVER, ""),
    ];
    for replica in &replicas {
        until(replica, StatusCode::NOT_FOUND).await;
    }
    let add = ["tenant", "add", "acme", "--public-url", ACME];
    assert_eq!(run(&database, &add), (Some(0), run_text()));
    for replica in &replicas {
        until(replica, StatusCode::UNAUTHORIZED).await;
    }
    let (code, listed) = run(&database, &["tenant", "list"]);
    assert_eq!(code, Some(0));
    assert!(listed.contains(&format!("acme\t{ACME}\toperator\tactive\t")));
    let (code, keys) = run(&database, &["keys", "list", "--tenant", "acme"]);
    assert_eq!((code, keys.lines().count()), (Some(0), 1));

    assert_eq!(run(&database, &["tenant", "remove", "acme"]).0, Some(64));
    let removal = ["tenant", "remove", "acme", "--yes"];
    assert_eq!(run(&database, &removal).0, Some(0));
    for replica in &replicas {
        until(replica, StatusCode::NOT_FOUND).await;
    }
    let (code, said) = run(&database, &["user", "list", "--tenant", "acme"]);
    assert_eq!(code, Some(64), "{said}");
}

fn run_text() -> String {
    format!(
        "{ACME}/mcp\nadded acme: clients connect to {ACME}/mcp, at running gateways within seconds. \
         Add people with gatehouse user add --tenant acme\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_comes_and_goes_without_a_restart_on_sqlite() {
    come_and_go(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_comes_and_goes_at_two_replicas_on_postgres() {
    if let Some(database) = Database::postgres().await {
        come_and_go(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_of_the_file_is_served_while_it_is_there() {
    let database = Database::sqlite();
    let with = database.serve_with(SERVER, FILE);
    until(&with, StatusCode::UNAUTHORIZED).await;
    with.kill();
    let without = database.serve_with(SERVER, "");
    until(&without, StatusCode::NOT_FOUND).await;
    let (_, listed) = run(&database, &["tenant", "list"]);
    assert!(listed.contains("\tfile\tinactive\t"), "{listed}");
    without.kill();
    let again = database.serve_with(SERVER, FILE);
    until(&again, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_a_tenant_in_use_goes_on_and_another_waits() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, FILE);
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&database.url)
        .await
        .unwrap();
    let mut sql = async |statement: &'static str| {
        let done = sqlx::query(statement).execute(&mut connection).await;
        done.unwrap();
    };
    sql("ALTER TABLE tenants RENAME TO elsewhere").await;
    let waits = get(&gateway, &format!("{ACME}/mcp")).await;
    assert_eq!(waits.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(waits.headers().contains_key("retry-after"));
    let goes_on = get(&gateway, "http://127.0.0.1:9/mcp").await;
    assert_eq!(goes_on.status(), StatusCode::UNAUTHORIZED);
    sql("ALTER TABLE elsewhere RENAME TO tenants").await;
    until(&gateway, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_an_operators_tenant_is_refused() {
    let database = Database::sqlite();
    let add = ["tenant", "add", "acme-two", "--public-url", ACME];
    assert_eq!(run(&database, &add).0, Some(0));
    let output = database
        .command_with(SERVER, FILE, &["serve"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.contains("tenant acme of") && said.contains("tenant acme-two"),
        "{said}"
    );
    let (code, said) = run(&database, &["user", "list", "--tenant", "acme-too"]);
    assert_eq!(code, Some(64));
    assert!(said.contains("did you mean \"acme-two\"?"), "{said}");
}
