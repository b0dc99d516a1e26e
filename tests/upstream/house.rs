//! The MCP endpoint of a tenant with mounted servers; stations stand in for the real ones.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use gatehouse::backends::remote::{Mounts, ToolLedger};
use gatehouse::backends::{Answer, Backend, BackendError, CallContext, Catalogue, Definition};
use gatehouse::config::{self, Environment};
use gatehouse::egress::{Client, Settings, SystemLookup};
use gatehouse::identity::LinkedAccounts;
use gatehouse::mcp::{Dispatcher, Edge, Message, Revision, ServerInfo, http};
use gatehouse::model::{ClientId, EncryptionKey, Principal, SystemClock, SystemRandom, Tenant};
use gatehouse::resource_server::{Permit, Policy, Refusal, local_principal};
use gatehouse::store::{self, ConnectOptions, Store};
use gatehouse::telemetry::Figures;
use serde_json::{Map, Value, json};
use tower::ServiceExt as _;

use crate::rooms::{database, ground};

pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The endpoint and who calls it.
pub(crate) struct House {
    stations: Stations,
}

#[derive(Clone)]
struct Stations {
    dispatcher: Arc<Dispatcher>,
    tenant: Arc<Tenant>,
    principal: Arc<Principal>,
}

/// A request that is about to be sent.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// The built-in server of these tests: one tool, which must not be taken from it.
#[derive(Debug)]
struct BuiltIn;

impl House {
    /// The default tenant of a configuration with this text, mostly `[[tenants.servers]]`.
    pub(crate) async fn of(servers: &str) -> Self {
        Self::with(servers, "mcp:tools mcp:resources mcp:prompts").await
    }

    /// The same with a caller who has these scopes.
    pub(crate) async fn with(servers: &str, scopes: &str) -> Self {
        let options = ConnectOptions::default();
        let store = store::connect("sqlite::memory:", &options).await.unwrap();
        let key = EncryptionKey::generate(&SystemRandom);
        Self::over(servers, scopes, ground(store, &key), None).await
    }

    /// A replica that holds what servers say of their tools against what is on record in this store.
    pub(crate) async fn on_record(
        servers: &str,
        store: &Arc<dyn Store>,
    ) -> (Self, Arc<ToolLedger>) {
        let key = EncryptionKey::generate(&SystemRandom);
        let ledger = ToolLedger::new(Arc::clone(store), Arc::new(SystemClock));
        let ledger = Arc::new(ledger);
        ledger.refresh().await.unwrap();
        let parts = ground(Arc::clone(store), &key);
        let house = Self::over(servers, "mcp:tools", parts, Some(Arc::clone(&ledger)));
        (house.await, ledger)
    }

    /// Two replicas with one database, which hear each other.
    pub(crate) async fn replicas(servers: &str) -> [Self; 2] {
        let url = database().await;
        let key = EncryptionKey::generate(&SystemRandom);
        let options = ConnectOptions {
            migrate_at_start: true,
            ..ConnectOptions::default()
        };
        let mut houses = Vec::new();
        for _ in 0..2 {
            let (edge, linked) = ground(store::connect(&url, &options).await.unwrap(), &key);
            let hearing = Arc::clone(&edge);
            tokio::spawn(async move { hearing.hear().await });
            houses.push(Self::over(servers, "mcp:tools", (edge, linked), None).await);
        }
        houses.try_into().ok().unwrap()
    }

