//! The MCP endpoint around a [`Desk`], with stations that stand in for the real ones.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use gatehouse::backends::Backend;
use gatehouse::jose::Sealer;
use gatehouse::mcp::{Dispatcher, Edge, EdgeParts, Message, Revision, RpcError, ServerInfo, http};
use gatehouse::model::{
    EncryptionKey, Principal, Random, Requirement, Scope, ScopeCatalogue, ScopeDefinition,
    SystemClock, SystemRandom, Tenant, TenantSlug, Visibility,
};
use gatehouse::resource_server::{Operation, Permit, Policy, Refusal, local_principal};
use gatehouse::store::{self, ConnectOptions};
use gatehouse::telemetry::Figures;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower::ServiceExt as _;

use crate::desk::Desk;

/// What every modern request has in `_meta`.
pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The endpoint, who calls it, and what happens behind it.
pub(crate) struct Gate {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) happened: UnboundedReceiver<&'static str>,
}

/// What a client would see.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A POST about to be sent.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

#[derive(Clone)]
struct Stations {
    dispatcher: Arc<Dispatcher>,
    tenant: Arc<Tenant>,
    principal: Arc<Principal>,
}

/// An edge with a database of its own.
async fn edge() -> Arc<Edge> {
    let options = ConnectOptions::default();
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    Arc::new(Edge::new(EdgeParts {
        store: store::connect("sqlite::memory:", &options).await.unwrap(),
        sealer: Sealer::new(&EncryptionKey::generate(&*random)),
        clock: Arc::new(SystemClock),
        random,
        tokens: None,
        page_size: 100,
        session_ttl: Duration::from_hours(1),
    }))
}

impl Gate {
    /// A gate whose caller has every scope.
    pub(crate) async fn new() -> Self {
        Self::with_scopes("mcp:tools mcp:resources mcp:prompts metrics:read").await
    }

    /// A gate whose caller has these scopes.
    pub(crate) async fn with_scopes(scopes: &str) -> Self {
        let (desk, happened) = Desk::new();
        let gate = Self::around(Arc::new(desk), edge().await, scopes);
        Self { happened, ..gate }
    }

    /// A gate around another server.
    pub(crate) fn around(backend: Arc<dyn Backend>, edge: Arc<Edge>, scopes: &str) -> Self {
        let requires = |visibility| Requirement {
            scopes: "metrics:read".parse().unwrap(),
            visibility,
        };
        let tools = BTreeMap::from([
            ("guarded".to_owned(), requires(Visibility::Discoverable)),
            ("hidden".to_owned(), requires(Visibility::Hidden)),
        ]);
        let catalogue = scope_catalogue();
        let mut tenant = Tenant::new(
            TenantSlug::default(),
            "https://mcp.example.com".parse().unwrap(),
            BTreeMap::new(),
        );
        tenant.access.tools = tools;
        let mut principal = local_principal(&tenant, &catalogue);
        principal.scopes = scopes.parse().unwrap();
        let figures = Arc::new(Figures::default());
        let info = ServerInfo {
            name: "gatehouse".to_owned(),
            title: "Gatehouse".to_owned(),
            version: "0.1.0".to_owned(),
        };
        let policy = Arc::new(Policy::new(catalogue));
        let counted = Arc::clone(&figures);
        Self {
            dispatcher: Arc::new(Dispatcher::new(vec![backend], policy, counted, edge, &info)),
            tenant: Arc::new(tenant),
            principal: Arc::new(principal),
            figures,
            happened: unbounded_channel().1,
        }
    }

    pub(crate) fn router(&self) -> Router {
        self.router_for(Arc::clone(&self.principal))
    }

    /// The endpoint, called by somebody else.
    pub(crate) fn router_for(&self, principal: Arc<Principal>) -> Router {
        let stations = Stations {
            dispatcher: Arc::clone(&self.dispatcher),
            tenant: Arc::clone(&self.tenant),
            principal,
        };
        let endpoint = axum::routing::post(http::post)
            .get(http::get)
            .delete(http::delete)
            .layer(from_fn_with_state(stations, pass));
        Router::new().route("/mcp", endpoint)
    }

    pub(crate) async fn send(&self, post: Post) -> Seen {
        let body = post.body.to_string();
        self.send_bytes(post.headers, body.into_bytes()).await
    }

