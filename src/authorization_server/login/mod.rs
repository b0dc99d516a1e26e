//! Signing in: with a password here, or at an identity provider. GET /login, for the authorization
//! request in the query.

pub(super) mod approval;
mod attempt;
pub(super) mod backchannel;
pub(super) mod callback;
pub(super) mod password;
mod refusal;

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::HeaderMap;

use super::Context;
use super::authorize::AuthorizationRequest;
use crate::model::Tenant;

pub(super) use attempt::{Then, begin};
pub(super) use refusal::SignInRefusal;

/// Where the person signs in for `request`.
pub(super) fn address(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    format!("{}/login?{}", tenant.public_url.path(), request.query())
}

/// Where another person signs in for it: at a provider, they are asked who they are.
pub(super) fn address_of_another(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    let query = request.query_of_another();
    format!("{}/login?{query}", tenant.public_url.path())
}

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.as_deref();
    let shown = if tenant.sign_in.providers.is_empty() {
        password::show(&context, &tenant, query, &headers).await
    } else {
        approval::show(&context, &tenant, query, &headers).await
    };
    shown.unwrap_or_else(|error| error.refuse(&tenant))
}
