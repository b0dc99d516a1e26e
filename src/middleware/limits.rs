//! Station: how large a request may be, and how long it may take to arrive and be answered.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use http_body::Body as _;
use http_body_util::Limited;

use crate::web;

/// The limits of one group of routes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest time until the answer's head is there.
    pub time: Duration,
}

impl Limits {
    /// For the OAuth endpoints and pages, whose requests are forms.
    pub const FORMS: Self = Self {
        body: 64 * 1024,
        time: Duration::from_secs(30),
    };
    /// For the admin API, whose largest request is a tenant's settings with a logo.
    pub const DOCUMENTS: Self = Self {
        body: 256 * 1024,
        time: Duration::from_secs(30),
    };
    /// For provisioning, whose requests are single people and groups.
    pub const RESOURCES: Self = Self {
        body: 1024 * 1024,
        time: Duration::from_secs(30),
    };
    /// For the MCP endpoint. A tool has its own, shorter deadlines; a stream's head is sent at once.
    pub const MESSAGES: Self = Self {
        body: 4 * 1024 * 1024,
        time: Duration::from_mins(2),
    };
}

/// Refuses what is too large before it is read, cuts off what turns out to be, and ends what takes
/// too long.
pub async fn station(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let limit = u64::try_from(limits.body).unwrap_or(u64::MAX);
    if request.body().size_hint().lower() > limit {
        return too_large();
    }
    let request = request.map(|body| Body::new(Limited::new(body, limits.body)));
    match tokio::time::timeout(limits.time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_slow(),
    }
}

/// The answer to a body that is longer than its limit.
pub(super) fn too_large() -> Response {
    refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        "The request's body is too large",
    )
}

/// The answer to a request that took longer than its limit.
pub(super) fn too_slow() -> Response {
    refuse(StatusCode::REQUEST_TIMEOUT, "The request took too long")
}

fn refuse(status: StatusCode, description: &str) -> Response {
    web::json_error(status, "invalid_request", description)
}