    async fn over(
        servers: &str,
        scopes: &str,
        (edge, linked): (Arc<Edge>, Arc<LinkedAccounts>),
        ledger: Option<Arc<ToolLedger>>,
    ) -> Self {
        let config = configuration(servers);
        let public_url = "https://mcp.example.com".parse().unwrap();
        let tenant = Arc::new(config.tenants[0].at(&public_url));
        let policy = Policy::new(config.scopes.catalogue.clone());
        let mut principal = local_principal(&tenant, policy.catalogue());
        principal.scopes = scopes.parse().unwrap();
        let info = ServerInfo {
            name: "gatehouse".to_owned(),
            title: "Gatehouse".to_owned(),
            version: "0.1.0".to_owned(),
        };
        let tokens = Client::new(&Settings {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(5),
            max_body: 64 * 1024,
            user_agent: "test".to_owned(),
        });
        let built_in: Vec<Arc<dyn Backend>> = vec![Arc::new(BuiltIn)];
        let lookup = Arc::new(SystemLookup);
        let mounts = Mounts::new(built_in.clone(), lookup, (tokens.unwrap(), linked)).await;
        let mounts = match ledger {
            Some(ledger) => mounts.recorded_in(ledger),
            None => mounts,
        };
        let figures = Arc::new(Figures::default());
        let dispatcher = Dispatcher::new(built_in, Arc::new(policy), figures, edge, &info);
        let stations = Stations {
            dispatcher: Arc::new(dispatcher.over(Arc::new(mounts))),
            tenant,
            principal: Arc::new(principal),
        };
        Self { stations }
    }

    /// A server at `url` with this name, and `more` about it.
    pub(crate) async fn around(name: &str, url: &str, more: &str) -> Self {
        Self::of(&server(name, url, more)).await
    }

    /// From now on the tenant has these servers.
    pub(crate) fn change(&mut self, servers: &str) {
        let public_url = "https://mcp.example.com".parse().unwrap();
        let tenant = configuration(servers).tenants[0].at(&public_url);
        self.stations.tenant = Arc::new(tenant);
        let tenant = &self.stations.tenant;
        let edge = self.stations.dispatcher.edge();
        edge.tenant_is(&tenant.slug, Some(tenant));
    }

    /// From now on the caller uses another client.
    pub(crate) fn become_client(&mut self, client: &str) {
        let principal = Arc::make_mut(&mut self.stations.principal);
        principal.client = ClientId::new(client);
    }

    pub(crate) fn router(&self) -> Router {
        let endpoint = axum::routing::post(http::post)
            .get(http::get)
            .delete(http::delete)
            .layer(from_fn_with_state(self.stations.clone(), pass));
        Router::new().route("/mcp", endpoint)
    }

    pub(crate) async fn open(&self, method: Method, post: Post) -> Response {
        let mut request = HttpRequest::new(Body::from(post.body.to_string()));
        *request.method_mut() = method;
        *request.uri_mut() = "/mcp".parse().unwrap();
        *request.headers_mut() = post.headers;
        self.router().oneshot(request).await.unwrap()
    }

    /// The messages of the answer, the response last.
    pub(crate) async fn messages(&self, post: Post) -> Vec<Value> {
        let response = self.open(Method::POST, post).await;
        let body = axum::body::to_bytes(response.into_body(), usize::MAX);
        let body = String::from_utf8(body.await.unwrap().to_vec()).unwrap();
        messages(&body)
    }

    /// The response.
    pub(crate) async fn send(&self, post: Post) -> Value {
        let answer = tokio::time::timeout(Duration::from_secs(20), self.messages(post));
        answer.await.expect("no answer").pop().unwrap()
    }

    /// The text of the result, byte for byte.
    pub(crate) async fn text(&self, post: Post) -> String {
        let response = self.open(Method::POST, post).await;
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX);
        String::from_utf8(body.await.unwrap().to_vec()).unwrap()
    }

    pub(crate) async fn result(&self, post: Post) -> Value {
        let answer = self.send(post).await;
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    pub(crate) async fn error(&self, post: Post) -> (i64, String) {
        let answer = self.send(post).await;
        let error = &answer["error"];
        let code = error["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {answer}"));
        (code, error["message"].as_str().unwrap().to_owned())
    }

    /// The names of a list.
    pub(crate) async fn names(&self, method: &str, member: &str, key: &str) -> Vec<String> {
        let result = self.result(Post::modern(method, json!({}))).await;
        let entries = result[member].as_array().unwrap();
        let name = |entry: &Value| entry[key].as_str().unwrap().to_owned();
        entries.iter().map(name).collect()
    }
}

