//! What a client holds in its hands of an endpoint, minted by asking for it.

use std::sync::Arc;

use gatehouse::model::Principal;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::{Asked, Gate, Seen};

/// The handles of one client. In an input, the name of each in braces stands for it.
pub(crate) struct Handles {
    /// A session of 2025-11-25.
    pub(crate) session: String,
    /// A place in the list of tools.
    pub(crate) cursor: String,
    /// The state of a call of `test_input_required_result_multi_round`.
    pub(crate) state: String,
    /// An event of a stream of the session, without its number.
    pub(crate) event: String,
    /// A task that waits for an answer.
    pub(crate) task: String,
    /// A question to the session.
    pub(crate) question: String,
}

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

impl Handles {
    pub(crate) async fn mint(gate: &Gate, who: &Arc<Principal>) -> Self {
        let hello = json!({
            "protocolVersion": LEGACY,
            "capabilities": { "elicitation": {}, "sampling": {}, "roots": {} },
        });
        let opened = send(gate, who, legacy(None, "initialize", hello)).await;
        let session = opened.headers["mcp-session-id"]
            .to_str()
            .expect("ASCII")
            .to_owned();
        let call = |tool: &str| {
            let params = json!({ "name": tool, "_meta": { "progressToken": 1 } });
            legacy(Some(&session), "tools/call", params)
        };
        let told = send(gate, who, call("test_tool_with_progress")).await;
        let event = told.body.lines().find_map(|line| line.strip_prefix("id: "));
        let (event, _) = event.and_then(|id| id.rsplit_once('.')).expect("an event");
        let asking = send(gate, who, call("test_elicitation")).await;
        let data = asking
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let mut asked = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
        let question = asked.find(|message| message["method"] == "elicitation/create");
        let listed = send(gate, who, modern("tools/list", json!({}))).await;
        let round = json!({ "name": "test_input_required_result_multi_round", "arguments": {} });
        let round = send(gate, who, modern("tools/call", round)).await;
        let task = json!({ "name": "confirm_delete", "arguments": { "filename": "x" } });
        let task = send(gate, who, modern("tools/call", task)).await;
        Self {
            event: event.to_owned(),
            question: text(&question.expect("a question")["id"]),
            cursor: text(&result(&listed)["nextCursor"]),
            state: text(&result(&round)["requestState"]),
            task: text(&result(&task)["taskId"]),
            session,
        }
    }

    /// The input with the handles in the places of their names.
    pub(crate) fn put_into(&self, input: &str) -> String {
        if !input.contains('{') {
            return input.to_owned();
        }
        input
            .replace("{session}", &self.session)
            .replace("{cursor}", &self.cursor)
            .replace("{state}", &self.state)
            .replace("{event}", &self.event)
            .replace("{task}", &self.task)
            .replace("{question}", &self.question)
    }
}

async fn send(gate: &Gate, who: &Arc<Principal>, asked: Asked) -> Seen {
    gate.ask(who, &asked).await.expect("an answer in time")
}

fn post(headers: &[(&'static str, &str)], body: &Value) -> Asked {
    let mut all = HeaderMap::new();
    all.insert("content-type", HeaderValue::from_static("application/json"));
    all.insert(
        "accept",
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    for (name, value) in headers {
        all.insert(*name, value.parse().expect("a header"));
    }
    Asked {
        method: Method::POST,
        headers: all,
        body: body.to_string().into_bytes(),
    }
}

fn legacy(session: Option<&str>, method: &str, params: Value) -> Asked {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut headers = vec![("mcp-protocol-version", LEGACY)];
    headers.extend(session.map(|session| ("mcp-session-id", session)));
    post(&headers, &body)
}

fn modern(method: &str, mut params: Value) -> Asked {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {
            "elicitation": {},
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        },
    });
    let name = text(&params["name"]);
    let mut headers = vec![("mcp-protocol-version", MODERN), ("mcp-method", method)];
    if !name.is_empty() {
        headers.push(("mcp-name", &name));
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post(&headers, &body)
}

fn result(seen: &Seen) -> Value {
    let message: Value = serde_json::from_str(&seen.body).expect("one message");
    message["result"].clone()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