    pub(crate) async fn send_bytes(&self, headers: HeaderMap, body: impl Into<Body>) -> Seen {
        let mut request = HttpRequest::post("/mcp").body(body.into()).unwrap();
        *request.headers_mut() = headers;
        let response = self.router().oneshot(request).await.unwrap();
        Seen::of(response).await
    }

    /// Asks, and takes the answer for a result.
    pub(crate) async fn result(&self, revision: Revision, method: &str, params: Value) -> Value {
        let seen = self.send(Post::new(revision, method, params)).await;
        assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
        let json = seen.json();
        assert_eq!(json["id"], 1);
        assert_eq!(json["jsonrpc"], "2.0");
        assert!(json["result"].is_object(), "{json}");
        json["result"].clone()
    }

    /// Asks, and takes the answer for an error: its HTTP status, its code and itself.
    pub(crate) async fn error(&self, post: Post) -> (u16, i64, Value) {
        self.send(post).await.error()
    }
}

impl Seen {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.headers[CONTENT_TYPE], "application/json", "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn error(&self) -> (u16, i64, Value) {
        let json = self.json();
        let code = json["error"]["code"].as_i64();
        (self.status.as_u16(), code.unwrap_or_default(), json)
    }
}

impl Post {
    /// A request as a good client of `revision` sends it.
    pub(crate) fn new(revision: Revision, method: &str, params: Value) -> Self {
        let mut post = Self {
            headers: HeaderMap::new(),
            body: json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }),
        };
        post = post
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", revision.name());
        if revision.is_modern() {
            post = post.header("mcp-method", method);
            let params = &mut post.body["params"];
            params["_meta"][PROTOCOL_VERSION] = json!(revision.name());
            params["_meta"][CAPABILITIES] = json!({});
            let name = [&params["name"], &params["uri"]]
                .into_iter()
                .find_map(Value::as_str)
                .map(str::to_owned)
                .or_else(|| params["taskId"].as_str().map(str::to_owned));
            if let Some(name) = name {
                post = post.header("mcp-name", &name);
            }
        }
        post
    }

    pub(crate) fn modern(method: &str, params: Value) -> Self {
        Self::new(Revision::V2026_07_28, method, params)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn also(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn meta(mut self, name: &str, value: Value) -> Self {
        self.body["params"]["_meta"][name] = value;
        self
    }
}

/// The headers of a legacy client that sends whatever it likes.
pub(crate) fn plain_headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static("*/*")),
    ])
}

fn scope_catalogue() -> ScopeCatalogue {
    let names = ["mcp:tools", "mcp:resources", "mcp:prompts", "metrics:read"];
    let define = |name: &str| {
        let definition = ScopeDefinition {
            description: name.to_owned(),
            implies: gatehouse::model::ScopeSet::default(),
        };
        (name.parse::<Scope>().unwrap(), definition)
    };
    ScopeCatalogue::new(names.into_iter().map(define).collect())
}

/// Message, then scope, then the handler.
async fn pass(State(stations): State<Stations>, request: HttpRequest, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let is_post = parts.method == Method::POST;
    let message = is_post.then(|| http::accept(&parts.headers, &bytes));
    let message = match message.transpose() {
        Ok(message) => message,
        Err(error) => return error.into_response(),
    };
    let mut request = HttpRequest::from_parts(parts, Body::empty());
    match stations.permit(message.as_ref()).await {
        Ok(permit) => request.extensions_mut().insert(permit),
        Err(Ok(error)) => return error.into_response(),
        Err(Err(status)) => return status.into_response(),
    };
    if let Some(message) = message {
        request.extensions_mut().insert(message);
    }
    request.extensions_mut().insert(stations.dispatcher);
    next.run(request).await
}

impl Stations {
    async fn permit(
        &self,
        message: Option<&Message>,
    ) -> Result<Permit, Result<RpcError, StatusCode>> {
        let policy = self.dispatcher.policy();
        let Some(Message::Request(request)) = message else {
            let permit = policy.permit(&self.tenant, &self.principal, Operation::Converse);
            return Ok(permit.unwrap());
        };
        let operation = self
            .dispatcher
            .operation((&self.tenant, &self.principal), request)
            .await;
        let operation = operation.map_err(Ok)?;
        policy
            .permit(&self.tenant, &self.principal, operation)
            .map_err(|refusal| match refusal {
                Refusal::Unknown => Ok(Dispatcher::unknown(request)),
                Refusal::InsufficientScope { .. } => Err(StatusCode::FORBIDDEN),
            })
    }
}
