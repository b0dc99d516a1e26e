//! Station: names the request, so that one word finds its log lines.

use std::sync::Arc;

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

use crate::model::{Random, RequestId, RequestOrigin};
use crate::telemetry::origin;

/// The response header that carries the identifier.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Opens the request's span and answers with its identifier. One from outside is not believed: it
/// would let a caller write into the log.
pub async fn station(
    State(random): State<Arc<dyn Random>>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::generate(&*random);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let origin = RequestOrigin {
        request: id,
        address: peer.map(|ConnectInfo(peer)| peer.ip().to_canonical()),
    };
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
