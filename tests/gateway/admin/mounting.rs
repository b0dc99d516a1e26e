//! Mounted servers by the admin API: added, changed and removed while replicas run.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk::{ACME, Desk, SERVER};
use super::walk::until_known;
use crate::client::Client;
use crate::process::{Database, Gateway};

const DEADLINE: Duration = Duration::from_secs(20);

/// The servers that lists name as not reachable. Operators name public addresses only, and there are
/// none here: that a server is named is that it is mounted.
async fn named(client: &Client, token: &str) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let response = client.call(token, &message).await;
    let answer: Value = response.json().await.unwrap();
    assert!(answer["result"]["tools"].is_array(), "{answer}");
    answer["result"]["_meta"]["gatehouse/unreachable"].clone()
}

async fn until(client: &Client, token: &str, expected: &Value) {
    let begun = Instant::now();
    loop {
        let found = named(client, token).await;
        if found == *expected {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "still {found}, not {expected}");
    }
}

async fn come_and_go(database: Database) {
    let replicas: [Gateway; 2] = std::array::from_fn(|_| database.serve_with(SERVER, ""));
    let desk = Desk::admin(&database, &replicas[0]);
    desk.add_tenant("acme", ACME).await;
    for replica in &replicas {
        until_known(replica, ACME).await;
    }
    database.add_user_to("acme", ("ada", "member"));
    let mut client = Client::register_at(&replicas[0], ACME).await;
    let tokens = client.tokens("mcp:tools").await;
    let server = |name: &str| json!({ "name": name, "url": "https://localhost:9/mcp" });
    let api = json!({
        "name": "pets", "url": "https://localhost:9/v1", "openapi": "https://localhost:9/openapi.yaml",
    });
    for (servers, expected) in [
        (json!([]), Value::Null),
        (json!([server("docs")]), json!(["docs"])),
        (json!([server("docs"), api]), json!(["docs", "pets"])),
        (json!([server("papers"), api]), json!(["papers", "pets"])),
        (json!([api]), json!(["pets"])),
        (json!([]), Value::Null),
    ] {
        let body = json!({ "settings": { "servers": servers } });
        let (status, replaced) = desk.ask(Method::PUT, "/tenants/acme", Some(&body)).await;
        assert_eq!(status, StatusCode::OK, "{replaced}");
        for replica in &replicas {
            until(&client.at(replica), &tokens.access, &expected).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_come_change_and_go_by_the_api_on_sqlite() {
    come_and_go(Database::sqlite().without_limits()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_come_change_and_go_by_the_api_on_postgres() {
    if let Some(database) = Database::postgres().await {
        come_and_go(database.without_limits()).await;
    }
}
