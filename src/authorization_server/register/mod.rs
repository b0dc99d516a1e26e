//! Dynamic client registration (RFC 7591 §3): POST /register.

mod client_metadata;
mod error;
pub(super) mod management;

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;

use client_metadata::{ApplicationType, ClientMetadata};
pub(super) use client_metadata::{read_name, read_uri};
use error::RegistrationError;

use super::Context;
use crate::model::{
    Actor, Client, ClientId, ClientKeys, GrantType, RedirectUri, RegistrationPolicy, Secret,
    Tenant, TokenEndpointAuthMethod, new_identifier,
};
use crate::store::Registration;
use crate::telemetry::Counted;
use crate::web::{self, read_bearer};

/// RFC 7591 §3.2.1: all that was registered. Members without a value are left out, since clients
/// refuse `null`.
#[derive(Serialize)]
struct ClientInformation<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<&'a str>,
    redirect_uris: Vec<&'a str>,
    token_endpoint_auth_method: &'static str,
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
    registration_client_uri: String,
    registration_access_token: &'a str,
}

/// The largest document that is read.
const MAX_BODY: usize = 64 * 1024;

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    let registered = register(&context, &tenant, request).await;
    let outcome = match &registered {
        Ok(_) => "accepted",
        Err(_) => "refused",
    };
    context.meters.count(Counted::Registrations, outcome);
    registered.unwrap_or_else(RegistrationError::refuse)
}

async fn register(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<Response, RegistrationError> {
    check_policy(&tenant.registration.policy, request.headers())?;
    let metadata = read_metadata(request).await?;
    let (client, secret) = new_client(context, &metadata);
    let token = Secret::generate(context.random.as_ref());
    let registration = Registration {
        client,
        token: token.digest(),
        limit: i64::from(tenant.registration.max_clients),
    };
    let change = context.change(tenant, Actor::Unknown);
    let admitted = context.store.admit_client(&change, &registration);
    if !admitted.await? {
        return Err(RegistrationError::Full);
    }
    let client = &registration.client;
    tracing::info!(
        client.id = %client.id,
        client.redirect_host = %client
            .redirect_uris
            .first()
            .map(RedirectUri::destination)
            .unwrap_or_default(),
        "client registered"
    );
    let information = information(tenant, client, &token);
    let information = ClientInformation {
        client_secret: secret.as_ref().map(Secret::expose),
        application_type: metadata.application_type.map(ApplicationType::as_str),
        ..information
    };
    Ok(web::json(StatusCode::CREATED, &information))
}

/// RFC 7591 §3: who may register.
fn check_policy(policy: &RegistrationPolicy, headers: &HeaderMap) -> Result<(), RegistrationError> {
    match policy {
        // Clients in the field send the token of their MCP requests everywhere: it is not looked at.
        RegistrationPolicy::Open => Ok(()),
        RegistrationPolicy::InitialAccessToken(expected) => read_bearer(headers)
            .filter(|token| token.matches(expected))
            .map(|_| ())
            .ok_or(RegistrationError::InitialAccessToken),
        RegistrationPolicy::Closed => Err(RegistrationError::Closed),
    }
}

async fn read_metadata(request: Request) -> Result<ClientMetadata, RegistrationError> {
    check_media_type(request.headers())?;
    let body = to_bytes(request.into_body(), MAX_BODY)
        .await
        .map_err(|_| RegistrationError::TooLarge)?;
    ClientMetadata::parse(&body)
}

fn check_media_type(headers: &HeaderMap) -> Result<(), RegistrationError> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence
        .filter(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
        .map(|_| ())
        .ok_or(RegistrationError::MediaType)
}

fn new_client(context: &Context, metadata: &ClientMetadata) -> (Client, Option<Secret>) {
    let secret = new_secret(context, metadata.auth_method);
    let client = Client {
        id: ClientId::new(new_identifier(context.random.as_ref())),
        name: metadata.name.clone(),
        uri: metadata.uri.clone(),
        redirect_uris: metadata.redirect_uris.clone(),
        auth_method: metadata.auth_method,
        secret: secret.as_ref().map(Secret::digest),
        keys: metadata.keys.clone(),
        grant_types: metadata.grant_types.clone(),
        // A limit that a client sets for itself guards nothing while anyone may register, and
        // would keep it from asking for more when a tool needs more. The role is the limit.
        scopes: None,
        refusals: None,
        created_at: context.clock.now(),
    };
    (client, secret)
}

/// RFC 7591 §3.2.1: who has no use for a secret gets none.
fn new_secret(context: &Context, method: TokenEndpointAuthMethod) -> Option<Secret> {
    match method {
        TokenEndpointAuthMethod::None | TokenEndpointAuthMethod::PrivateKeyJwt => None,
        TokenEndpointAuthMethod::ClientSecretBasic | TokenEndpointAuthMethod::ClientSecretPost => {
            Some(Secret::generate(context.random.as_ref()))
        }
    }
}

/// All that is known about `client` but its secret, which is said once.
fn information<'a>(
    tenant: &Tenant,
    client: &'a Client,
    token: &'a Secret,
) -> ClientInformation<'a> {
    let grant_types = client.grant_types.iter().copied();
    let redirect_uris = client.redirect_uris.iter().map(RedirectUri::as_str);
    let (jwks, jwks_uri) = match &client.keys {
        Some(ClientKeys::Inline(jwks)) => (serde_json::from_str(jwks).ok(), None),
        Some(ClientKeys::Uri(uri)) => (None, Some(uri.as_str())),
        None => (None, None),
    };
    ClientInformation {
        client_id: client.id.as_str(),
        client_id_issued_at: client.created_at.seconds(),
        client_secret: None,
        // RFC 7591 §3.2.1: required beside a secret; zero is never.
        client_secret_expires_at: client.secret.map(|_| 0),
        client_name: client.name.as_deref(),
        client_uri: client.uri.as_deref(),
        redirect_uris: redirect_uris.collect(),
        token_endpoint_auth_method: client.auth_method.as_str(),
        grant_types: grant_types.map(GrantType::as_str).collect(),
        response_types: ["code"],
        application_type: None,
        jwks,
        jwks_uri,
        registration_client_uri: tenant.public_url.join(&format!("/register/{}", client.id)),
        registration_access_token: token.expose(),
    }
}
