//! Response streams and hanging up, over a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use gatehouse::mcp::Revision;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::gate::{Gate, Post};

const PATIENCE: Duration = Duration::from_secs(20);

fn call(revision: Revision, tool: &str) -> Post {
    let params = json!({ "name": tool, "_meta": { "progressToken": "p1" } });
    Post::new(revision, "tools/call", params)
}

async fn listen(gate: &Gate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = gate.router();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn connect(address: SocketAddr, post: &Post) -> TcpStream {
    let body = post.body.to_string();
    let mut request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in &post.headers {
        let value = value.to_str().unwrap();
        request.extend([name.as_str(), ": ", value, "\r\n"]);
    }
    request += "\r\n";
    request += &body;
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

async fn read_until(connection: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(end) {
        let read = timeout(PATIENCE, connection.read_buf(&mut seen)).await;
        assert_ne!(
            read.unwrap().unwrap(),
            0,
            "{}",
            String::from_utf8_lossy(&seen)
        );
    }
    String::from_utf8(seen).unwrap()
}

async fn wait_for(happened: &mut UnboundedReceiver<&'static str>, event: &str) {
    loop {
        let next = timeout(PATIENCE, happened.recv()).await.unwrap();
        if next.unwrap() == event {
            return;
        }
    }
}

fn messages(stream: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

#[tokio::test]
async fn progress_turns_the_answer_into_a_stream_that_only_grows() {
    for revision in Revision::SUPPORTED {
        let seen = Gate::new().await.send(call(revision, "count")).await;
        assert_eq!(seen.headers["content-type"], "text/event-stream");
        assert_eq!(seen.headers["cache-control"], "no-store, no-transform");
        assert_eq!(seen.headers["x-accel-buffering"], "no");
        let messages = messages(&seen.body);
        let (last, progress) = messages.split_last().unwrap();
        let told: Vec<_> = progress.iter().map(|m| &m["params"]["progress"]).collect();
        assert_eq!(told, [1.0, 2.0, 3.0]);
        for message in progress {
            assert_eq!(message["method"], "notifications/progress");
            assert_eq!(message["params"]["progressToken"], "p1");
            assert_eq!(message["params"]["total"], 3.0);
            assert_eq!(message["params"]["message"], "counting");
            assert_eq!(message.get("id"), None);
        }
        assert_eq!(last["id"], 1);
        assert!(last["result"]["content"].is_array());
    }
}

#[tokio::test]
async fn without_a_token_or_a_way_back_progress_is_not_told() {
    let gate = Gate::new().await;
    let post = Post::modern("tools/call", json!({ "name": "count" }));
    assert!(gate.send(post).await.json()["result"].is_object());
    let post = call(Revision::V2026_07_28, "count").header("accept", "application/json");
    assert!(gate.send(post).await.json()["result"].is_object());
}

#[tokio::test]
async fn a_call_that_reports_nothing_is_answered_with_json() {
    let post = call(Revision::V2026_07_28, "echo");
    assert!(Gate::new().await.send(post).await.json()["result"].is_object());
}

#[tokio::test]
async fn a_client_that_takes_streams_only_gets_a_stream_of_one() {
    let post = call(Revision::V2026_07_28, "echo").header("accept", "text/event-stream");
    let seen = Gate::new().await.send(post).await;
    assert_eq!(seen.headers["content-type"], "text/event-stream");
    let messages = messages(&seen.body);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["id"], 1);
}

#[tokio::test]
async fn progress_is_sent_before_the_call_ends_and_hanging_up_cancels_it() {
    for revision in Revision::SUPPORTED {
        let mut gate = Gate::new().await;
        let address = listen(&gate).await;
        let mut connection = connect(address, &call(revision, "begin_and_hold")).await;
        let seen = read_until(&mut connection, "\"progress\":1.0").await;
        assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
        wait_for(&mut gate.happened, "waiting").await;
        drop(connection);
        wait_for(&mut gate.happened, "dropped").await;
        wait_for(&mut gate.happened, "cancelled").await;
    }
}

#[tokio::test]
async fn hanging_up_before_a_plain_answer_cancels_the_call() {
    for revision in Revision::SUPPORTED {
        let mut gate = Gate::new().await;
        let address = listen(&gate).await;
        let connection = connect(address, &call(revision, "hold")).await;
        wait_for(&mut gate.happened, "waiting").await;
        drop(connection);
        wait_for(&mut gate.happened, "dropped").await;
        wait_for(&mut gate.happened, "cancelled").await;
    }
}

#[tokio::test]
async fn an_answered_call_leaves_the_connection_open() {
    let gate = Gate::new().await;
    let address = listen(&gate).await;
    let post = call(Revision::V2026_07_28, "count");
    let mut connection = connect(address, &post).await;
    read_until(&mut connection, "\r\n0\r\n\r\n").await;
    let body = post.body.to_string();
    let again = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(again.as_bytes()).await.unwrap();
    let seen = read_until(&mut connection, "-32600").await;
    assert!(seen.starts_with("HTTP/1.1 415"), "{seen}");
}
