//! Every route and the stations before it, readable top to bottom.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use futures_util::FutureExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;
use tower::util::MapRequestLayer;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};
use tower_http::cors::{Any, CorsLayer};

use crate::middleware::limits::Limits;
use crate::middleware::rate::{Answer, Face, Gate};
use crate::middleware::way::{Boxed, Next, check, station, turn};
use crate::middleware::{
    authenticate, built_in, limits, message, origin, rate, remainder, request_id, scope, tenant,
};
use crate::model::Rule;
use crate::rate_limits::RateLimiter;
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::tenants::Tenants;
use crate::{admin, authorization_server, mcp, resource_server, scim, web};

/// What the routes and stations are made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What is measured of them.
    pub telemetry: Arc<Telemetry>,
    /// Names requests, and says where they come from.
    pub request_id: Arc<request_id::Context>,
    /// Says how often callers may ask.
    pub limiter: Arc<RateLimiter>,
    /// Finds tenants.
    pub tenants: Arc<Tenants>,
    /// Browser origins that may call.
    pub origins: Arc<origin::AllowedOrigins>,
    /// Turns tokens into principals.
    pub authenticate: Arc<authenticate::Context>,
    /// Turns principals and messages into permits.
    pub scope: Arc<scope::Context>,
    /// Answers messages.
    pub dispatcher: Arc<mcp::Dispatcher>,
    /// The endpoints of the authorization server.
    pub authorization_server: Arc<authorization_server::Context>,
    /// What operators use, at their own listener.
    pub admin: Arc<admin::Context>,
    /// What identity providers keep here.
    pub scim: Arc<scim::Context>,
    /// Whether this process can serve.
    pub readiness: Arc<Readiness>,
}

/// Whether this process can serve.
#[derive(Debug)]
pub struct Readiness {
    store: Arc<dyn Store>,
    draining: AtomicBool,
}

/// What is counted of a caller whose token was verified.
const BY_PRINCIPAL: &[Rule] = &[Rule::PerPrincipal, Rule::PerClient, Rule::PerTenant];

/// For how long the database may take to answer a probe.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// The whole gateway as one service.
pub fn router(parts: &Parts) -> Next {
    let below_a_tenant = Router::new()
        .merge(mcp(parts))
        .merge(oauth(parts))
        .merge(provisioning(parts))
        .merge(metadata(parts));
    let stations = ServiceBuilder::new()
        .layer(station(Arc::clone(&parts.request_id), request_id::station))
        .layer(station((), remainder::station))
        .layer(check((), limits::head))
        .layer(station((), caught))
        .layer(station(Arc::clone(&parts.tenants), tenant::station));
    // The tenant's station changes the path, so that it must come before the routes are looked at.
    let routes = below_a_tenant
        .merge(probes(parts))
        .route_layer(MapRequestLayer::new(request_id::note_route))
        .fallback(nowhere);
    // With its state, so that a route is not built with all its stations for each request.
    stations.service(routes.with_state(()))
}

/// What is served at the admin listener, and there alone.
pub fn admin_router(parts: &Parts) -> Next {
    let stations = ServiceBuilder::new()
        .layer(station(Arc::clone(&parts.request_id), request_id::station))
        .layer(station((), remainder::station))
        .layer(check((), limits::head))
        .layer(station((), caught))
        .layer(station(Limits::DOCUMENTS, limits::station));
    let routes = probes(parts)
        .merge(admin::routes(&parts.admin))
        .merge(metrics(parts))
        .route_layer(MapRequestLayer::new(request_id::note_route));
    stations.service(routes.with_state(()))
}

/// For Prometheus. It says how much is done here and nothing of anybody, so that it asks for no token: whoever
/// reaches the admin listener may read it.
fn metrics(parts: &Parts) -> Router {
    Router::new()
        .route("/metrics", get(exposition))
        .with_state(Arc::clone(&parts.telemetry))
}

async fn exposition(State(telemetry): State<Arc<Telemetry>>) -> impl IntoResponse {
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, format)], telemetry.exposition())
}

fn mcp(parts: &Parts) -> Router {
    let stations = ServiceBuilder::new()
        .layer(station(Limits::MESSAGES, limits::station))
        .layer(station(cors(), for_browsers))
        .layer(check(Arc::clone(&parts.origins), origin::check))
        .layer(turn(
            gate(parts, &[Rule::PerAddress], Face::Message),
            rate::station,
        ))
        .layer(station(
            Arc::clone(&parts.authenticate),
            authenticate::station,
        ))
        .layer(turn(
            gate(parts, BY_PRINCIPAL, Face::Message),
            rate::station,
        ))
        .layer(station((), message::station))
        .layer(station(Arc::clone(&parts.scope), scope::station))
        .layer(turn(
            gate(parts, &[Rule::PerTool, Rule::ToolCalls], Face::Message),
            rate::station,
        ))
        .layer(Extension(Arc::clone(&parts.dispatcher)));
    let methods = post(mcp::http::post)
        .get(mcp::http::get)
        .delete(mcp::http::delete);
    Router::new().route("/mcp", methods).route_layer(stations)
}

