//! Servers of the revisions with sessions.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use gatehouse::mcp::Revision;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::fake_upstream::{FakeUpstream, Reply, Seen, in_session};
use crate::house::{CAPABILITIES, House, Post};

fn lists() -> Value {
    json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] })
}

fn answer(seen: &Seen) -> Reply {
    if let Some(reply) = in_session(seen, &lists(), "2025-06-18") {
        return reply;
    }
    match (seen.verb.as_str(), seen.method()) {
        ("POST", "tools/call") => seen.result(r#"{"content":[]}"#),
        ("POST", "notifications/cancelled") => Reply::Status(202, Vec::new()),
        ("DELETE", _) => Reply::Status(204, Vec::new()),
        _ => Reply::Status(405, Vec::new()),
    }
}

#[tokio::test]
async fn a_modern_client_uses_a_server_with_sessions() {
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, "").await;
    let result = house.result(Post::call("docs_search", json!({}))).await;
    assert_eq!(result["resultType"], "complete");
    let call = &upstream.asked("tools/call")[0];
    assert_eq!(call.header("mcp-session-id"), "session-1");
    assert_eq!(call.header("mcp-protocol-version"), "2025-06-18");
    assert!(!call.headers.contains_key("mcp-method"));
    assert!(call.params().get("_meta").is_none(), "{:?}", call.body);
    // One session for the lists, and one for what this client can do.
    let opened = upstream.asked("initialize");
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[1].params()["capabilities"], json!({}));
    house.result(Post::call("docs_search", json!({}))).await;
    assert_eq!(upstream.asked("initialize").len(), 2);
    let able = Post::call("docs_search", json!({})).meta(CAPABILITIES, json!({ "sampling": {} }));
    house.result(able).await;
    let opened = upstream.asked("initialize");
    assert_eq!(
        opened[2].params()["capabilities"],
        json!({ "sampling": {} })
    );
}

#[tokio::test]
async fn a_session_that_ended_is_opened_again() {
    /// The first session is forgotten by the server at once.
    static OPENED: AtomicBool = AtomicBool::new(false);
    let script = |seen: &Seen| {
        let opens = seen.method() == "initialize" && seen.params()["capabilities"] == json!({});
        match (seen.method(), seen.header("mcp-session-id")) {
            _ if opens => {
                let again = OPENED.swap(true, Ordering::SeqCst);
                let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
                let name = ["first", "second"][usize::from(again)];
                Reply::Begins(name, seen.answer(&result.to_string()))
            }
            ("tools/call", "first") => Reply::Status(404, Vec::new()),
            _ => answer(seen),
        }
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    house.result(Post::call("docs_search", json!({}))).await;
    let sessions: Vec<String> = upstream
        .asked("tools/call")
        .iter()
        .map(|call| call.header("mcp-session-id").to_owned())
        .collect();
    assert_eq!(sessions, ["first", "second"]);
}

#[tokio::test]
async fn a_question_in_a_session_reaches_the_session_of_the_client() {
    static WAITING: Mutex<Option<(UnboundedSender<Bytes>, String)>> = Mutex::new(None);
    let script = |seen: &Seen| {
        if seen.method() == "tools/call" {
            let question = json!({
                "jsonrpc": "2.0", "id": "q", "method": "elicitation/create",
                "params": { "message": "Who?", "requestedSchema": {}, "x-more": 1 },
            });
            let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
            let answer = seen.answer(r#"{"content":[]}"#);
            sender.send(format!("data: {question}\n\n").into()).unwrap();
            *WAITING.lock().unwrap() = Some((sender, answer));
            return Reply::Open("text/event-stream", receiver);
        }
        if seen.body["id"] == "q" {
            let (sender, answer) = WAITING.lock().unwrap().take().unwrap();
            sender.send(format!("data: {answer}\n\n").into()).unwrap();
            return Reply::Status(202, Vec::new());
        }
        answer(seen)
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    });
    let post = Post::new(Revision::V2025_11_25, "initialize", hello);
    let begun = house.open(axum::http::Method::POST, post).await;
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut call = Post::new(Revision::V2025_11_25, "tools/call", json!({}));
    call.body["params"] = json!({ "name": "docs_search" });
    let call = call.header("mcp-session-id", &session);
    let mut stream = house
        .open(axum::http::Method::POST, call)
        .await
        .into_body()
        .into_data_stream();
    let mut text = String::new();
    while !text.contains("elicitation/create") {
        let piece = futures_util::StreamExt::next(&mut stream)
            .await
            .unwrap()
            .unwrap();
        text += std::str::from_utf8(&piece).unwrap();
    }
    let question = crate::house::messages(&text).into_iter().last().unwrap();
    assert_eq!(question["params"]["x-more"], 1);
    let mut answered = Post::new(Revision::V2025_11_25, "", json!({}));
    let given = json!({ "action": "accept", "content": { "name": "Ada" }, "x-more": 2 });
    answered.body = json!({ "jsonrpc": "2.0", "id": question["id"], "result": given });
    let taken = house
        .open(
            axum::http::Method::POST,
            answered.header("mcp-session-id", &session),
        )
        .await;
    assert_eq!(taken.status(), 202);
    while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
        text += std::str::from_utf8(&piece.unwrap()).unwrap();
    }
    assert!(text.contains(r#""result":{"content":[]}"#), "{text}");
    let answer = upstream
        .seen()
        .into_iter()
        .find(|seen| seen.body["id"] == "q")
        .unwrap();
    assert_eq!(answer.body["result"], given);
    assert_eq!(answer.header("mcp-session-id"), "session-1");
}
