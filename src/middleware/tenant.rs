//! Station: finds the tenant that a request is for, by host and path.

use std::sync::Arc;

use axum::response::Response;
use http::header::{HOST, HeaderValue, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{StatusCode, Uri};

use super::way::{Boxed, Next};
use crate::telemetry::origin;
use crate::tenants::{Lost, Tenants, TenantsError};
use crate::web;

/// Adds the tenant, and makes the path relative to its public URL.
pub async fn station(tenants: Arc<Tenants>, mut request: Boxed, next: Next) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    // RFC 9110 §7.2: HTTP/2 carries the host as `:authority`.
    let host = request
        .uri()
        .authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| {
            request
                .headers()
                .get(HOST)
                .and_then(|value| value.to_str().ok())
        })
        .unwrap_or_default()
        .to_ascii_lowercase();
    let located = match tenants.locate(&host, request.uri().path()) {
        Ok(located) => located,
        Err(lost) => return refuse(lost),
    };
    let tenant = match tenants.load(&located.slug).await {
        Ok(tenant) => tenant,
        Err(error) => return unavailable(&error),
    };
    if let Some(uri) = with_path(request.uri(), &located.path) {
        *request.uri_mut() = uri;
    }
    origin::note_tenant(&tenant.slug);
    request.extensions_mut().insert(tenant);
    next.run(request).await
}

/// Probes come from the platform, by whatever address it knows.
fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/startupz" | "/mcp/health")
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let path = if path.is_empty() { "/" } else { path };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")).ok()?,
        None => PathAndQuery::try_from(path).ok()?,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query);
    Uri::from_parts(parts).ok()
}

/// The answer at an address that nobody has.
#[must_use]
pub fn nothing_here() -> Response {
    web::json_error(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this address",
    )
}

fn refuse(lost: Lost) -> Response {
    match lost {
        // The host that was asked for is not repeated: it is the caller's text.
        Lost::Host => web::json_error(
            StatusCode::MISDIRECTED_REQUEST,
            "not_found",
            "This gateway is not served under that host name: use its public URL",
        ),
        Lost::Path => nothing_here(),
    }
}

/// For a tenant that is there and can't be served.
fn unavailable(error: &TenantsError) -> Response {
    if matches!(error, TenantsError::Removed) {
        return refuse(Lost::Path);
    }
    tracing::error!(?error, "a tenant could not be loaded");
    let description = "This can't be served at the moment: try again soon";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = web::json_error(status, "temporarily_unavailable", description);
    let soon = HeaderValue::from_static("2");
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}
