//! The error answer to a client (RFC 6749 §5.2), as the endpoints that clients call share it.

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};

use crate::rate_limits::Limited;
use crate::web;

/// The status and code for whoever asks too often. RFC 6749 has no code for it; this one has
/// clients keep what they have.
pub(super) const TOO_MANY_REQUESTS: (StatusCode, &str) =
    (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable");

/// When there may be another request.
pub(super) fn retry_after(limited: &Limited) -> (HeaderName, HeaderValue) {
    (RETRY_AFTER, HeaderValue::from(limited.seconds()))
}

/// The answer with this status and code, and a header where one belongs to it.
pub(super) fn answer(
    (status, code): (StatusCode, &'static str),
    description: &str,
    header: Option<(HeaderName, HeaderValue)>,
) -> Response {
    let mut response = web::json_error(status, code, description);
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    response
}
