//! What the process logs for whoever looks for a mistake.

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Database, Lines};

const WIRE: &str = "mcp::wire=debug";

/// The log's next record for which `wanted` holds.
fn next(lines: &mut Lines, wanted: impl Fn(&Value) -> bool) -> Value {
    lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap_or_default())
        .find(wanted)
        .unwrap()
}

fn body(record: &Value) -> Value {
    serde_json::from_str(record["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_wire_log_has_both_directions_and_no_secrets() {
    let database = Database::sqlite();
    database.add_user("ada", "admin");
    let (gateway, mut lines) = database.serve_logging(WIRE);
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "get_alerts",
        "arguments": { "state": "CA", "password": "s3cret", "words": format!("Bearer {token}") },
    }});
    let response = client
        .post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("mcp-protocol-version", "2025-11-25")
        .json(&call)
        .send()
        .await
        .unwrap();
    let request = response.headers()["x-request-id"].clone();
    let answer: Value = response.json().await.unwrap();

    let received = next(&mut lines, |record| record["message"] == "received");
    assert_eq!(received["target"], "mcp::wire");
    assert_eq!(received["span"]["request.id"], request.to_str().unwrap());
    assert!(received["headers"].as_str().unwrap().contains("2025-11-25"));
    let mut expected = call.clone();
    expected["params"]["arguments"]["password"] = json!("[removed]");
    expected["params"]["arguments"]["words"] = json!("Bearer [removed]");
    assert_eq!(body(&received), expected);

    let sent = next(&mut lines, |record| record["message"] == "sent");
    assert_eq!(sent["span"]["request.id"], request.to_str().unwrap());
    assert_eq!(body(&sent), answer);
    for record in [received, sent] {
        let record = record.to_string();
        assert!(
            !record.contains(&token) && !record.contains("s3cret"),
            "{record}"
        );
    }
}

#[tokio::test]
async fn without_being_asked_nothing_of_a_message_is_logged() {
    let database = Database::sqlite();
    database.add_user("ada", "admin");
    let (gateway, lines) = database.serve_logging("debug,mcp::wire=info");
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "get_alerts",
        "arguments": { "state": "unheard-of" },
    }});
    assert!(client.call(&token, &call).await.status().is_success());
    assert_eq!(gateway.terminate(), Some(0));
    for line in lines {
        let line = line.unwrap();
        assert!(!line.contains("unheard-of"), "{line}");
    }
}
