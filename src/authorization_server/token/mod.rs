//! The token endpoint (OAuth 2.1 §3.2): POST /token.

mod authorization_code;
mod client_credentials;
mod error;
mod refresh_token;
mod response;

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;

use error::{GrantRefusal, TokenError};

use super::Context;
use super::client_authentication::authenticate;
use crate::model::{Grant, GrantType, ResourceUri, ScopeSet, Tenant};
use crate::web::{Parameters, read_form};

#[tracing::instrument(
    name = "authorization_server.token.post",
    skip_all,
    fields(tenant = %tenant.slug, client.id = tracing::field::Empty)
)]
pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    exchange(&context, &tenant, request)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

async fn exchange(
    context: &Context,
    tenant: &Tenant,
    request: Request,
) -> Result<Response, TokenError> {
    let headers = request.headers().clone();
    let parameters = read_form(request).await?;
    let client = authenticate(context, tenant, &headers, &parameters).await?;
    tracing::Span::current().record("client.id", client.id.as_str());
    let grant_type = read_grant_type(&parameters)?;
    if !client.may_use(grant_type) {
        return Err(TokenError::UnauthorizedClient);
    }
    match grant_type {
        GrantType::AuthorizationCode => {
            authorization_code::exchange(context, tenant, &client, &parameters).await
        }
        GrantType::RefreshToken => {
            refresh_token::exchange(context, tenant, &client, &parameters).await
        }
        GrantType::ClientCredentials => {
            client_credentials::exchange(context, tenant, &client, &parameters)
        }
    }
}

fn read_grant_type(parameters: &Parameters) -> Result<GrantType, TokenError> {
    let name = parameters
        .one("grant_type")?
        .ok_or(TokenError::MissingGrantType)?;
    GrantType::from_name(name).ok_or(TokenError::UnsupportedGrantType)
}

/// What `grant` is good for at this moment: its scopes, as far as the person's role still has
/// them. Nothing when the account is gone or disabled.
async fn live_scopes(
    context: &Context,
    tenant: &Tenant,
    grant: &Grant,
) -> Result<ScopeSet, TokenError> {
    let user = context.store.find_user(&tenant.slug, &grant.user).await?;
    let user = user
        .filter(|user| !user.disabled)
        .ok_or(GrantRefusal::User)?;
    let scopes = super::scopes::narrow_to_user(context, tenant, &user, &grant.scopes);
    if scopes.is_empty() {
        return Err(GrantRefusal::Scopes.into());
    }
    Ok(scopes)
}

/// RFC 8707 §2.2: a token request may name the grant's resource, and no other.
fn check_resource(
    tenant: &Tenant,
    grant: &Grant,
    parameters: &Parameters,
) -> Result<(), TokenError> {
    // A resource that is served no more ends the grant: clients don't recover from
    // `invalid_target` here.
    if grant.resource != tenant.resource {
        return Err(GrantRefusal::Resource.into());
    }
    let same = |text| ResourceUri::parse(text).is_ok_and(|uri| uri == grant.resource);
    if parameters.all("resource").all(same) {
        Ok(())
    } else {
        Err(TokenError::InvalidTarget)
    }
}
