//! One endpoint, or several replicas of it, around a [`Talk`]; whoever likes may call.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request as HttpRequest;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use gatehouse::jose::Sealer;
use gatehouse::mcp::{Edge, EdgeParts, Revision};
use gatehouse::model::{
    AccessRules, ClientId, EncryptionKey, Principal, SystemClock, SystemRandom, Tenant, UserId,
};
use gatehouse::store::{self, ConnectOptions, Store};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::gate::{CAPABILITIES, Gate, Post, Seen};
use crate::talk::Talk;

const PATIENCE: Duration = Duration::from_secs(20);

/// A replica.
pub(crate) struct House {
    pub(crate) talk: Arc<Talk>,
    pub(crate) edge: Arc<Edge>,
    pub(crate) store: Arc<dyn Store>,
    gate: Gate,
}

/// A response that is read piece by piece.
pub(crate) struct Open {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BodyDataStream,
    seen: String,
}

impl House {
    /// A house with a database of its own.
    pub(crate) async fn new() -> Self {
        let options = ConnectOptions::default();
        let store = store::connect("sqlite::memory:", &options);
        let key = EncryptionKey::generate(&SystemRandom);
        Self::over(store.await.unwrap(), &key)
    }

    /// A replica with this database and this key.
    pub(crate) fn over(store: Arc<dyn Store>, key: &EncryptionKey) -> Self {
        let edge = Arc::new(Edge::new(EdgeParts {
            store: Arc::clone(&store),
            sealer: Sealer::new(key),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            tokens: None,
            page_size: 2,
            session_ttl: Duration::from_hours(1),
        }));
        let talk = Arc::new(Talk::new());
        let backend = Arc::clone(&talk);
        let gate = Gate::around(backend, Arc::clone(&edge), "mcp:tools mcp:resources");
        Self {
            talk,
            edge,
            store,
            gate,
        }
    }

    /// The tenant with other rules.
    pub(crate) fn tenant_with(&self, change: impl FnOnce(&mut AccessRules)) -> Arc<Tenant> {
        let mut tenant = Tenant::clone(&self.gate.tenant);
        change(&mut tenant.access);
        Arc::new(tenant)
    }

    fn principal(&self, (user, client): (&str, &str)) -> Arc<Principal> {
        let mut principal = Principal::clone(&self.gate.principal);
        principal.user = UserId::new(user);
        principal.client = ClientId::new(client);
        Arc::new(principal)
    }

    /// Sends a request of any HTTP method.
    pub(crate) async fn open(&self, who: (&str, &str), method: &str, post: Post) -> Open {
        let body = if method == "POST" {
            Body::from(post.body.to_string())
        } else {
            Body::empty()
        };
        let mut request = HttpRequest::new(body);
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = "/mcp".parse().unwrap();
        *request.headers_mut() = post.headers;
        let router = self.gate.router_for(self.principal(who));
        let response = tokio::time::timeout(PATIENCE, router.oneshot(request));
        let (head, body) = response.await.unwrap().unwrap().into_parts();
        Open {
            status: head.status,
            headers: head.headers,
            body: body.into_data_stream(),
            seen: String::new(),
        }
    }

    /// Sends a POST and reads all of the answer.
    pub(crate) async fn send(&self, who: (&str, &str), post: Post) -> Seen {
        let mut open = self.open(who, "POST", post).await;
        let text = open.rest().await;
        Seen {
            status: open.status,
            headers: open.headers,
            body: text.into(),
        }
    }

    /// A session of a client with these capabilities.
    pub(crate) async fn begin(&self, who: (&str, &str), capabilities: Value) -> String {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let post = Post::new(Revision::V2025_11_25, "initialize", params);
        let seen = self.send(who, post).await;
        assert_eq!(seen.status, StatusCode::OK);
        seen.headers["mcp-session-id"].to_str().unwrap().to_owned()
    }
}

impl Open {
    /// Reads until `end` was seen; all that was seen so far.
    pub(crate) async fn until(&mut self, end: &str) -> &str {
        while !self.seen.contains(end) {
            let piece = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let Some(piece) = piece.unwrap() else {
                panic!("{end:?} never came: {}", self.seen);
            };
            self.seen += std::str::from_utf8(&piece.unwrap()).unwrap();
        }
        &self.seen
    }

    /// Reads to the end.
    pub(crate) async fn rest(&mut self) -> String {
        while let Some(piece) = tokio::time::timeout(PATIENCE, self.body.next())
            .await
            .unwrap()
        {
            self.seen += std::str::from_utf8(&piece.unwrap()).unwrap();
        }
        self.seen.clone()
    }
}

/// The messages of an event stream.
pub(crate) fn messages(stream: &str) -> Vec<Value> {
    let data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|json| serde_json::from_str(json).ok())
        .collect()
}

/// The id of the last event.
pub(crate) fn last_event(stream: &str) -> &str {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("id: "))
        .next_back()
        .unwrap()
}

/// A call of a client that can be asked, in 2026-07-28.
pub(crate) fn modern_call(tool: &str) -> Post {
    let post = Post::modern("tools/call", json!({ "name": tool, "arguments": {} }));
    post.meta(CAPABILITIES, json!({ "elicitation": {} }))
}

/// A call in a session.
pub(crate) fn session_call(tool: &str, session: &str) -> Post {
    in_session(
        "tools/call",
        json!({ "name": tool, "_meta": { "progressToken": 7 } }),
        session,
    )
}

pub(crate) fn in_session(method: &str, params: Value, session: &str) -> Post {
    Post::new(Revision::V2025_11_25, method, params).header("mcp-session-id", session)
}

/// What a client answers to the question of this id.
pub(crate) fn answer(id: &Value, name: &str, session: &str) -> Post {
    let mut post = in_session("", json!({}), session);
    let result = json!({ "action": "accept", "content": { "name": name } });
    post.body = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    post
}
