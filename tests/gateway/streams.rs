//! Long streams: revoked access ends them within seconds, and so does the end of the process, with
//! a last message. A session that one replica opened is good at the other.

use std::time::Instant;

use reqwest::header::AUTHORIZATION;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Tokens};
use crate::process::{Database, Gateway};

/// Opens a stream of 2026-07-28 that waits for nothing in particular.
async fn listen(client: &Client, token: &str) -> Response {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let message = json!({
        "jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen",
        "params": { "_meta": meta, "notifications": { "toolsListChanged": true } },
    });
    let response = client
        .post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "subscriptions/listen")
        .json(&message)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    response
}

fn last_message(text: &str) -> Value {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(lines.next_back().unwrap()).unwrap()
}

/// A gateway with a signed-in client, and its stream, which has begun.
async fn listening(database: &Database, at: &Gateway) -> (Client, Response, String) {
    database.add_user("ada", "admin");
    let mut client = Client::register(at).await;
    let token = client.tokens("mcp:tools").await.access;
    let mut stream = listen(&client, &token).await;
    let first = stream.chunk().await.unwrap().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(
        first.contains("notifications/subscriptions/acknowledged"),
        "{first}"
    );
    (client, stream, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_revocation_ends_an_open_stream_within_seconds() {
    let database = Database::sqlite();
    let gateway = database.serve();
    let (client, stream, _) = listening(&database, &gateway).await;
    let revoked = client.delete_registration().await;
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    let began = Instant::now();
    let rest = stream.text().await.unwrap();
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!(last_message(&rest)["id"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_ends_its_streams_with_their_last_message() {
    let database = Database::sqlite();
    let gateway = database.serve();
    let (_, stream, _) = listening(&database, &gateway).await;
    let began = Instant::now();
    let ended = tokio::task::spawn_blocking(|| gateway.terminate());
    let rest = stream.text().await.unwrap();
    let last = last_message(&rest);
    assert_eq!(last["id"], 9);
    assert_eq!(last["result"]["resultType"], "complete");
    let id = &last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(id, 9);
    assert_eq!(ended.await.unwrap(), Some(0));
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

/// Another process gives the default tenant other rules, while somebody listens at the first one.
async fn lists_change(database: Database) {
    let file = "[[tenants]]\nslug = \"default\"\n";
    let server = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"";
    let gateway = database.serve_with(server, file);
    database.add_user_with(file, "default", ("ada", "member"));
    let mut client = Client::register_at(&gateway, "http://127.0.0.1:9").await;
    let token = client.tokens("mcp:tools").await.access;
    let mut stream = listen(&client, &token).await;
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("acknowledged"));
    let rule = "[tenants.tools.get_alerts]\nscopes = [\"metrics:read\"]\nvisibility = \"hidden\"\n";
    let _other = database.serve_with(server, &format!("{file}{rule}"));
    let told = stream.chunk().await.unwrap().unwrap();
    let told = last_message(&String::from_utf8_lossy(&told));
    assert_eq!(told["method"], "notifications/tools/list_changed");
    let listed = client.list_tools(&token).await.text().await.unwrap();
    assert!(!listed.contains("\"get_alerts\""), "{listed}");
    assert!(listed.contains("\"get_forecast\""), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_is_told_when_a_tenant_shows_other_tools_on_sqlite() {
    lists_change(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_is_told_when_a_tenant_shows_other_tools_on_postgres() {
    if let Some(database) = Database::postgres().await {
        lists_change(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_session_goes_on_with_the_next_token_of_its_client() {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens("mcp:tools").await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let opened = client.call(&tokens.access, &message).await;
    let session = opened.headers()["mcp-session-id"].clone();
    let next = Tokens::read(client.refresh(&tokens.refresh).await).await;
    assert_ne!(next.access, tokens.access);
    let seen = client
        .post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {}", next.access))
        .header("mcp-protocol-version", "2025-11-25")
        .header("mcp-session-id", session)
        .json(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }))
        .send()
        .await
        .unwrap();
    assert_eq!(seen.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_session_is_good_at_every_replica_and_for_its_owner_alone() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let one = database.serve();
    let two = database.replica_of(&one);
    database.add_user("ada", "admin");
    let mut ada = Client::register(&one).await;
    let token = ada.tokens("mcp:tools").await.access;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let opened = ada.call(&token, &message).await;
    let session = opened.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut other = Client::register(&one).await;
    let foreign = other.tokens("mcp:tools").await.access;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for (client, token, status) in [
        (ada.at(&one), &token, StatusCode::OK),
        (ada.at(&two), &token, StatusCode::OK),
        (other.at(&one), &foreign, StatusCode::NOT_FOUND),
        (other.at(&two), &foreign, StatusCode::NOT_FOUND),
    ] {
        let seen = client
            .post("/mcp")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("mcp-protocol-version", "2025-11-25")
            .header("mcp-session-id", &session)
            .json(&message)
            .send()
            .await
            .unwrap();
        assert_eq!(seen.status(), status);
    }
    // Neither of them keeps anything for it.
    let kept = database.count("SELECT count(*) FROM notes").await;
    assert_eq!(kept, 0);
}
