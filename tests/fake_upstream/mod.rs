//! An MCP server elsewhere that says, byte for byte, what a test wants said.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What was asked of the server.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) verb: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The message; null where there was none.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

/// What the server answers.
pub(crate) enum Reply {
    /// One JSON text.
    Json(u16, String),
    /// One JSON text, in a session of this name.
    Begins(&'static str, String),
    /// Events, the last of which ends the stream.
    Events(Vec<String>),
    /// Pieces of a body of this type, as they come.
    Open(&'static str, mpsc::UnboundedReceiver<Bytes>),
    /// These bytes, which are gzip of JSON.
    Gzip(&'static [u8]),
    /// Nothing at all, for as long as the other side waits.
    Silence,
    /// A status, with headers.
    Status(u16, Vec<(&'static str, String)>),
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

struct Inner {
    script: Box<Script>,
    seen: Mutex<Vec<Seen>>,
    changed: Notify,
}

/// The server; it answers until the test ends.
pub(crate) struct FakeUpstream {
    /// The URL of its endpoint.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    pub(crate) fn params(&self) -> &Value {
        &self.body["params"]
    }

    /// The response with this result, which is JSON already.
    pub(crate) fn result(&self, result: &str) -> Reply {
        Reply::Json(200, self.answer(result))
    }

    pub(crate) fn answer(&self, result: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
            self.body["id"]
        )
    }

    pub(crate) fn error(&self, status: u16, error: &Value) -> Reply {
        let message = json!({ "jsonrpc": "2.0", "id": self.body["id"], "error": error });
        Reply::Json(status, message.to_string())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl FakeUpstream {
    pub(crate) async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner {
            script: Box::new(script),
            seen: Mutex::default(),
            changed: Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// All requests with this method of MCP.
    pub(crate) fn asked(&self, method: &str) -> Vec<Seen> {
        let seen = self.inner.seen.lock().unwrap();
        seen.iter()
            .filter(|seen| seen.method() == method)
            .cloned()
            .collect()
    }

    /// Everything that was asked.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests came that fit.
    pub(crate) async fn wait_for(&self, count: usize, fits: impl Fn(&Seen) -> bool) -> Seen {
        tokio::time::timeout(PATIENCE, self.found(count, fits))
            .await
            .expect("it was never asked")
    }
}

impl FakeUpstream {
    async fn found(&self, count: usize, fits: impl Fn(&Seen) -> bool) -> Seen {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let mut found = self.seen().into_iter().filter(|seen| fits(seen));
            if let Some(last) = found.nth(count - 1) {
                return last;
            }
            changed.await;
        }
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let seen = Seen {
        verb: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        text: String::from_utf8_lossy(&body).into_owned(),
    };
    let reply = (inner.script)(&seen);
    inner.seen.lock().unwrap().push(seen);
    inner.changed.notify_waiters();
    let status = |status| StatusCode::from_u16(status).unwrap();
    match reply {
        Reply::Json(code, text) => {
            (status(code), [("content-type", "application/json")], text).into_response()
        }
        Reply::Begins(session, text) => {
            let headers = [
                ("content-type", "application/json"),
                ("mcp-session-id", session),
            ];
            (headers, text).into_response()
        }
        Reply::Events(messages) => {
            let events = messages
                .iter()
                .map(|message| format!("data: {message}\n\n"));
            let body: String = events.collect();
            ([("content-type", "text/event-stream")], body).into_response()
        }
        Reply::Open(kind, receiver) => {
            let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
                let piece = receiver.recv().await?;
                Some((Ok::<_, std::convert::Infallible>(piece), receiver))
            });
            let body = Body::from_stream(pieces.boxed());
            ([("content-type", kind)], body).into_response()
        }
        Reply::Gzip(bytes) => {
            let headers = [
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ];
            (headers, bytes).into_response()
        }
        Reply::Silence => std::future::pending().await,
        Reply::Status(code, headers) => {
            let mut response = status(code).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
    }
}

/// What a server of 2026-07-28 says of itself; none for what only the test knows.
pub(crate) fn modern(seen: &Seen, lists: &Value) -> Option<Reply> {
    if seen.method() == "server/discover" {
        let result = json!({
            "supportedVersions": ["2026-07-28"],
            "capabilities": capabilities(),
            "instructions": "Ask away.",
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
        });
        return Some(seen.result(&result.to_string()));
    }
    listed(seen, lists)
}

/// What a server of an earlier revision says of itself.
pub(crate) fn in_session(seen: &Seen, lists: &Value, revision: &str) -> Option<Reply> {
    match seen.method() {
        "server/discover" => {
            let error = json!({ "code": -32600, "message": "No valid session ID provided" });
            Some(seen.error(400, &error))
        }
        "initialize" => {
            let result = json!({
                "protocolVersion": revision,
                "capabilities": capabilities(),
                "serverInfo": { "name": "fake", "version": "1" },
            });
            Some(Reply::Begins("session-1", seen.answer(&result.to_string())))
        }
        "logging/setLevel" => Some(seen.result("{}")),
        "notifications/initialized" => Some(Reply::Status(202, Vec::new())),
        _ => listed(seen, lists),
    }
}

fn capabilities() -> Value {
    json!({
        "tools": { "listChanged": true },
        "resources": { "listChanged": true, "subscribe": true },
        "prompts": { "listChanged": true },
        "completions": {}, "logging": {},
    })
}

fn listed(seen: &Seen, lists: &Value) -> Option<Reply> {
    let member = match seen.method() {
        "tools/list" => "tools",
        "resources/list" => "resources",
        "resources/templates/list" => "resourceTemplates",
        "prompts/list" => "prompts",
        _ => return None,
    };
    let entries = lists.get(member).cloned().unwrap_or_else(|| json!([]));
    let result = json!({ member: entries, "resultType": "complete", "ttlMs": 60_000 });
    Some(seen.result(&result.to_string()))
}
