//! Station: the authorization server is not there for a tenant whose tokens another one issues.

use std::sync::Arc;

use axum::extract::{Extension, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use crate::model::{Authorization, Tenant};
use crate::web;

/// Passes requests on where the tenant's authorization server is ours.
pub async fn station(
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
    next: Next,
) -> Response {
    match tenant.authorization {
        Authorization::BuiltIn => next.run(request).await,
        Authorization::External(_) => web::json_error(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address",
        ),
    }
}
