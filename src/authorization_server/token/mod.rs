//! The token endpoint (OAuth 2.1 §3.2): POST /token.

mod authorization_code;
mod client_credentials;
mod error;
mod identity_assertion;
mod refresh_token;
mod response;

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::HeaderMap;

use error::{GrantRefusal, TokenError};

pub(super) use response::token_type;

use super::client_authentication::authenticate;
use super::{Context, dpop};
use crate::model::{
    Actor, Client, ClientId, Event, Grant, GrantType, KeyThumbprint, ResourceUri, Rule, ScopeSet,
    Subject, Tenant, TokenEndpointAuthMethod, User, UserId,
};
use crate::telemetry::{Counted, origin};
use crate::web::{Parameters, read_form};

/// A request of a client that has shown who it is.
#[derive(Debug)]
struct TokenRequest {
    client: Client,
    /// The key that the client proved to have, and wants its tokens bound to.
    key: Option<KeyThumbprint>,
    parameters: Parameters,
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let mut client = None;
    let exchanged = exchange((&context, &tenant), &headers, request, &mut client).await;
    let response = match exchanged {
        Ok(response) => response,
        Err(error) => {
            let actor = client.map_or(Actor::Unknown, Actor::Client);
            let code = error.code();
            context.meters.count(Counted::TokenErrors, code);
            let event = Event::TokenRequestRefused(code);
            context.audit.record(&tenant.slug, actor, event).await;
            error.refuse(&tenant)
        }
    };
    dpop::with_nonce(&context, &tenant, &headers, response)
}

async fn exchange(
    (context, tenant): (&Context, &Tenant),
    headers: &HeaderMap,
    request: Request,
    shown: &mut Option<ClientId>,
) -> Result<Response, TokenError> {
    let parameters = read_form(request).await?;
    let client = authenticate(context, tenant, headers, &parameters).await?;
    origin::note_client(&client.id);
    *shown = Some(client.id.clone());
    let grant_type = read_grant_type(tenant, &parameters)?;
    if !client.may_use(grant_type) {
        return Err(TokenError::UnauthorizedClient);
    }
    let request = TokenRequest {
        client,
        key: dpop::prove(context, tenant, headers, "/token").await?,
        parameters,
    };
    let issued = match grant_type {
        GrantType::AuthorizationCode => {
            authorization_code::exchange(context, tenant, &request).await
        }
        GrantType::RefreshToken => refresh_token::exchange(context, tenant, &request).await,
        GrantType::ClientCredentials => {
            let issued = client_credentials::exchange(context, tenant, &request)?;
            let actor = Actor::Client(request.client.id.clone());
            let event = Event::TokenIssued("client_credentials");
            context.audit.record(&tenant.slug, actor, event).await;
            Ok(issued)
        }
        GrantType::JwtBearer => identity_assertion::exchange(context, tenant, &request).await,
    }?;
    let meters = &context.meters;
    meters.count(Counted::TokensIssued, grant_type.as_str());
    Ok(issued)
}

impl TokenRequest {
    /// RFC 9449 §5: the key for the refresh token of a public client. Other clients prove who they
    /// are at each refresh, and may change their key.
    fn key_of_refresh_token(&self) -> Option<KeyThumbprint> {
        let is_public = self.client.auth_method == TokenEndpointAuthMethod::None;
        self.key.filter(|_| is_public)
    }

    /// RFC 9449 §5 and §10: what is bound to a key is of use to its holder only.
    fn check_key(&self, bound_to: Option<KeyThumbprint>) -> Result<(), GrantRefusal> {
        if bound_to.is_none() || bound_to == self.key {
            Ok(())
        } else {
            Err(GrantRefusal::Key)
        }
    }
}

fn read_grant_type(tenant: &Tenant, parameters: &Parameters) -> Result<GrantType, TokenError> {
    let name = parameters
        .one("grant_type")?
        .ok_or(TokenError::MissingGrantType)?;
    let known = GrantType::from_name(name).ok_or(TokenError::UnsupportedGrantType)?;
    // Where nobody's word is taken, it is as if there were no such grant.
    if known == GrantType::JwtBearer && tenant.identity_assertions.is_empty() {
        return Err(TokenError::UnsupportedGrantType);
    }
    Ok(known)
}

/// Counts a token for this person, before anything is spent for it.
async fn admit(context: &Context, tenant: &Tenant, user: &UserId) -> Result<(), TokenError> {
    let subject = Subject::Person(user.as_str());
    let admitted = context
        .limiter
        .admit(tenant, Rule::TokenPerPrincipal, subject);
    Ok(admitted.await?)
}

/// Whether whoever gave a grant still may: a disabled account gives nothing.
fn check_user(user: &User) -> Result<(), GrantRefusal> {
    if user.disabled {
        Err(GrantRefusal::User)
    } else {
        Ok(())
    }
}

/// What `grant` is good for at this moment: its scopes, as far as the person's roles still have
/// them.
fn live_scopes(
    context: &Context,
    tenant: &Tenant,
    grant: &Grant,
    user: &User,
) -> Result<ScopeSet, TokenError> {
    let scopes = super::scopes::narrow_to_user(context, tenant, user, &grant.scopes);
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
