//! The identity assertion grant: a client comes with the word of an identity provider about its user
//! (draft-ietf-oauth-identity-assertion-authz-grant §4.4, RFC 7523 §2.1 and §3).

use std::time::Duration;

use axum::response::Response;

use super::error::{GrantRefusal, TokenError};
use super::{TokenRequest, check_resource, response};
use crate::authorization_server::{Context, scopes};
use crate::identity::AdmissionError;
use crate::identity::oidc::Person;
use crate::jose::{InvalidIssuerToken, IssuerClaims, IssuerToken};
use crate::model::{
    Actor, AssertionIssuer, Grant, GrantId, ScopeSet, SingleUse, Tenant, Timestamp,
    TokenEndpointAuthMethod, User, new_identifier,
};

/// RFC 8725 §3.11: no other token of the provider is an assertion.
const TYPE: &str = "oauth-id-jag+jwt";
/// How far the clocks of providers may be off.
const LEEWAY: Duration = Duration::from_secs(30);
/// For longer than this nobody has to remember what was used.
const MAX_LIFETIME: Duration = Duration::from_hours(1);
const MAX_IDENTIFIER: usize = 256;
const MAX_SUBJECT: usize = 255;
const MAX_GROUPS: usize = 2000;

/// No refresh token comes of it: the client asks its identity provider again, who so has the last
/// word on whether the person is still there.
pub(super) async fn exchange(
    context: &Context,
    tenant: &Tenant,
    request: &TokenRequest,
) -> Result<Response, TokenError> {
    let TokenRequest {
        client, parameters, ..
    } = request;
    // Who can't prove who they are could be anyone who found an assertion.
    if client.auth_method == TokenEndpointAuthMethod::None {
        return Err(TokenError::UnauthorizedClient);
    }
    let text = parameters.one("assertion")?;
    let text = text.ok_or(TokenError::MissingAssertion)?;
    let assertion = IssuerToken::parse(text).map_err(GrantRefusal::from)?;
    let issuer = find_issuer(tenant, &assertion)?;
    check_claims(context, tenant, (issuer, request), assertion.claimed())?;
    let claims = verify(context, issuer, &assertion).await?;
    let asked = read_scopes(context, tenant, request, claims)?;
    // Before its word changes anything: what it says about groups may be out of date by the second
    // time. Whoever is refused after this asks the identity provider again.
    let identifier = single_use(issuer, claims)?;
    if !context.store.spend(&tenant.slug, &identifier).await? {
        return Err(GrantRefusal::Replayed.into());
    }
    let user = find_user(context, tenant, issuer, claims).await?;
    let scopes = scopes::narrow_to_user(context, tenant, &user, &asked);
    if scopes.is_empty() {
        return Err(GrantRefusal::Scopes.into());
    }
    let now = context.clock.now();
    let grant = Grant {
        id: GrantId::new(new_identifier(context.random.as_ref())),
        client: client.id.clone(),
        user: user.id,
        scopes: scopes.clone(),
        resource: tenant.resource.clone(),
        created_at: now,
        revoked_at: None,
    };
    check_resource(tenant, &grant, parameters)?;
    let token = response::issue(context, tenant, (&grant, scopes), request)?;
    let ends_at = now.after(context.tokens.access_ttl);
    let client = Actor::Client(client.id.clone());
    let change = context.change(tenant, client).about(&grant);
    let begun = context.store.begin_asserted_grant(&change, &grant, ends_at);
    begun.await?;
    tracing::info!(grant.id = %grant.id, "token issued for an identity assertion");
    Ok(token.answer(None))
}

fn find_issuer<'a>(
    tenant: &'a Tenant,
    assertion: &IssuerToken<'_>,
) -> Result<&'a AssertionIssuer, GrantRefusal> {
    if !assertion.is_type(TYPE) {
        return Err(GrantRefusal::Assertion);
    }
    let iss = assertion.claimed().text("iss");
    let mut issuers = tenant.identity_assertions.iter();
    let issuer = issuers.find(|issuer| iss == Some(issuer.keys.issuer.as_str()));
    issuer.ok_or(GrantRefusal::Issuer)
}

/// Everything that can be said before a key is looked for.
fn check_claims(
    context: &Context,
    tenant: &Tenant,
    (issuer, request): (&AssertionIssuer, &TokenRequest),
    claims: &IssuerClaims,
) -> Result<(), TokenError> {
    // RFC 7523 §3, point 3: for this server, and for nobody else beside it.
    if claims.audience().map_err(GrantRefusal::from)? != [tenant.issuer()] {
        return Err(GrantRefusal::Audience.into());
    }
    // The client that the provider gave it to is the one that comes with it.
    let client = &request.client.id;
    if claims.text("client_id") != Some(client.as_str()) || !issuer.takes(client) {
        return Err(GrantRefusal::OtherClient.into());
    }
    if claims.text("resource") != Some(tenant.resource.as_str()) {
        return Err(TokenError::InvalidTarget);
    }
    let (Some(exp), Some(iat)) = (time(claims, "exp")?, time(claims, "iat")?) else {
        return Err(GrantRefusal::Assertion.into());
    };
    let now = context.clock.now();
    let soon = now.after(LEEWAY);
    let begun = [Some(iat), time(claims, "nbf")?];
    let begun = begun.into_iter().flatten().all(|begin| begin <= soon);
    if exp.after(LEEWAY) <= now || exp > soon.after(MAX_LIFETIME) || !begun {
        return Err(GrantRefusal::Ended.into());
    }
    single_use(issuer, claims)?;
    Ok(())
}

