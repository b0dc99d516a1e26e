//! What servers tell without being asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::http::Method;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::fake_upstream::{FakeUpstream, PATIENCE, Reply, Seen, in_session, modern};
use crate::house::{House, Post};

fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

fn note(method: &str, params: Value) -> Bytes {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    format!("data: {message}\n\n").into()
}

/// Streams that servers hold open, by the test that they are of.
type Streams = &'static Mutex<Vec<UnboundedSender<Bytes>>>;

fn hold(streams: Streams) -> Reply {
    let (sender, receiver) = unbounded_channel();
    sender.send(": open\n\n".into()).unwrap();
    streams.lock().unwrap().push(sender);
    Reply::Open("text/event-stream", receiver)
}

async fn hears(
    house: &House,
    upstream: &FakeUpstream,
    (streams, changed): (Streams, &AtomicBool),
    opened: impl Fn(&Seen) -> bool,
) {
    let filter = json!({
        "toolsListChanged": true, "resourceSubscriptions": ["docs+file:///a"],
    });
    let listen = Post::modern("subscriptions/listen", json!({ "notifications": filter }));
    let mut stream = house
        .open(Method::POST, listen)
        .await
        .into_body()
        .into_data_stream();
    let mut text = String::new();
    upstream.wait_for(1, opened).await;
    changed.store(true, Ordering::SeqCst);
    for sender in streams.lock().unwrap().iter() {
        drop(sender.send(note("notifications/tools/list_changed", json!({}))));
        drop(sender.send(note(
            "notifications/resources/updated",
            json!({ "uri": "file:///a" }),
        )));
    }
    while !(text.contains("tools/list_changed") && text.contains("resources/updated")) {
        let piece = tokio::time::timeout(PATIENCE, stream.next())
            .await
            .expect("nothing came");
        text += std::str::from_utf8(&piece.unwrap().unwrap()).unwrap();
    }
    assert!(text.contains(r#""uri":"docs+file:///a""#), "{text}");
    assert_eq!(
        house.names("tools/list", "tools", "name").await,
        ["own_tool", "docs_after"]
    );
}

#[tokio::test]
async fn changes_of_a_modern_server_are_heard_and_read_first() {
    static STREAMS: Mutex<Vec<UnboundedSender<Bytes>>> = Mutex::new(Vec::new());
    static CHANGED: AtomicBool = AtomicBool::new(false);
    let script = |seen: &Seen| {
        let changed = CHANGED.load(Ordering::SeqCst);
        let name = if changed { "after" } else { "before" };
        let lists =
            json!({ "tools": [tool(name)], "resources": [{ "uri": "file:///a", "name": "a" }] });
        modern(seen, &lists).unwrap_or_else(|| match seen.method() {
            "subscriptions/listen" => hold(&STREAMS),
            method => panic!("{method} was asked"),
        })
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    assert_eq!(
        house.names("tools/list", "tools", "name").await,
        ["own_tool", "docs_before"]
    );
    let has_resource = |seen: &Seen| {
        let wanted = &seen.params()["notifications"]["resourceSubscriptions"];
        seen.method() == "subscriptions/listen" && *wanted == json!(["file:///a"])
    };
    hears(&house, &upstream, (&STREAMS, &CHANGED), has_resource).await;
}

#[tokio::test]
async fn changes_of_a_server_with_sessions_are_heard_and_read_first() {
    static STREAMS: Mutex<Vec<UnboundedSender<Bytes>>> = Mutex::new(Vec::new());
    static CHANGED: AtomicBool = AtomicBool::new(false);
    let script = |seen: &Seen| {
        let changed = CHANGED.load(Ordering::SeqCst);
        let name = if changed { "after" } else { "before" };
        let lists =
            json!({ "tools": [tool(name)], "resources": [{ "uri": "file:///a", "name": "a" }] });
        in_session(seen, &lists, "2025-06-18").unwrap_or_else(|| {
            match (seen.verb.as_str(), seen.method()) {
                ("GET", _) => hold(&STREAMS),
                ("POST", "resources/subscribe") => seen.result("{}"),
                _ => Reply::Status(202, Vec::new()),
            }
        })
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    assert_eq!(
        house.names("tools/list", "tools", "name").await,
        ["own_tool", "docs_before"]
    );
    hears(&house, &upstream, (&STREAMS, &CHANGED), |seen| {
        seen.method() == "resources/subscribe"
    })
    .await;
}
