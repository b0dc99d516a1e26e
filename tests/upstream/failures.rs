//! Servers that fail: whom it concerns, and whom it does not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fake_upstream::{FakeUpstream, PATIENCE, Reply, Seen, in_session, modern};
use crate::house::{House, Post, server};

fn lists() -> Value {
    json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] })
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/mcp", listener.local_addr().unwrap())
}

#[tokio::test]
async fn lists_say_what_is_not_reachable_and_have_the_rest() {
    let upstream = FakeUpstream::start(|seen| modern(seen, &lists()).unwrap()).await;
    let servers = server("gone", &nobody().await, "") + &server("docs", &upstream.url, "");
    let house = House::of(&servers).await;
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    let names: Vec<&str> = result["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["own_tool", "docs_search"]);
    assert_eq!(result["_meta"]["gatehouse/unreachable"], json!(["gone"]));
    let (code, text) = house.error(Post::call("gone_search", json!({}))).await;
    assert_eq!(code, -32603);
    assert!(text.contains("can't be reached"), "{text}");
    let (code, _) = house.error(Post::call("docs_nothing", json!({}))).await;
    assert_eq!(code, -32602);
}

#[tokio::test]
async fn r22_a_server_that_hangs_slows_nobody_else() {
    let hung = FakeUpstream::start(|_| Reply::Silence).await;
    let upstream = FakeUpstream::start(|seen| {
        modern(seen, &lists()).unwrap_or_else(|| seen.result(r#"{"content":[]}"#))
    });
    let upstream = upstream.await;
    let servers =
        server("hung", &hung.url, "deadline = \"1s\"") + &server("docs", &upstream.url, "");
    let house = House::of(&servers).await;
    let begun = Instant::now();
    house.result(Post::call("docs_search", json!({}))).await;
    house.result(Post::call("own_tool", json!({}))).await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    assert!(hung.seen().is_empty(), "nobody asked for anything of it");
    let result = house.result(Post::modern("tools/list", json!({}))).await;
    assert_eq!(result["_meta"]["gatehouse/unreachable"], json!(["hung"]));
}

#[tokio::test]
async fn r22_what_breaks_or_is_silent_costs_one_error_and_no_more() {
    let script = |seen: &Seen| {
        if let Some(reply) = modern(seen, &lists()) {
            return reply;
        }
        match seen.params()["arguments"]["how"].as_str().unwrap() {
            "half" => Reply::Json(200, r#"{"jsonrpc":"2.0","id":1,"#.to_owned()),
            "breaks" => Reply::Events(vec![]),
            "html" => Reply::Json(200, "<html>hello</html>".to_owned()),
            "500" => Reply::Status(500, Vec::new()),
            "silent" => Reply::Silence,
            _ => seen.result(r#"{"content":[]}"#),
        }
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "deadline = \"1s\"").await;
    for how in ["half", "breaks", "html", "500", "silent"] {
        let (code, text) = house
            .error(Post::call("docs_search", json!({ "how": how })))
            .await;
        assert_eq!(code, -32603, "{how}");
        assert!(!text.contains("hello"), "{text}");
        house
            .result(Post::call("docs_search", json!({ "how": "well" })))
            .await;
    }
}

#[tokio::test]
async fn r23_a_server_that_fails_again_and_again_is_not_asked_for_a_while() {
    let script = |seen: &Seen| modern(seen, &lists()).unwrap_or(Reply::Status(500, Vec::new()));
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    for _ in 0..8 {
        house.error(Post::call("docs_search", json!({}))).await;
    }
    assert_eq!(upstream.asked("tools/call").len(), 5);
    let (_, text) = house.error(Post::call("docs_search", json!({}))).await;
    assert!(text.contains("failed several times"), "{text}");
}

#[tokio::test]
async fn no_more_requests_wait_for_a_server_than_may() {
    let script = |seen: &Seen| modern(seen, &lists()).unwrap_or(Reply::Silence);
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "max_concurrent = 1").await;
    house.names("tools/list", "tools", "name").await;
    let router = house.router();
    let call = Post::call("docs_search", json!({}));
    let mut request = axum::extract::Request::new(axum::body::Body::from(call.body.to_string()));
    *request.headers_mut() = call.headers.clone();
    *request.method_mut() = axum::http::Method::POST;
    *request.uri_mut() = "/mcp".parse().unwrap();
    let first = tokio::spawn(tower::ServiceExt::oneshot(router, request));
    upstream
        .wait_for(1, |seen| seen.method() == "tools/call")
        .await;
    let (_, text) = house.error(call).await;
    assert!(text.contains("too many requests"), "{text}");
    first.abort();
}

#[tokio::test]
async fn r22_a_client_that_hangs_up_is_hung_up_for_at_the_server() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    let receiver = std::sync::Mutex::new(Some(receiver));
    let script = move |seen: &Seen| {
        modern(seen, &lists()).unwrap_or_else(|| {
            Reply::Open(
                "text/event-stream",
                receiver.lock().unwrap().take().unwrap(),
            )
        })
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let call = Post::call("docs_search", json!({}));
    let mut call = Box::pin(house.open(axum::http::Method::POST, call));
    tokio::select! {
        _ = &mut call => panic!("there is no answer"),
        _ = upstream.wait_for(1, |seen| seen.method() == "tools/call") => {}
    }
    let begun = Instant::now();
    drop(call);
    tokio::time::timeout(PATIENCE, sender.closed())
        .await
        .unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn r22_a_server_with_sessions_is_told_that_nobody_waits() {
    let script = |seen: &Seen| {
        in_session(seen, &lists(), "2025-11-25").unwrap_or_else(|| match seen.method() {
            "tools/call" => Reply::Silence,
            _ => Reply::Status(202, Vec::new()),
        })
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let mut call = Box::pin(house.open(
        axum::http::Method::POST,
        Post::call("docs_search", json!({})),
    ));
    tokio::select! {
        _ = &mut call => panic!("there is no answer"),
        _ = upstream.wait_for(1, |seen| seen.method() == "tools/call") => {}
    }
    drop(call);
    let cancelled = upstream
        .wait_for(1, |seen| seen.method() == "notifications/cancelled")
        .await;
    let asked = &upstream.asked("tools/call")[0];
    assert_eq!(cancelled.params()["requestId"], asked.body["id"]);
    assert_eq!(cancelled.header("mcp-session-id"), "session-1");
}
