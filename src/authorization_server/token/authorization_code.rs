//! The authorization code grant (OAuth 2.1 §4.1.3).

use axum::response::Response;

use super::error::{GrantRefusal, TokenError};
use super::{TokenRequest, admit, check_resource, check_user, live_scopes, response};
use crate::authorization_server::Context;
use crate::model::{
    Actor, AuthorizationCode, Client, CodeVerifier, GrantType, RefreshToken, Secret, Tenant, User,
};
use crate::store::CodeRedemption;
use crate::web::Parameters;

pub(super) async fn exchange(
    context: &Context,
    tenant: &Tenant,
    request: &TokenRequest,
) -> Result<Response, TokenError> {
    let TokenRequest {
        client, parameters, ..
    } = request;
    let (code, user) = find_code(context, tenant, parameters).await?;
    // Whoever fails these checks is not the client that the code was made for, and must not be
    // able to spend it.
    check_binding(client, &code, parameters)?;
    check_verifier(&code, parameters)?;
    request.check_key(code.key)?;
    check_resource(tenant, &code.grant, parameters)?;
    admit(context, tenant, &code.grant.user).await?;
    check_user(&user)?;
    let scopes = live_scopes(context, tenant, &code.grant, &user)?;
    let token = response::issue(context, tenant, (&code.grant, scopes), request)?;
    let refresh = first_refresh_token(context, client);
    redeem(context, tenant, (&code, refresh.as_ref()), request).await?;
    tracing::info!(grant.id = %code.grant.id, "token issued for a code");
    Ok(token.answer(refresh.as_ref()))
}

async fn find_code(
    context: &Context,
    tenant: &Tenant,
    parameters: &Parameters,
) -> Result<(AuthorizationCode, User), TokenError> {
    let code = parameters.one("code")?.ok_or(TokenError::MissingCode)?;
    let digest = Secret::new(code.to_owned()).digest();
    let found = context.store.find_code(&tenant.slug, &digest).await?;
    Ok(found.ok_or(GrantRefusal::Unknown)?)
}

fn check_binding(
    client: &Client,
    code: &AuthorizationCode,
    parameters: &Parameters,
) -> Result<(), TokenError> {
    // RFC 6749 §4.1.3: the code is bound to the client.
    if code.grant.client != client.id {
        return Err(GrantRefusal::OtherClient.into());
    }
    // OAuth 2.1 §10.2: PKCE has taken the redirect URI's part, so it may be absent; where an
    // older client sends it, it is the one of the authorization request.
    match parameters.one("redirect_uri")? {
        Some(uri) if uri != code.redirect_uri.as_str() => Err(GrantRefusal::RedirectUri.into()),
        Some(_) | None => Ok(()),
    }
}

fn check_verifier(code: &AuthorizationCode, parameters: &Parameters) -> Result<(), TokenError> {
    // RFC 7636 §4.6, and OAuth 2.1 §4.1.3: every code has a challenge, so a verifier must come.
    let verifier = parameters.one("code_verifier")?;
    let verifier = verifier.and_then(|text| CodeVerifier::parse(text).ok());
    match verifier {
        Some(verifier) if code.challenge.is_met_by(&verifier) => Ok(()),
        Some(_) | None => Err(GrantRefusal::Verifier.into()),
    }
}

fn first_refresh_token(context: &Context, client: &Client) -> Option<Secret> {
    client
        .may_use(GrantType::RefreshToken)
        .then(|| Secret::generate(context.random.as_ref()))
}

async fn redeem(
    context: &Context,
    tenant: &Tenant,
    (code, refresh): (&AuthorizationCode, Option<&Secret>),
    request: &TokenRequest,
) -> Result<(), TokenError> {
    let now = context.clock.now();
    let refresh = refresh.map(|secret| RefreshToken {
        digest: secret.digest(),
        grant: code.grant.id.clone(),
        key: request.key_of_refresh_token(),
        expires_at: now.after(context.tokens.refresh_ttl),
    });
    let actor = Actor::Client(code.grant.client.clone());
    let change = context.change(tenant, actor).about(&code.grant);
    let redemption = context
        .store
        .redeem_code(&change, &code.digest, refresh.as_ref());
    match redemption.await? {
        CodeRedemption::Redeemed => Ok(()),
        CodeRedemption::Replayed => {
            tracing::warn!(grant.id = %code.grant.id, "a code was replayed: its grant is revoked");
            Err(GrantRefusal::Reused.into())
        }
        CodeRedemption::Refused => Err(GrantRefusal::Ended.into()),
    }
}
