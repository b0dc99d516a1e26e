//! Station: names the request, so that one word finds its log lines.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::model::Random;

/// The response header that carries the identifier.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Opens the request's span and answers with its identifier. One from outside is not believed: it
/// would let a caller write into the log.
pub async fn station(
    State(random): State<Arc<dyn Random>>,
    request: Request,
    next: Next,
) -> Response {
    let mut bytes = [0_u8; 12];
    random.fill(&mut bytes);
    let id = URL_SAFE_NO_PAD.encode(bytes);
    let span = tracing::info_span!(
        target: "request",
        "request",
        request.id = %id,
        http.method = %request.method(),
        http.path = request.uri().path(),
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| tracing::debug!(http.status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
