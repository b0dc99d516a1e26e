//! Station: names the request, so that one word finds its log lines, and says where it comes from.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

use crate::model::{Random, RequestId, RequestOrigin};
use crate::telemetry::origin;
use crate::web::{ClientAddress, TrustedProxies};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Names requests.
    pub random: Arc<dyn Random>,
    /// Who may say where a request comes from.
    pub proxies: TrustedProxies,
}

/// The response header that carries the identifier.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Opens the request's span and answers with its identifier. One from outside is not believed: it
/// would let a caller write into the log.
///
/// It adds the client's address, which nobody after it derives by themselves.
pub async fn station(
    State(context): State<Arc<Context>>,
    mut request: Request,
    next: Next,
) -> Response {
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
    let span = tracing::info_span!(
        target: "request",
        "request",
        request.id = %id,
        http.method = %request.method(),
        http.path = request.uri().path(),
    );
    let mut response = origin::within(origin, span.clone(), next.run(request)).await;
    span.in_scope(|| tracing::debug!(http.status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
