//! `gatehouse stdio`: the same server on standard input and output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::process::gatehouse;

/// Sends these lines, and returns what came on standard output until it ended.
fn converse(lines: &[String]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let mut child = gatehouse()
        .current_dir(folder.path())
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = BufReader::new(child.stdout.take().unwrap());
    let messages = output
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).expect("nothing but protocol"))
        .collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    messages
}

fn request(id: u32, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn answer(messages: &[Value], id: u32) -> &Value {
    messages
        .iter()
        .find(|message| message["id"] == id)
        .expect("an answer")
}

#[test]
fn a_legacy_client_initializes_and_lists_tools() {
    let hello = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    });
    let messages = converse(&[
        request(1, "initialize", &hello),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string(),
        request(2, "tools/list", &json!({})),
    ]);
    assert_eq!(
        answer(&messages, 1)["result"]["protocolVersion"],
        "2025-06-18"
    );
    let tools = answer(&messages, 2)["result"]["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["name"] == "get_forecast"));
    assert_eq!(messages.len(), 2);
}

#[test]
fn a_modern_client_discovers_and_calls_a_tool() {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = json!({
        "name": "get_internal_metric", "arguments": {"metric_name": "tool_calls"}, "_meta": meta,
    });
    let messages = converse(&[
        request(1, "server/discover", &json!({"_meta": meta})),
        request(2, "tools/call", &call),
    ]);
    let versions = answer(&messages, 1)["result"]["supportedVersions"]
        .as_array()
        .unwrap();
    assert!(versions.contains(&json!("2026-07-28")));
    // Every scope belongs to whoever can start the process.
    assert_eq!(answer(&messages, 2)["result"]["resultType"], "complete");
}

#[test]
fn l08_garbage_is_answered_and_does_not_end_the_conversation() {
    let messages = converse(&["garbage".to_owned(), request(3, "ping", &json!({}))]);
    assert!(
        messages
            .iter()
            .any(|message| message["error"]["code"] == -32700)
    );
    assert!(answer(&messages, 3).get("result").is_some());
}
