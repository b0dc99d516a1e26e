//! The public signing keys (RFC 7517 §5): GET /jwks.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use http::StatusCode;

use super::Context;
use crate::model::Tenant;
use crate::web;

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
) -> Response {
    match context.key_rings.get(&tenant.slug) {
        Some(ring) => web::public_json(&ring.jwks()),
        None => web::json_error(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "there are no keys yet",
        ),
    }
}
