//! Check: refuses browsers on foreign pages (MCP Streamable HTTP, "Security Warning").

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::ORIGIN;

use super::way::Misplaced;
use crate::mcp::{Fault, RpcError};
use crate::model::Tenant;

/// The browser origins that may call the MCP endpoint, beside the tenant's own.
#[derive(Debug)]
pub struct AllowedOrigins(HashSet<String>);

/// Pages of clients that are known to call from a browser.
const KNOWN_CLIENTS: [&str; 6] = [
    "http://localhost:6274",
    "http://127.0.0.1:6274",
    "https://claude.ai",
    "https://chatgpt.com",
    "https://vscode.dev",
    "https://insiders.vscode.dev",
];

impl AllowedOrigins {
    /// The known clients and `configured`.
    pub fn new(configured: impl IntoIterator<Item = String>) -> Self {
        Self(
            KNOWN_CLIENTS
                .into_iter()
                .map(str::to_owned)
                .chain(configured)
                .collect(),
        )
    }
}

/// Passes requests without `Origin` and those from an allowed one.
pub fn check(allowed: &Arc<AllowedOrigins>, request: &mut Request) -> Option<Response> {
    let mut origins = request.headers().get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return None,
        (Some(origin), None) => origin.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let Some(tenant) = request.extensions().get::<Arc<Tenant>>() else {
        return Some(Misplaced.into_response());
    };
    let is_trusted =
        |origin: &str| origin == tenant.public_url.origin() || allowed.0.contains(origin);
    let refusal = || RpcError::from(Fault::Origin).into_response();
    (!origin.is_some_and(is_trusted)).then(refusal)
}
