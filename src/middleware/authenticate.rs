//! Station: turns the access token into a principal, or asks for one (RFC 6750, RFC 9728 §5.1).

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::model::{ScopeSet, Tenant};
use crate::resource_server::{AccessTokens, AmbiguousCredential, Challenge, bearer_token};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Verifies tokens.
    pub tokens: AccessTokens,
    /// What the first challenge asks for.
    pub initial_scopes: ScopeSet,
}

/// Adds the principal. Nothing but the `Authorization` header is looked at.
pub async fn station(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    mut request: Request,
    next: Next,
) -> Response {
    let scopes = &context.initial_scopes;
    let token = match bearer_token(request.headers()) {
        Ok(Some(token)) => token,
        Ok(None) => return Challenge::unauthenticated(&tenant, scopes).into_response(),
        Err(AmbiguousCredential) => {
            return Challenge::invalid_request(&tenant, scopes).into_response();
        }
    };
    match context.tokens.verify(&tenant, token) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(reason) => {
            tracing::info!(tenant = %tenant.slug, %reason, "refused an access token");
            Challenge::invalid_token(&tenant, scopes).into_response()
        }
    }
}
