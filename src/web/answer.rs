//! Answers of OAuth endpoints and their pages; but for public documents, no cache may keep them
//! (RFC 6749 §5.1).

use axum::Json;
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::model::Digest;

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    forbid_storing(&mut response);
    response
}

/// A document that is the same for everyone and changes rarely: metadata and public keys.
pub fn public_json(body: &impl Serialize) -> Response {
    let brief = HeaderValue::from_static("public, max-age=300");
    ([(CACHE_CONTROL, brief)], Json(body)).into_response()
}

/// The error answer of RFC 6749 §5.2.
#[must_use]
pub fn json_error(status: StatusCode, error: &str, description: &str) -> Response {
    json(
        status,
        &json!({ "error": error, "error_description": description }),
    )
}

/// A page whose only style is the inline `style` and without script; images come from its own
/// origin, where it has any.
#[must_use]
pub fn page(status: StatusCode, html: String, (style, has_image): (&str, bool)) -> Response {
    let mut response = (status, Html(html)).into_response();
    forbid_storing(&mut response);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(content_security_policy(style, has_image)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Sends the browser on with GET. RFC 9700 §4.12: a 307 would repeat the POST, credentials and
/// all, at an address that is none of ours.
#[must_use]
pub fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    forbid_storing(&mut response);
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn forbid_storing(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// There is no `form-action` on purpose: Chromium applies it to every redirect that follows a
/// form, and the consent form ends at the client, which may send the browser anywhere.
fn content_security_policy(style: &str, has_image: bool) -> String {
    let hash = STANDARD.encode(Digest::of(style.as_bytes()).as_bytes());
    let image = if has_image { "; img-src 'self'" } else { "" };
    format!(
        "default-src 'none'{image}; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'"
    )
}
