//! Protected resource metadata (RFC 9728 §2): GET `/.well-known/oauth-protected-resource`.

use std::sync::Arc;

use axum::Json;
use axum::extract::Extension;
use serde::Serialize;

use crate::jose::client_signing_algorithms;
use crate::model::Tenant;

/// The metadata document.
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: [&'static str; 5],
    resource_name: String,
}

/// Answers with the tenant's document.
pub async fn get(Extension(tenant): Extension<Arc<Tenant>>) -> Json<ResourceMetadata> {
    Json(ResourceMetadata {
        resource: tenant.resource.as_str().to_owned(),
        authorization_servers: vec![tenant.token_issuer().to_owned()],
        // Clients ask for all of these when no challenge told them what to ask for, so only what
        // every role may have is here.
        scopes_supported: tenant
            .scopes_to_ask_for(&tenant.basic_scopes())
            .iter()
            .map(ToString::to_string)
            .collect(),
        bearer_methods_supported: ["header"],
        dpop_signing_alg_values_supported: client_signing_algorithms(),
        resource_name: tenant.display_name().to_owned(),
    })
}
