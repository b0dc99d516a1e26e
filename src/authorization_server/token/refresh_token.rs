//! The refresh token grant with rotation (OAuth 2.1 §4.3, RFC 9700 §4.14.2).

use axum::response::Response;

use super::error::{GrantRefusal, TokenError};
use super::{TokenRequest, admit, check_resource, check_user, live_scopes, response};
use crate::authorization_server::{Context, scopes};
use crate::identity::RenewalError;
use crate::model::{
    Actor, Client, Grant, KeyThumbprint, RefreshToken, ScopeSet, Secret, Tenant, User,
};
use crate::store::{Rotation, RotationOutcome};
use crate::web::Parameters;

pub(super) async fn exchange(
    context: &Context,
    tenant: &Tenant,
    request: &TokenRequest,
) -> Result<Response, TokenError> {
    let TokenRequest {
        client, parameters, ..
    } = request;
    let presented = parameters
        .one("refresh_token")?
        .map(|token| Secret::new(token.to_owned()))
        .ok_or(TokenError::MissingRefreshToken)?;
    let (bound_to, grant, user) = find_grant(context, tenant, client, &presented).await?;
    request.check_key(bound_to)?;
    // All that can be wrong with the request is found before the token is spent.
    check_resource(tenant, &grant, parameters)?;
    let asked = read_scope(context, &grant, parameters)?;
    admit(context, tenant, &grant.user).await?;
    let user = renew(context, tenant, &grant, user).await?;
    let live = live_scopes(context, tenant, &grant, &user)?;
    let scopes = narrow(live, asked)?;
    let token = response::issue(context, tenant, (&grant, scopes), request)?;
    let successor = rotate(context, tenant, (&grant, bound_to), &presented).await?;
    tracing::info!(grant.id = %grant.id, "token refreshed");
    Ok(token.answer(Some(&successor)))
}

/// The person with what their identity provider says of them now. Where it no longer vouches for
/// them, the grant ends with all that came of it.
async fn renew(
    context: &Context,
    tenant: &Tenant,
    grant: &Grant,
    user: User,
) -> Result<User, TokenError> {
    if grant.revoked_at.is_some() {
        return Err(GrantRefusal::Ended.into());
    }
    check_user(&user)?;
    match context.federated.renew(tenant, user).await {
        Ok(user) => Ok(user),
        Err(RenewalError::Ended) => {
            let id = &grant.id;
            let change = context.change(tenant, Actor::System).about(grant);
            context.store.revoke_grant(&change, id).await?;
            tracing::info!(grant.id = %id, user.id = %grant.user, "the identity provider ended a grant");
            Err(GrantRefusal::Provider.into())
        }
        Err(RenewalError::SignInAgain) => Err(GrantRefusal::SignIn.into()),
        Err(RenewalError::TryLater) => Err(TokenError::ProviderUnavailable),
        Err(RenewalError::Store(error)) => Err(error.into()),
    }
}

async fn find_grant(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    presented: &Secret,
) -> Result<(Option<KeyThumbprint>, Grant, User), TokenError> {
    let digest = presented.digest();
    let found = context.store.find_refresh_token(&tenant.slug, &digest);
    let (token, grant, user) = found.await?.ok_or(GrantRefusal::Unknown)?;
    // RFC 6749 §6: bound to the client. The grant stays: else anyone could end anyone's.
    if grant.client != client.id {
        return Err(GrantRefusal::OtherClient.into());
    }
    Ok((token.key, grant, user))
}

/// RFC 6749 §6: the scope may be narrower than the grant's, never wider.
fn read_scope(
    context: &Context,
    grant: &Grant,
    parameters: &Parameters,
) -> Result<Option<ScopeSet>, TokenError> {
    let Some(text) = parameters.one("scope")? else {
        return Ok(None);
    };
    let asked = scopes::parse(text).map_err(|_| TokenError::InvalidScope)?;
    if !context.catalogue.expand(&grant.scopes).is_superset(&asked) {
        return Err(TokenError::InvalidScope);
    }
    Ok(Some(asked).filter(|asked| !asked.is_empty()))
}

/// What the access token gets; the grant keeps all that it has.
fn narrow(live: ScopeSet, asked: Option<ScopeSet>) -> Result<ScopeSet, TokenError> {
    let Some(asked) = asked else {
        return Ok(live);
    };
    let narrowed = live.intersection(&asked);
    if narrowed.is_empty() {
        return Err(TokenError::InvalidScope);
    }
    Ok(narrowed)
}

async fn rotate(
    context: &Context,
    tenant: &Tenant,
    (grant, key): (&Grant, Option<KeyThumbprint>),
    presented: &Secret,
) -> Result<Secret, TokenError> {
    let now = context.clock.now();
    let mut salt = [0_u8; 32];
    context.random.fill(&mut salt);
    let successor = presented.derive(&salt);
    let rotation = Rotation {
        presented: presented.digest(),
        salt,
        successor: RefreshToken {
            digest: successor.digest(),
            grant: grant.id.clone(),
            key,
            expires_at: now.after(context.tokens.refresh_ttl),
        },
        now,
        grace: context.tokens.refresh_grace,
    };
    let actor = Actor::Client(grant.client.clone());
    let change = context.change(tenant, actor).about(grant);
    let outcome = context.store.rotate_refresh_token(&change, &rotation);
    match outcome.await? {
        RotationOutcome::Rotated => Ok(successor),
        // The answer was lost, or two requests crossed: the same successor once more.
        RotationOutcome::Repeated { salt } => Ok(presented.derive(&salt)),
        RotationOutcome::Reused => {
            tracing::warn!(
                grant.id = %grant.id,
                "a refresh token was reused: its grant is revoked"
            );
            Err(GrantRefusal::Reused.into())
        }
        RotationOutcome::Refused => Err(GrantRefusal::Ended.into()),
    }
}
