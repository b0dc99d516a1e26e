//! The weather server in a real process, on good days and bad ones at NWS.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::client::{Client, Tokens};
use crate::fake_nws::{FakeNws, Reply, data};
use crate::process::{Database, Gateway, Lines};

/// A gateway that asks `fake` for weather with what it logs, and somebody who may call its tools.
async fn gateway(fake: &FakeNws) -> (Gateway, Lines, Client, Tokens) {
    let mut database = Database::sqlite();
    database.weather = fake.url.to_string();
    let (gateway, lines) = database.serve_logging("info");
    database.add_user("ada", "member");
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens("mcp:tools").await;
    (gateway, lines, client, tokens)
}

async fn call(client: &Client, tokens: &Tokens, tool: &str, arguments: Value) -> Value {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": arguments },
    });
    let response = client.call(&tokens.access, &message).await;
    let body: Value = response.json().await.unwrap();
    body["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn r21_the_reference_of_a_failure_finds_its_line_in_the_log_and_none_stands_in_a_success() {
    let fake = FakeNws::start().await;
    let path = data::alerts_path("CA");
    let failure = Reply::problem(500, "UnexpectedProblem").with("x-correlation-id", "0f1e2d3c");
    fake.next(&path, 3, &failure);
    fake.always(&path, Reply::json(&data::alerts(&[])));
    let (_gateway, mut lines, client, tokens) = gateway(&fake).await;

    let failed = call(&client, &tokens, "get_alerts", json!({ "state": "CA" })).await;
    assert_eq!(failed["isError"], json!(true));
    let told = text(&failed);
    assert!(
        !told.contains("Invented") && !told.contains("0f1e2d3c"),
        "{told}"
    );
    // From the answer to the line about its request, and from there to what happened at NWS.
    let referring = failed["content"][1]["text"].as_str().unwrap();
    let (_, request) = referring.split_once("(Log reference: ").unwrap();
    let request = request.trim_end_matches(')');
    let records = lines.by_ref().map_while(Result::ok);
    let records = records.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    let ends = |record: &Value| record["message"] == "the tool answered with an error";
    let mut seen: Vec<Value> = records.take_while(|record| !ends(record)).collect();
    let met = seen.pop().unwrap();
    assert_eq!(met["request.id"], request);
    let is_about = |record: &&Value| record["nws.reference"] == met["nws.reference"];
    let line = seen.iter().find(is_about).unwrap();
    assert_eq!(line["nws.problem"], "UnexpectedProblem");
    assert!(line.to_string().contains("0f1e2d3c"), "{line}");

    let fine = call(&client, &tokens, "get_alerts", json!({ "state": "CA" })).await;
    assert_eq!(text(&fine), "No active alerts for CA.");
    let members = fine["structuredContent"].as_object().unwrap();
    let told: Vec<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(told, ["state", "count", "alerts", "attribution", "sample"]);
}

#[tokio::test]
async fn r27_a_herd_of_callers_of_a_real_process_costs_one_request() {
    const CALLS: usize = 200;
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("CA"), Reply::json(&data::alerts(&[])));
    let (_gateway, _lines, client, tokens) = gateway(&fake).await;
    let state = json!({ "state": "CA" });
    let calls = (0..CALLS).map(|_| call(&client, &tokens, "get_alerts", state.clone()));
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| text(answer) == "No active alerts for CA.")
    );
    assert_eq!(fake.all_requests(), 1);
    eprintln!(
        "R27: {CALLS} calls at once over HTTP: {} request",
        fake.all_requests()
    );
}

#[tokio::test]
async fn r20_a_block_by_the_edge_is_told_and_costs_one_request() {
    let fake = FakeNws::start().await;
    for state in ["CA", "NY", "TX"] {
        fake.always(&data::alerts_path(state), Reply::page(403));
    }
    let (_gateway, _lines, client, tokens) = gateway(&fake).await;
    for state in ["CA", "NY", "TX"] {
        let result = call(&client, &tokens, "get_alerts", json!({ "state": state })).await;
        assert_eq!(result["isError"], json!(true));
        assert!(
            text(&result).contains("limiting requests"),
            "{}",
            text(&result)
        );
    }
    assert_eq!(fake.all_requests(), 1);
}
