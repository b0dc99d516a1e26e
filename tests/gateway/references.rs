//! What went wrong is told with a word that finds its line in the log, by every way to the gateway.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::{Database, Lines, gatehouse};

/// The reference in an error, or in the last block of what a tool told of its failure.
fn reference(message: &Value) -> String {
    if let Some(reference) = message["error"]["data"]["logReference"].as_str() {
        return reference.to_owned();
    }
    assert_eq!(message["result"]["isError"], true, "{message}");
    let content = message["result"]["content"].as_array().unwrap();
    let text = content.last().unwrap()["text"].as_str().unwrap();
    let (_, rest) = text.split_once("(Log reference: ").unwrap();
    rest.trim_end_matches(')').to_owned()
}

/// The log's next line about the request that has the reference, as far as it tells of an end.
fn line(lines: impl Iterator<Item = String>, reference: &str) -> Value {
    let mut records = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let wanted = |record: &Value| {
        let message = record["message"].as_str().unwrap_or_default();
        let tells = message.starts_with("answered: ") || message.contains("with an error");
        tells && record["request.id"] == reference
    };
    records.find(wanted).expect("a line with the reference")
}

fn cases() -> [(Value, &'static str); 6] {
    let call = |name: &str, arguments: Value| {
        let params = json!({ "name": name, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
    };
    let ask = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let wrong = call("get_alerts", json!({ "state": "Atlantis" }));
    // Nobody answers where the gateway asks for weather.
    let failing = call("get_alerts", json!({ "state": "CA" }));
    let unread = ask("resources/read", json!({ "uri": "alerts://CA/active" }));
    [
        (wrong, "the tool answered with an error"),
        (failing, "the tool answered with an error"),
        (
            unread,
            "answered: the National Weather Service can't be reached; try again in a minute",
        ),
        (call("unheard_of", json!({})), "answered: Unknown tool"),
        (
            ask("tools/list", json!({ "cursor": "x" })),
            "answered: Invalid params",
        ),
        (ask("no/method", json!({})), "answered: Method not found"),
    ]
}

async fn send(client: &Client, token: &str, message: &Value) -> (String, String) {
    let response = client
        .post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(message)
        .send()
        .await
        .unwrap();
    let request = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    (request, response.text().await.unwrap())
}

async fn signed_in() -> (crate::process::Gateway, Lines, Client, String) {
    let database = Database::sqlite();
    database.add_user("ada", "admin");
    let (gateway, lines) = database.serve_logging("info");
    let mut client = Client::register(&gateway).await;
    let scopes = "mcp:tools mcp:resources mcp:prompts";
    let token = client.tokens(scopes).await.access;
    (gateway, lines, client, token)
}

#[tokio::test]
async fn an_error_over_http_names_its_line_in_the_log() {
    let (_gateway, mut lines, client, token) = signed_in().await;
    for (message, said) in cases() {
        let (request, answer) = send(&client, &token, &message).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(reference(&answer), request, "{answer}");
        let line = line(lines.by_ref().map_while(Result::ok), &request);
        assert_eq!(line["message"], said);
    }
    let (request, answer) = send(&client, &token, &json!({ "jsonrpc": "1.0" })).await;
    assert_eq!(reference(&serde_json::from_str(&answer).unwrap()), request);
    let line = line(lines.by_ref().map_while(Result::ok), &request);
    assert_eq!(
        line["message"],
        "answered: Invalid request: jsonrpc must be \"2.0\""
    );
}

#[test]
fn an_error_over_standard_streams_names_its_line_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = gatehouse()
        .current_dir(folder.path())
        .env("GATEHOUSE__WEATHER__BASE_URL", "http://127.0.0.1:9")
        .env("GATEHOUSE_LOG", "info")
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    for (id, (mut message, said)) in (1..).zip(cases()) {
        message["id"] = json!(id);
        writeln!(input, "{message}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        let line = line(lines.by_ref().map_while(Result::ok), &reference(&answer));
        assert_eq!(line["message"], said);
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
