//! Station: names the request, so that one word finds its log lines, says where it comes from, and
//! measures how long its answer takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tokio::time::Instant;

use super::way::{Boxed, Next};
use crate::model::{Random, RequestId, RequestOrigin};
use crate::telemetry::origin::{self, Work};
use crate::telemetry::{Figures, Tracing};
use crate::web::{ClientAddress, TrustedProxies};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Names requests.
    pub random: Arc<dyn Random>,
    /// Who may say where a request comes from.
    pub proxies: TrustedProxies,
    /// Where the answer's time goes.
    pub figures: Arc<Figures>,
    /// Makes the request's span.
    pub tracing: Tracing,
    /// How many requests wait for their answer.
    pub in_flight: Arc<InFlight>,
}

/// How many requests wait for their answer.
#[derive(Debug, Default)]
pub struct InFlight(AtomicI64);

struct Waiting<'a>(&'a InFlight);

impl InFlight {
    /// How many there are now.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn wait(&self) -> Waiting<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The response header that carries the identifier.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Answers with the request's identifier. One from outside is not believed: it would let a caller
/// write into the log.
///
/// It adds the client's address, which nobody after it derives by themselves.
pub async fn station(context: Arc<Context>, mut request: Boxed, next: Next) -> Response {
    let began = Instant::now();
    let _waiting = context.in_flight.wait();
    let id = RequestId::generate(&*context.random);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let client = peer.map(|ConnectInfo(peer)| context.proxies.client(peer.ip(), request.headers()));
    let origin = RequestOrigin {
        request: id,
        address: client.map(|ClientAddress(address)| address),
    };
    if let Some(client) = client {
        request.extensions_mut().insert(client);
    }
    let method = request.method().clone();
    let mut span = context.tracing.request(request.headers(), "HTTP");
    let path = request.uri().path();
    let work = Work::of_request(origin, method.clone(), path, span.trace().clone());
    let answer = async {
        let response = next.run(request).await;
        tracing::debug!(http.status = response.status().as_u16(), "answered");
        response
    };
    let mut response = origin::within(Arc::clone(&work), answer).await;
    let (route, status) = (work.route(), response.status());
    let meters = context.figures.meters();
    meters.answered(&method, route, status, began.elapsed());
    if span.is_recorded() {
        span.rename(format!("{method} {}", route.unwrap_or_default()));
        span.set("http.request.method", method.to_string());
        span.set("http.response.status_code", i64::from(status.as_u16()));
        span.set("gatehouse.request.id", id.to_string());
        if let Some(tenant) = work.tenant() {
            span.set("gatehouse.tenant", tenant.as_str().to_owned());
        }
        if status.is_server_error() {
            span.fail(status.as_u16().to_string());
        }
    }
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// Notes which of our routes the request is for, once that is found.
pub fn note_route(request: Request) -> Request {
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        origin::note_route(route.as_str());
    }
    request
}
