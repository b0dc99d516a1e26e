//! What the process logs for whoever looks for a mistake.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use url::Url;

use crate::client::Client;
use crate::fake_nws::{FakeNws, Reply, data};
use crate::process::{Database, Lines, gatehouse};

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
    assert_eq!(received["request.id"], request.to_str().unwrap());
    assert!(received["headers"].as_str().unwrap().contains("2025-11-25"));
    let mut expected = call.clone();
    expected["params"]["arguments"]["password"] = json!("[removed]");
    expected["params"]["arguments"]["words"] = json!("Bearer [removed]");
    assert_eq!(body(&received), expected);

    let sent = next(&mut lines, |record| record["message"] == "sent");
    assert_eq!(sent["request.id"], request.to_str().unwrap());
    assert_eq!(body(&sent), answer);
    for record in [received, sent] {
        let record = record.to_string();
        assert!(
            !record.contains(&token) && !record.contains("s3cret"),
            "{record}"
        );
    }
}

/// The messages of an event stream, and the id of its last event.
fn events(stream: &str) -> (Vec<Value>, &str) {
    let of = |name: &'static str| {
        stream
            .lines()
            .filter_map(move |line| line.strip_prefix(name))
    };
    let messages = of("data: ").map(|data| serde_json::from_str(data).unwrap());
    (messages.collect(), of("id: ").next_back().unwrap())
}

#[tokio::test]
async fn the_wire_log_has_each_message_of_a_stream_and_of_its_rest() {
    let fake = FakeNws::start().await;
    fake.always("/points/31.5,-97.25", Reply::json(&data::point()));
    fake.always(data::FORECAST_PATH, Reply::json(&data::forecast()));
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    database.add_user("ada", "admin");
    let (gateway, mut lines) = database.serve_logging(WIRE);
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let signed = |request: reqwest::RequestBuilder| {
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header("accept", "application/json, text/event-stream");
        request.header("mcp-protocol-version", "2025-11-25").send()
    };
    let ask = |method: &str, params: Value| {
        client.post("/mcp").json(&json!({
            "jsonrpc": "2.0", "id": 1, "method": method, "params": params,
        }))
    };
    let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let opened = signed(ask("initialize", hello)).await.unwrap();
    let session = opened.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let call = json!({
        "name": "get_forecast",
        "arguments": { "latitude": 31.5, "longitude": -97.25 },
        "_meta": { "progressToken": format!("of {token}") },
    });
    let call = ask("tools/call", call).header("mcp-session-id", &session);
    let stream = signed(call).await.unwrap();
    let request = stream.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let stream = stream.text().await.unwrap();
    let (messages, last) = events(&stream);
    let (handle, _) = last.rsplit_once('.').unwrap();
    let mcp = Url::parse(&gateway.mcp()).unwrap();
    let rest = client.request(Method::GET, &mcp);
    let rest = rest.header("mcp-session-id", &session);
    let rest = signed(rest.header("last-event-id", format!("{handle}.1")))
        .await
        .unwrap();
    let reading = rest.headers()["x-request-id"].to_str().unwrap().to_owned();
    let rest = rest.text().await.unwrap();
    assert_eq!(events(&rest).0, messages[1..]);

    // As the log has it: the token is gone.
    let removed = |message: &Value| {
        let mut message = message.clone();
        if message["method"] == "notifications/progress" {
            message["params"]["progressToken"] = json!("of [removed]");
        }
        message
    };
    assert_eq!(messages.len(), 3, "{stream}");
    for (request, messages) in [(&request, &messages[..]), (&reading, &messages[1..])] {
        let received = next(&mut lines, |record| record["request.id"] == **request);
        assert_eq!(received["message"], "received");
        let headers = received["headers"].as_str().unwrap();
        assert!(
            headers.contains("\"mcp-session-id\":\"[removed]\""),
            "{headers}"
        );
        assert!(!received.to_string().contains(&token));
        for message in messages {
            let sent = next(&mut lines, |record| record["message"] == "sent");
            assert_eq!(sent["request.id"], **request);
            assert_eq!(body(&sent), removed(message));
        }
    }
}

#[test]
fn the_wire_log_of_standard_streams_has_both_directions_and_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = gatehouse()
        .current_dir(folder.path())
        .env("GATEHOUSE_LOG", WIRE)
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
        "name": "get_alerts",
        "arguments": { "password": "s3cret", "words": "Bearer s3cret" },
    }});
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{call}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["result"]["isError"], true);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(!log.contains("s3cret"), "{log}");
    let records = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_default());
    let wire: Vec<Value> = records
        .filter(|it: &Value| it["target"] == "mcp::wire")
        .collect();
    let [received, sent] = &wire[..] else {
        panic!("{log}");
    };
    let mut expected = call.clone();
    expected["params"]["arguments"] =
        json!({ "password": "[removed]", "words": "Bearer [removed]" });
    assert_eq!(
        (received["message"].as_str(), body(received)),
        (Some("received"), expected)
    );
    assert_eq!(
        (sent["message"].as_str(), body(sent)),
        (Some("sent"), answer)
    );
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
