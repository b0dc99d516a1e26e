//! The client credentials grant (OAuth 2.1 §4.2): a client that acts for itself.

use axum::response::Response;

use super::error::TokenError;
use super::{TokenRequest, check_resource, response};
use crate::authorization_server::{Context, scopes};
use crate::model::{
    Client, Grant, GrantId, ScopeSet, Tenant, TokenEndpointAuthMethod, UserId, new_identifier,
};
use crate::web::Parameters;

/// Nothing is stored: such a client asks again when its token has ended, and gets no refresh token
/// (OAuth 2.1 §4.2.3).
pub(super) fn exchange(
    context: &Context,
    tenant: &Tenant,
    request: &TokenRequest,
) -> Result<Response, TokenError> {
    let TokenRequest {
        client, parameters, ..
    } = request;
    // OAuth 2.1 §4.2: confidential clients only.
    if client.auth_method == TokenEndpointAuthMethod::None {
        return Err(TokenError::UnauthorizedClient);
    }
    let grant = Grant {
        id: GrantId::new(new_identifier(context.random.as_ref())),
        client: client.id.clone(),
        // RFC 9068 §5: the subject is the client, which no account is called like.
        user: UserId::new(client.id.as_str()),
        scopes: read_scopes(context, client, parameters)?,
        resource: tenant.resource.clone(),
        created_at: context.clock.now(),
        revoked_at: None,
    };
    check_resource(tenant, &grant, parameters)?;
    let token = response::issue_unstored(context, tenant, &grant, request)?;
    tracing::info!("token issued to a client for itself");
    Ok(token.answer(None))
}

/// What the operator gave the client, as far as it asks for it.
fn read_scopes(
    context: &Context,
    client: &Client,
    parameters: &Parameters,
) -> Result<ScopeSet, TokenError> {
    let limit = client.scopes.clone().unwrap_or_default();
    let has = limit.intersection(&context.catalogue.all());
    let asked = parameters.one("scope")?.unwrap_or_default();
    let asked = scopes::parse(asked).map_err(|_| TokenError::InvalidScope)?;
    let granted = if asked.is_empty() {
        has
    } else {
        asked.intersection(&context.catalogue.expand(&has))
    };
    if granted.is_empty() {
        return Err(TokenError::InvalidScope);
    }
    Ok(granted)
}
