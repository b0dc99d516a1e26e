//! The error answer to a client (RFC 6749 §5.2), as the endpoints that clients call share it.

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::web;

/// The answer with this status and code, and the challenge where there is one.
pub(super) fn answer(
    (status, code): (StatusCode, &'static str),
    description: &str,
    challenge: Option<HeaderValue>,
) -> Response {
    let mut response = web::json_error(status, code, description);
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}
