//! Mounted servers, as operators see them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk::Desk;
use crate::client::{Client, http};
use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::process::Database;

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9/mcp";

/// After how many failures in a row a server is left alone.
const PATIENCE: usize = 5;

/// A server that lists its one tool, and whose calls end like this.
async fn upstream(call: fn(&Seen) -> Reply) -> FakeUpstream {
    FakeUpstream::start(move |seen: &Seen| {
        let tools = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
        modern(seen, &tools).unwrap_or_else(|| call(seen))
    })
    .await
}

async fn health(desk: &Desk) -> Vec<(String, String)> {
    let (status, listed) = desk
        .ask(Method::GET, "/tenants/default/servers", None)
        .await;
    assert_eq!(status, StatusCode::OK);
    let items = listed["items"].as_array().unwrap();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let health = |item| (text(item, "name"), text(item, "health"));
    items.iter().map(health).collect()
}

#[tokio::test]
async fn operators_see_which_mounted_servers_fail() {
    let docs = upstream(|seen| seen.result(r#"{"content":[]}"#)).await;
    let broken = upstream(|_| Reply::Status(500, Vec::new())).await;
    let servers = [
        ("docs", docs.url.as_str()),
        ("broken", broken.url.as_str()),
        ("gone", NOWHERE),
    ];
    let servers = servers.map(|(name, url)| {
        format!("[[tenants.servers]]\nname = \"{name}\"\nurl = \"{url}\"\nallow_private = [\"127.0.0.0/8\"]\n")
    });
    let more = format!("[[tenants]]\nslug = \"default\"\n{}", servers.concat());
    let database = Database::sqlite().without_limits();
    let server = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"";
    let gateway = database.serve_with(server, &more);
    database.add_user_with(&more, "default", ("ada", "member"));
    let desk = Desk::admin(&database, &gateway);
    let is = |expected: [&str; 3]| {
        let servers = ["docs", "broken", "gone"].into_iter();
        let named = servers.zip(expected);
        named
            .map(|(name, health)| (name.to_owned(), health.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(health(&desk).await, is(["unknown"; 3]));

    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens("mcp:tools").await;
    assert_eq!(
        client.list_tools(&tokens.access).await.status(),
        StatusCode::OK
    );
    assert_eq!(health(&desk).await, is(["answers", "answers", "fails"]));
    for _ in 0..PATIENCE {
        let params = json!({ "name": "broken_search", "arguments": {} });
        let message =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        client.call(&tokens.access, &message).await;
    }
    assert_eq!(health(&desk).await, is(["answers", "left_alone", "fails"]));

    let metrics = format!("{}/metrics", gateway.admin.as_deref().unwrap());
    let metrics = http()
        .get(metrics)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for line in [
        "gatehouse_server_available{gatehouse_server=\"default/docs\"} 1",
        "gatehouse_server_available{gatehouse_server=\"default/broken\"} 0",
        "gatehouse_server_available{gatehouse_server=\"default/gone\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