async fn verify<'a>(
    context: &Context,
    issuer: &AssertionIssuer,
    assertion: &'a IssuerToken<'_>,
) -> Result<&'a IssuerClaims, TokenError> {
    let check = || match context.issuer_keys.held(&issuer.keys) {
        Some(keys) => assertion.verify(&keys).map_err(TokenError::from),
        None => Err(TokenError::NoKeys),
    };
    let outcome = check();
    let unknown = GrantRefusal::UnknownKey;
    let lacking = matches!(&outcome, Err(TokenError::InvalidGrant(reason)) if *reason == unknown);
    if lacking || context.issuer_keys.is_due(&issuer.keys) {
        // There is time for it here: one look, and not too often.
        context.issuer_keys.look(&issuer.keys).await;
        return check();
    }
    outcome
}

fn single_use(issuer: &AssertionIssuer, claims: &IssuerClaims) -> Result<SingleUse, GrantRefusal> {
    let short = |id: &&str| id.len() <= MAX_IDENTIFIER;
    let jti = claims.text("jti").filter(short);
    let jti = jti.ok_or(GrantRefusal::Assertion)?;
    let exp = time(claims, "exp")?.ok_or(GrantRefusal::Assertion)?;
    let end = exp.after(LEEWAY).after(Duration::from_secs(1));
    let holder = &issuer.keys.issuer;
    Ok(SingleUse::new("identity_assertion", holder, jti, end))
}

/// What the client asks for, as far as the assertion and the client's own limit go.
fn read_scopes(
    context: &Context,
    tenant: &Tenant,
    TokenRequest {
        client, parameters, ..
    }: &TokenRequest,
    claims: &IssuerClaims,
) -> Result<ScopeSet, TokenError> {
    let read = |text: &str| scopes::parse(text).map_err(|_| TokenError::InvalidScope);
    let asked = read(parameters.one("scope")?.unwrap_or_default())?;
    let asserted = if claims.has("scope") {
        let text = claims.text("scope").unwrap_or_default();
        Some(scopes::parse(text).map_err(|_| GrantRefusal::Assertion)?)
    } else {
        None
    };
    let asked = match asserted {
        None => asked,
        Some(asserted) if asked.is_empty() => asserted,
        Some(asserted) => asked.intersection(&context.catalogue.expand(&asserted)),
    };
    if claims.has("scope") && asked.is_empty() {
        return Err(GrantRefusal::Scopes.into());
    }
    Ok(scopes::narrow_to_client(context, tenant, client, asked))
}

/// The account of the person, made when they are first heard of, as at a sign-in.
async fn find_user(
    context: &Context,
    tenant: &Tenant,
    issuer: &AssertionIssuer,
    claims: &IssuerClaims,
) -> Result<User, TokenError> {
    let person = read_person(issuer, claims)?;
    let said_at = time(claims, "iat")?.ok_or(GrantRefusal::Assertion)?;
    let known = context
        .federated
        .recognise(tenant, &issuer.provider, &person, said_at);
    known.await.map_err(|error| match error {
        AdmissionError::Store(error) => TokenError::Store(error),
        AdmissionError::NoRole => GrantRefusal::Scopes.into(),
        AdmissionError::Disabled => GrantRefusal::User.into(),
    })
}

fn read_person(issuer: &AssertionIssuer, claims: &IssuerClaims) -> Result<Person, GrantRefusal> {
    let subject = claims.text(&issuer.provider.subject_claim);
    let subject = subject.filter(|subject| subject.len() <= MAX_SUBJECT);
    let groups = claims.values(&issuer.provider.groups_claim);
    if groups
        .as_ref()
        .is_some_and(|groups| groups.len() > MAX_GROUPS)
    {
        return Err(GrantRefusal::Assertion);
    }
    Ok(Person {
        issuer: issuer.keys.issuer.clone(),
        subject: subject.ok_or(GrantRefusal::Assertion)?.to_owned(),
        groups: groups.map(|groups| groups.into_iter().map(str::to_owned).collect()),
        email: None,
        display_name: None,
        username: None,
        session: None,
        refresh_token: None,
    })
}

fn time(claims: &IssuerClaims, name: &str) -> Result<Option<Timestamp>, GrantRefusal> {
    Ok(claims.time(name)?)
}

impl From<InvalidIssuerToken> for GrantRefusal {
    fn from(error: InvalidIssuerToken) -> Self {
        match error {
            InvalidIssuerToken::UnknownKey => Self::UnknownKey,
            InvalidIssuerToken::Malformed
            | InvalidIssuerToken::Header
            | InvalidIssuerToken::Algorithm
            | InvalidIssuerToken::Claims
            | InvalidIssuerToken::Signature => Self::Assertion,
        }
    }
}

impl From<InvalidIssuerToken> for TokenError {
    fn from(error: InvalidIssuerToken) -> Self {
        Self::InvalidGrant(error.into())
    }
}
