//! Station: the authorization server is not there for a tenant whose tokens another one issues.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::way::{Misplaced, Next, found};
use crate::model::{Authorization, Tenant};
use crate::web;

/// Passes requests on where the tenant's authorization server is ours.
pub async fn station((): (), request: Request, next: Next) -> Result<Response, Misplaced> {
    let tenant: Arc<Tenant> = found(&request)?;
    Ok(match tenant.authorization {
        Authorization::BuiltIn => next.run(request).await,
        Authorization::External(_) => web::json_error(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is nothing at this address",
        ),
    })
}
