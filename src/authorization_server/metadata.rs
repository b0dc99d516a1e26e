//! Authorization server metadata (RFC 8414 §2), and the same under its OpenID Connect names.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::Context;
use super::scopes::OFFLINE_ACCESS;
use crate::jose::client_signing_algorithms;
use crate::model::{
    DocumentTrust, GrantType, RegistrationPolicy, Scope, SigningAlgorithm, Tenant,
    TokenEndpointAuthMethod,
};
use crate::web;

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
) -> Response {
    web::public_json(&document(&context, &tenant))
}

fn document(context: &Context, tenant: &Tenant) -> Value {
    let address = |path| tenant.public_url.join(path);
    let catalogue = context.catalogue.all();
    // Clients ask for `offline_access` to get a refresh token, and only where it is listed.
    let scopes: Vec<&str> = catalogue
        .iter()
        .map(Scope::as_str)
        .chain([OFFLINE_ACCESS])
        .collect();
    let mut document = json!({
        "issuer": tenant.issuer(),
        "authorization_endpoint": address("/authorize"),
        "token_endpoint": address("/token"),
        "pushed_authorization_request_endpoint": address("/par"),
        "require_pushed_authorization_requests": false,
        "revocation_endpoint": address("/revoke"),
        "introspection_endpoint": address("/introspect"),
        "jwks_uri": address("/jwks"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grant_types(tenant),
        "token_endpoint_auth_methods_supported":
            TokenEndpointAuthMethod::ALL.map(TokenEndpointAuthMethod::as_str),
        // RFC 7523: what `private_key_jwt` may be signed with.
        "token_endpoint_auth_signing_alg_values_supported": client_signing_algorithms(),
        "client_id_metadata_document_supported": tenant.client_documents != DocumentTrust::Off,
        "revocation_endpoint_auth_methods_supported":
            TokenEndpointAuthMethod::ALL.map(TokenEndpointAuthMethod::as_str),
        "revocation_endpoint_auth_signing_alg_values_supported": client_signing_algorithms(),
        "introspection_endpoint_auth_methods_supported": confidential_methods(),
        // RFC 9449 §5.1
        "dpop_signing_alg_values_supported": client_signing_algorithms(),
        "introspection_endpoint_auth_signing_alg_values_supported": client_signing_algorithms(),
        "code_challenge_methods_supported": ["S256"],
        // RFC 9207 §3
        "authorization_response_iss_parameter_supported": true,
        // RFC 9728 §4
        "protected_resources": [tenant.resource.as_str()],
        // OpenID Connect Discovery §3 requires these two, and clients' parsers insist.
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing_algorithms(context, tenant),
    });
    if !matches!(tenant.registration.policy, RegistrationPolicy::Closed)
        && let Some(members) = document.as_object_mut()
    {
        members.insert(
            "registration_endpoint".to_owned(),
            address("/register").into(),
        );
    }
    if !tenant.identity_assertions.is_empty()
        && let Some(members) = document.as_object_mut()
    {
        // draft-ietf-oauth-identity-assertion-authz-grant §7
        let profiles = json!(["urn:ietf:params:oauth:grant-profile:id-jag"]);
        members.insert(
            "authorization_grant_profiles_supported".to_owned(),
            profiles,
        );
    }
    document
}

/// The grants that a client can have here.
fn grant_types(tenant: &Tenant) -> Vec<&'static str> {
    let takes_assertions = !tenant.identity_assertions.is_empty();
    let all = GrantType::ALL.into_iter();
    all.filter(|grant| takes_assertions || *grant != GrantType::JwtBearer)
        .map(GrantType::as_str)
        .collect()
}

/// What the tenant's keys sign with, the newest first.
fn signing_algorithms(context: &Context, tenant: &Tenant) -> Vec<&'static str> {
    let ring = context.key_rings.get(&tenant.slug);
    let mut names: Vec<_> = ring
        .iter()
        .flat_map(|ring| ring.algorithms())
        .map(SigningAlgorithm::as_str)
        .collect();
    names.dedup();
    names
}

/// The methods that prove who a client is.
fn confidential_methods() -> Vec<&'static str> {
    TokenEndpointAuthMethod::ALL
        .into_iter()
        .filter(|method| *method != TokenEndpointAuthMethod::None)
        .map(TokenEndpointAuthMethod::as_str)
        .collect()
}