fn oauth(parts: &Parts) -> Router {
    let stations = ServiceBuilder::new()
        .layer(station(Limits::FORMS, limits::station))
        .layer(cors())
        .layer(check((), built_in::check));
    let limited = |routes: Router, rules: &'static [Rule], answer: Answer| {
        let gate = gate(parts, rules, Face::Answer(answer));
        routes.route_layer(turn(gate, rate::station))
    };
    let json: Answer = authorization_server::too_many_requests;
    let page: Answer = authorization_server::too_many_requests_page;
    let authorize = &[Rule::Authorize, Rule::PerAddress];
    let register = &[Rule::Register, Rule::PerAddress, Rule::RegisterPerTenant];
    let routes = authorization_server::routes(Arc::clone(&parts.authorization_server));
    Router::new()
        .merge(limited(routes.pages, authorize, page))
        .merge(limited(routes.par, authorize, json))
        .merge(limited(routes.register, register, json))
        .merge(limited(
            routes.token,
            &[Rule::Token, Rule::PerAddress],
            json,
        ))
        .merge(limited(routes.others, &[Rule::PerAddress], json))
        .route_layer(stations)
}

/// No browser has anything to do here: there is no CORS.
fn provisioning(parts: &Parts) -> Router {
    let stations = ServiceBuilder::new()
        .layer(station(Limits::RESOURCES, limits::station))
        .layer(turn(
            gate(
                parts,
                &[Rule::PerAddress],
                Face::Answer(scim::too_many_requests),
            ),
            rate::station,
        ));
    scim::routes(Arc::clone(&parts.scim)).route_layer(stations)
}

fn metadata(parts: &Parts) -> Router {
    let server = authorization_server::metadata_route(Arc::clone(&parts.authorization_server));
    let resource = get(resource_server::metadata::get);
    let answer = Face::Answer(authorization_server::too_many_requests);
    let gate = gate(parts, &[Rule::PerAddress], answer);
    Router::new()
        .route("/.well-known/oauth-authorization-server", server.clone())
        .route("/.well-known/openid-configuration", server)
        .route_layer(check((), built_in::check))
        .route("/.well-known/oauth-protected-resource", resource.clone())
        .route("/.well-known/oauth-protected-resource/mcp", resource)
        .route_layer(turn(gate, rate::station))
        .route_layer(cors())
}

/// What counts a request by `rules`.
fn gate(parts: &Parts, rules: &'static [Rule], face: Face) -> Arc<Gate> {
    Arc::new(Gate {
        limiter: Arc::clone(&parts.limiter),
        rules,
        face,
    })
}

fn probes(parts: &Parts) -> Router {
    let ready = get(readyz).with_state(Arc::clone(&parts.readiness));
    Router::new()
        .route("/livez", get(livez))
        .route("/mcp/health", get(livez))
        .route("/readyz", ready.clone())
        .route("/startupz", ready)
}

/// Every origin may ask: what protects an answer is the token in a header, which no browser adds
/// by itself. The MCP endpoint checks `Origin` all the same.
fn cors() -> CorsLayer {
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            ACCEPT,
            header("mcp-protocol-version"),
            header("mcp-session-id"),
            header("mcp-method"),
            header("mcp-name"),
            header("last-event-id"),
            web::DPOP,
        ])
        .expose_headers([
            WWW_AUTHENTICATE,
            RETRY_AFTER,
            header("mcp-session-id"),
            header("mcp-protocol-version"),
            web::DPOP_NONCE,
            request_id::HEADER,
        ])
        .max_age(Duration::from_mins(10))
}

/// Station: [`cors`] for those that ask for it. What is answered here is in no cache that could give it to a browser.
async fn for_browsers(cors: CorsLayer, request: Boxed, next: Next) -> Response {
    if !request.headers().contains_key(ORIGIN) {
        return next.run(request).await;
    }
    match cors.layer(next).oneshot(*request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn nowhere() -> Response {
    tenant::nothing_here()
}

/// Station: whose handler panics is answered all the same.
async fn caught((): (), request: Boxed, next: Next) -> Response {
    // What only checks is done before there is anything to wait for.
    let answer = AssertUnwindSafe(async { next.run(request).await });
    answer.catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!("a handler panicked");
        web::json_error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "Something went wrong here; the log has it under the request's identifier",
        )
    })
}

async fn livez() -> Response {
    web::json(StatusCode::OK, &json!({ "status": "ok" }))
}

async fn readyz(State(readiness): State<Arc<Readiness>>) -> Response {
    match readiness.check().await {
        Ok(()) => livez().await,
        Err(reason) => web::json(
            StatusCode::SERVICE_UNAVAILABLE,
            &json!({ "status": reason }),
        ),
    }
}

impl Readiness {
    /// Ready as soon as `store` answers.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            draining: AtomicBool::new(false),
        }
    }

    /// From now on, no new requests should come here.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    async fn check(&self) -> Result<(), &'static str> {
        if self.draining.load(Ordering::Acquire) {
            return Err("draining");
        }
        match tokio::time::timeout(PROBE_DEADLINE, self.store.ping()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("the database does not answer"),
        }
    }
}
