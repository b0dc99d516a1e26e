//! A client of a revision with sessions: it opens one, reads streams message by message, answers.

use std::collections::VecDeque;

use axum::body::BodyDataStream;
use axum::http::Method;
use futures_util::StreamExt as _;
use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::fake_upstream::PATIENCE;
use crate::house::{House, Post};

/// A session at the gateway.
pub(crate) struct SessionClient {
    revision: Revision,
    id: String,
}

/// What comes on one stream.
pub(crate) struct Stream {
    body: BodyDataStream,
    text: String,
    messages: VecDeque<Value>,
}

impl SessionClient {
    pub(crate) async fn open(house: &House, revision: Revision, capabilities: Value) -> Self {
        let hello = json!({
            "protocolVersion": revision.name(), "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let mut post = Post::new(revision, "initialize", hello);
        post.headers.remove("mcp-protocol-version");
        let begun = house.open(Method::POST, post).await;
        let id = begun.headers()["mcp-session-id"].to_str().unwrap();
        let id = id.to_owned();
        Self { revision, id }
    }

    /// A request in the session.
    pub(crate) fn post(&self, method: &str, params: Value) -> Post {
        let post = Post::new(self.revision, method, params);
        post.header("mcp-session-id", &self.id)
    }

    /// A call of a tool, and what comes of it.
    pub(crate) async fn call(&self, house: &House, params: Value) -> Stream {
        let call = self.post("tools/call", params);
        Stream::of(house.open(Method::POST, call).await)
    }

    /// The stream of what belongs to no request.
    pub(crate) async fn listen(&self, house: &House) -> Stream {
        let mut get = self.post("", json!({}));
        get.headers
            .insert("accept", "text/event-stream".parse().unwrap());
        get.headers.remove("content-type");
        get.body = Value::Null;
        let response = house.open(Method::GET, get).await;
        assert_eq!(response.status(), 200);
        Stream::of(response)
    }

    /// Answers `question`.
    pub(crate) async fn answer(&self, house: &House, question: &Value, result: Value) {
        let mut post = self.post("", json!({}));
        post.body = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
        assert_eq!(house.open(Method::POST, post).await.status(), 202);
    }
}

impl Stream {
    fn of(response: axum::response::Response) -> Self {
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
            messages: VecDeque::new(),
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        while self.messages.is_empty() {
            let piece = tokio::time::timeout(PATIENCE, self.body.next());
            let piece = piece.await.expect("nothing came").expect("it ended");
            self.text += std::str::from_utf8(&piece.unwrap()).unwrap();
            if let Ok(message) = serde_json::from_str(&self.text) {
                self.messages.push_back(message);
                self.text.clear();
            }
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let message = data.filter(|data| !data.is_empty());
                self.messages
                    .extend(message.map(|data| serde_json::from_str::<Value>(data).unwrap()));
            }
        }
        self.messages.pop_front().unwrap()
    }
}