fn configuration(servers: &str) -> config::Config {
    let text = format!(
        "[scopes.catalogue.\"docs:use\"]\ndescription = \"Docs\"\n\
         [[tenants]]\nslug = \"default\"\n{servers}"
    );
    let environment = Environment::from([("TOKEN".to_owned(), "s3cret".to_owned())]);
    let config = config::parse(&text, "test.toml", &environment);
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

/// The messages of a body, be it JSON or events.
pub(crate) fn messages(body: &str) -> Vec<Value> {
    if let Ok(message) = serde_json::from_str(body) {
        return vec![message];
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|text| serde_json::from_str(text).unwrap())
        .collect()
}

/// The description of a server on this machine.
pub(crate) fn server(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[tenants.servers]]\nname = \"{name}\"\nurl = \"{url}\"\n\
         allow_private = [\"127.0.0.0/8\"]\n{more}\n"
    )
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
            if params["_meta"][CAPABILITIES].is_null() {
                params["_meta"][CAPABILITIES] = json!({});
            }
            let names = [&params["name"], &params["uri"]];
            let name = names.into_iter().find_map(Value::as_str).map(str::to_owned);
            if let Some(name) = name {
                post = post.header("mcp-name", &name);
            }
        }
        post
    }

    pub(crate) fn modern(method: &str, params: Value) -> Self {
        Self::new(Revision::V2026_07_28, method, params)
    }

    /// A call of a tool.
    pub(crate) fn call(name: &str, arguments: Value) -> Self {
        Self::modern(
            "tools/call",
            json!({ "name": name, "arguments": arguments }),
        )
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn meta(mut self, name: &str, value: Value) -> Self {
        self.body["params"]["_meta"][name] = value;
        self
    }
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
    let Stations {
        dispatcher,
        tenant,
        principal,
    } = stations;
    let operation = match &message {
        Some(Message::Request(request)) => {
            dispatcher.operation((&tenant, &principal), request).await
        }
        Some(_) | None => Ok(gatehouse::resource_server::Operation::Converse),
    };
    let operation = match operation {
        Ok(operation) => operation,
        Err(error) => return error.into_response(),
    };
    let mut request = HttpRequest::from_parts(parts, Body::empty());
    match dispatcher.policy().permit(&tenant, &principal, operation) {
        Ok(permit) => request.extensions_mut().insert(permit),
        Err(Refusal::Unknown) => return StatusCode::NOT_FOUND.into_response(),
        Err(Refusal::InsufficientScope { required }) => {
            return (StatusCode::FORBIDDEN, required.to_string()).into_response();
        }
    };
    if let Some(message) = message {
        request.extensions_mut().insert(message);
    }
    request.extensions_mut().insert(dispatcher);
    next.run(request).await
}

#[async_trait]
impl Backend for BuiltIn {
    async fn catalogue(&self) -> Arc<Catalogue> {
        let json = json!({ "name": "own_tool", "inputSchema": { "type": "object" } });
        let json = json.as_object().unwrap().clone();
        Arc::new(Catalogue {
            tools: vec![Definition::new("own_tool".to_owned(), json)],
            ..Catalogue::default()
        })
    }

    async fn call_tool(
        &self,
        _: &Permit,
        _: &str,
        _: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        let body = json!({ "content": [{ "type": "text", "text": "built in" }] });
        Ok(Answer {
            body: body.to_string().into(),
            meta: Map::new(),
            ttl_ms: 0,
        })
    }

    async fn read_resource(
        &self,
        _: &Permit,
        _: &str,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownResource)
    }

    async fn get_prompt(
        &self,
        _: &Permit,
        _: &str,
        _: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownPrompt)
    }

    async fn complete(
        &self,
        _: &Permit,
        _: &Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownPrompt)
    }
}
