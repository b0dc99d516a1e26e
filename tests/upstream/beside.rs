//! What a server with sessions says beside its answers, on the stream of the session.

use std::sync::Mutex;

use axum::body::Bytes;
use gatehouse::mcp::Revision;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::fake_upstream::{FakeUpstream, Reply, Seen, in_session};
use crate::house::{House, Post};
use crate::session_client::SessionClient;

/// A server that says on the streams of its sessions what a test wants said.
struct Server {
    upstream: FakeUpstream,
    streams: &'static Streams,
}

/// The streams of sessions that were opened for a client, the latest last.
type Streams = Mutex<Vec<UnboundedSender<Bytes>>>;

impl Server {
    async fn start() -> Self {
        let streams: &'static Streams = Box::leak(Box::default());
        let upstream = FakeUpstream::start(move |seen| answer(seen, streams));
        Self {
            upstream: upstream.await,
            streams,
        }
    }

    fn say(&self, message: &Value) {
        let streams = self.streams.lock().unwrap();
        let stream = streams.last().unwrap();
        stream.send(format!("data: {message}\n\n").into()).unwrap();
    }
}

fn answer(seen: &Seen, streams: &Streams) -> Reply {
    let lists = json!({ "tools": [{ "name": "work", "inputSchema": { "type": "object" } }] });
    if let Some(reply) = in_session(seen, &lists, "2025-11-25") {
        return reply;
    }
    match (seen.verb.as_str(), seen.method()) {
        ("GET", _) => {
            let (sender, receiver) = unbounded_channel();
            sender.send(": open\n\n".into()).unwrap();
            streams.lock().unwrap().push(sender);
            Reply::Open("text/event-stream", receiver)
        }
        ("POST", "tools/call") => {
            let note = json!({
                "jsonrpc": "2.0", "method": "notifications/x-vendor",
                "params": { "z": 1, "a": [2] },
            });
            Reply::Events(vec![note.to_string(), seen.answer(r#"{"content":[]}"#)])
        }
        _ => Reply::Status(202, Vec::new()),
    }
}

fn roots(id: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "roots/list" })
}

fn log(level: &str, data: &str) -> Value {
    let params = json!({ "level": level, "data": data, "x-more": 1 });
    json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params })
}

/// A session whose first call has been answered, so that the server has one as well.
async fn session(house: &House) -> SessionClient {
    let capabilities = json!({ "roots": {} });
    let client = SessionClient::open(house, Revision::V2025_11_25, capabilities).await;
    let mut call = client.call(house, json!({ "name": "docs_work" })).await;
    let note = call.next().await;
    assert_eq!(
        note,
        json!({ "jsonrpc": "2.0", "method": "notifications/x-vendor", "params": { "z": 1, "a": [2] } })
    );
    assert!(call.next().await["result"].is_object());
    client
}

#[tokio::test]
async fn what_a_server_logs_beside_calls_reaches_the_stream_of_its_session() {
    let server = Server::start().await;
    let house = House::around("docs", &server.upstream.url, "").await;
    let client = session(&house).await;
    let mut stream = client.listen(&house).await;
    server.say(&log("debug", "nobody asked for that"));
    server.say(&log("warning", "hear"));
    server.say(&json!({ "jsonrpc": "2.0", "method": "vendor/note", "params": { "z": 1 } }));
    assert_eq!(stream.next().await, log("warning", "hear"));
    assert_eq!(stream.next().await["method"], "vendor/note");
}

#[tokio::test]
async fn k12_what_is_said_in_one_session_reaches_no_other_client() {
    let server = Server::start().await;
    let mut house = House::around("docs", &server.upstream.url, "").await;
    let client = session(&house).await;
    let mut stream = client.listen(&house).await;
    house.become_client("another");
    let other = session(&house).await;
    let mut heard = other.listen(&house).await;
    server.say(&log("error", "for the other one"));
    assert_eq!(heard.next().await, log("error", "for the other one"));
    server.streams.lock().unwrap().pop();
    server.say(&log("error", "for the first one"));
    assert_eq!(stream.next().await, log("error", "for the first one"));
}

#[tokio::test]
async fn a_question_beside_calls_is_asked_with_the_next_call_before_the_server_hears_of_it() {
    let server = Server::start().await;
    let house = House::around("docs", &server.upstream.url, "").await;
    let client = session(&house).await;
    server.say(&roots("taken back"));
    let taken_back = json!({ "requestId": "taken back" });
    server.say(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": taken_back,
    }));
    server.say(&roots("q"));
    // The stream is read in its order: what is answered at once says that the rest was read.
    server.say(&json!({ "jsonrpc": "2.0", "id": "ping", "method": "ping" }));
    server
        .upstream
        .wait_for(1, |seen| seen.body["id"] == "ping")
        .await;
    let mut call = client.call(&house, json!({ "name": "docs_work" })).await;
    let question = call.next().await;
    assert_eq!(question["method"], "roots/list");
    assert_eq!(server.upstream.asked("tools/call").len(), 1);
    let answer = json!({ "roots": [{ "uri": "file:///work" }] });
    client.answer(&house, &question, answer.clone()).await;
    assert_eq!(call.next().await["method"], "notifications/x-vendor");
    assert!(call.next().await["result"].is_object());
    let seen = server.upstream.seen();
    let place = |fits: &dyn Fn(&Seen) -> bool| seen.iter().rposition(fits).unwrap();
    let answered = place(&|seen| seen.body["id"] == "q");
    assert_eq!(seen[answered].body["result"], answer);
    assert!(answered < place(&|seen| seen.method() == "tools/call"));
    assert!(!seen.iter().any(|seen| seen.body["id"] == "taken back"));
}

#[tokio::test]
async fn a_question_in_nobodys_session_is_refused() {
    let server = Server::start().await;
    let house = House::around("docs", &server.upstream.url, "").await;
    house.result(Post::modern("tools/list", json!({}))).await;
    server.say(&roots("q"));
    let answer = server.upstream.wait_for(1, |seen| seen.body["id"] == "q");
    assert_eq!(answer.await.body["error"]["code"], -32601);
}
