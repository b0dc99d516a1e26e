//! Client configuration (RFC 7592 §2): GET, PUT and DELETE `/register/{client_id}`.

use std::sync::Arc;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::client_metadata::{ApplicationType, ClientMetadata};
use super::error::RegistrationError;
use super::{ClientInformation, information, new_secret, read_metadata};
use crate::authorization_server::Context;
use crate::model::{Actor, Client, ClientId, Secret, Tenant};
use crate::web::{self, read_bearer};

/// RFC 7592 §2.1.
pub(in crate::authorization_server) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    read(&context, &tenant, id, &headers)
        .await
        .unwrap_or_else(RegistrationError::refuse)
}

/// RFC 7592 §2.2.
pub(in crate::authorization_server) async fn put(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    replace(&context, &tenant, id, request)
        .await
        .unwrap_or_else(RegistrationError::refuse)
}

/// RFC 7592 §2.3.
pub(in crate::authorization_server) async fn delete(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    remove(&context, &tenant, id, &headers)
        .await
        .unwrap_or_else(RegistrationError::refuse)
}

async fn read(
    context: &Context,
    tenant: &Tenant,
    id: String,
    headers: &HeaderMap,
) -> Result<Response, RegistrationError> {
    let (client, token) = authenticate(context, tenant, id, headers).await?;
    Ok(web::json(
        StatusCode::OK,
        &information(tenant, &client, &token),
    ))
}

async fn replace(
    context: &Context,
    tenant: &Tenant,
    id: String,
    request: Request,
) -> Result<Response, RegistrationError> {
    let (client, token) = authenticate(context, tenant, id, request.headers()).await?;
    let metadata = read_metadata(request).await?;
    check_identity(&client, &metadata)?;
    // The secret stays while there is a use for it: what was read and sent back as it was changes
    // nothing.
    let secret = match client.secret {
        Some(_) => None,
        None => new_secret(context, metadata.auth_method),
    };
    let kept = client.secret.filter(|_| metadata.auth_method.has_secret());
    let client = Client {
        name: metadata.name,
        uri: metadata.uri,
        redirect_uris: metadata.redirect_uris,
        auth_method: metadata.auth_method,
        secret: secret.as_ref().map(Secret::digest).or(kept),
        keys: metadata.keys,
        grant_types: metadata.grant_types,
        ..client
    };
    let change = context.change(tenant, Actor::Client(client.id.clone()));
    if !context.store.replace_client(&change, &client).await? {
        return Err(RegistrationError::RegistrationAccessToken);
    }
    tracing::info!(client.id = %client.id, "client registration replaced");
    // The token stays as well: a client that lost the answer could not come back with a new one.
    let information = ClientInformation {
        client_secret: secret.as_ref().map(Secret::expose),
        application_type: metadata.application_type.map(ApplicationType::as_str),
        ..information(tenant, &client, &token)
    };
    Ok(web::json(StatusCode::OK, &information))
}

async fn remove(
    context: &Context,
    tenant: &Tenant,
    id: String,
    headers: &HeaderMap,
) -> Result<Response, RegistrationError> {
    let (client, _) = authenticate(context, tenant, id, headers).await?;
    let change = context.change(tenant, Actor::Client(client.id.clone()));
    context.store.remove_client(&change, &client.id).await?;
    tracing::info!(client.id = %client.id, "client registration removed");
    let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((StatusCode::NO_CONTENT, [no_store]).into_response())
}

/// RFC 7592 §3: a client that is not there is refused like a token that is wrong.
async fn authenticate(
    context: &Context,
    tenant: &Tenant,
    id: String,
    headers: &HeaderMap,
) -> Result<(Client, Secret), RegistrationError> {
    let refused = RegistrationError::RegistrationAccessToken;
    let Some(token) = read_bearer(headers) else {
        return Err(refused);
    };
    let (id, digest) = (ClientId::new(id), token.digest());
    let found = context
        .store
        .find_own_registration(&tenant.slug, &id, &digest)
        .await?;
    Ok((found.ok_or(refused)?, token))
}

/// RFC 7592 §2.2: the document names its client, and its secret only if it knows it.
fn check_identity(client: &Client, metadata: &ClientMetadata) -> Result<(), RegistrationError> {
    let same_id = metadata.client_id.as_deref() == Some(client.id.as_str());
    let same_secret = match (&metadata.client_secret, &client.secret) {
        (None, _) => true,
        (Some(sent), Some(stored)) => stored.matches(&sent.digest()),
        (Some(_), None) => false,
    };
    if same_id && same_secret {
        Ok(())
    } else {
        Err(RegistrationError::OtherClient)
    }
}
