//! Consent (OAuth 2.1 §4.1.1, §7.6): the page, and the answer to it at POST /consent.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::authorize::{AuthorizationRequest, AuthorizeError, PageError, RedirectError};
use super::login_session::SignedIn;
use super::pages::{self, Asking, Brand, ConsentPage, ScopeLine};
use super::{Context, clients, form_token, login, login_session, scopes};
use crate::model::{
    Actor, AuthorizationCode, Consent, Event, Grant, GrantId, Scope, ScopeSet, Secret, Tenant,
    new_identifier,
};
use crate::web::{self, Parameters, read_form};

/// What the person answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Approve,
    Deny,
    /// They are not the one who is signed in.
    SwitchUser,
}

const FORM: &str = "consent";

/// OAuth 2.1 §4.1.2 recommends at most ten minutes; a client needs seconds.
const CODE_LIFETIME: Duration = Duration::from_mins(1);

/// Asks the person for consent.
pub(super) fn ask(
    context: &Context,
    tenant: &Tenant,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
) -> Result<Response, AuthorizeError> {
    let granted = grantable(context, tenant, request, signed_in);
    if granted.is_empty() {
        let back = Box::new(request.back.clone());
        return Err(AuthorizeError::Redirect(back, RedirectError::InvalidScope));
    }
    let query = request.query();
    let page = ConsentPage {
        brand: Brand::of(tenant),
        asking: Asking {
            host: tenant.public_url.host(),
            client: request.client.display_name(),
            is_verified: is_verified(request),
            destination: request.back.redirect_uri.destination(),
            is_loopback: request.back.redirect_uri.is_loopback(),
            scopes: lines(context, &granted),
        },
        username: &signed_in.user.username,
        action: format!("{}/consent?{query}", tenant.public_url.path()),
        form_token: form_token::make(&signed_in.cookie, FORM, &query),
    };
    Ok(pages::show(tenant, StatusCode::OK, &page))
}

/// Scopes in words.
pub(super) fn lines<'a>(context: &'a Context, scopes: &'a ScopeSet) -> Vec<ScopeLine<'a>> {
    let line = |scope: &'a Scope| ScopeLine {
        scope: scope.as_str(),
        description: context
            .catalogue
            .get(scope)
            .map_or(scope.as_str(), |found| found.description.as_str()),
    };
    scopes.iter().map(line).collect()
}

/// True when the host that the person is sent back to also vouches for the application.
pub(super) fn is_verified(request: &AuthorizationRequest) -> bool {
    let redirect_uri = &request.back.redirect_uri;
    let host = clients::vouching_host(&request.client);
    !redirect_uri.is_loopback() && host == Some(redirect_uri.destination())
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    decide(&context, &tenant, query.as_deref(), request)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

async fn decide(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    http: Request,
) -> Result<Response, AuthorizeError> {
    // Nothing is carried over from the page: the request is checked anew, and so is the account.
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    let headers = http.headers().clone();
    let fields = read_form(http).await.map_err(PageError::from)?;
    let Some(signed_in) = login_session::find(context, tenant, &headers).await? else {
        return Ok(web::see_other(&login::address(tenant, &request)));
    };
    check_form(tenant, &request, &headers, (&signed_in, &fields))?;
    match Decision::read(&fields)? {
        Decision::Approve => approve(context, tenant, request, &signed_in).await,
        Decision::Deny => {
            request.end(context, tenant).await?;
            let (audit, actor) = (&context.audit, Actor::User(signed_in.user.id.clone()));
            let event = Event::ConsentDenied(&request.client.id);
            audit.record(&tenant.slug, actor, event).await;
            Err(request.refuse(RedirectError::AccessDenied))
        }
        Decision::SwitchUser => {
            let cleared = login_session::end(context, tenant, &headers).await?;
            let response = web::see_other(&login::address_of_another(tenant, &request));
            Ok(login_session::with_cookie(response, cleared))
        }
    }
}

/// Carries out what the person approved of.
pub(super) async fn approve(
    context: &Context,
    tenant: &Tenant,
    request: AuthorizationRequest,
    signed_in: &SignedIn,
) -> Result<Response, AuthorizeError> {
    request.end(context, tenant).await?;
    remember(context, tenant, &request, signed_in).await?;
    issue_code(context, tenant, request, (signed_in, true)).await
}

/// True when the person agreed to this very request before, and the browser was not sent here by
/// another site: else whoever got a client registered could collect codes unseen. Neither may our
/// own sign-in page have led here, which hides who sent the person there.
pub(super) async fn is_remembered(
    context: &Context,
    tenant: &Tenant,
    request: &AuthorizationRequest,
    (signed_in, headers): (&SignedIn, &HeaderMap),
) -> Result<bool, AuthorizeError> {
    if !can_be_remembered(request)
        || !web::comes_from_here(headers)
        || request.is_older_than(signed_in.since)
    {
        return Ok(false);
    }
    let found = context
        .store
        .find_consent(&tenant.slug, &signed_in.user.id, &request.client.id)
        .await?;
    let granted = grantable(context, tenant, request, signed_in);
    Ok(found.is_some_and(|consent| {
        consent.redirect_host == request.back.redirect_uri.destination()
            && consent.resource == tenant.resource
            && consent.scopes.is_superset(&granted)
    }))
}

/// Any program on the person's computer can answer at a loopback address or for a scheme of its
/// own, so that only they can tell whether they started it (RFC 8252 §8.6).
fn can_be_remembered(request: &AuthorizationRequest) -> bool {
    request.back.redirect_uri.as_str().starts_with("https://")
}

async fn remember(
    context: &Context,
    tenant: &Tenant,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
) -> Result<(), AuthorizeError> {
    if !can_be_remembered(request) {
        return Ok(());
    }
    let consent = Consent {
        user: signed_in.user.id.clone(),
        client: request.client.id.clone(),
        redirect_host: request.back.redirect_uri.destination(),
        scopes: grantable(context, tenant, request, signed_in),
        resource: tenant.resource.clone(),
        given_at: context.clock.now(),
    };
    let change = context.change(tenant, Actor::User(signed_in.user.id.clone()));
    let remembered = context.store.remember_consent(&change, &consent);
    Ok(remembered.await?)
}

/// Gives the client what the person agreed to, now that they were `asked` or before. The request has
/// ended by then.
pub(super) async fn issue_code(
    context: &Context,
    tenant: &Tenant,
    request: AuthorizationRequest,
    (signed_in, asked): (&SignedIn, bool),
) -> Result<Response, AuthorizeError> {
    let granted = grantable(context, tenant, &request, signed_in);
    if granted.is_empty() {
        return Err(request.refuse(RedirectError::InvalidScope));
    }
    let now = context.clock.now();
    let secret = Secret::generate(context.random.as_ref());
    let code = AuthorizationCode {
        digest: secret.digest(),
        grant: Grant {
            id: GrantId::new(new_identifier(context.random.as_ref())),
            client: request.client.id.clone(),
            user: signed_in.user.id.clone(),
            scopes: granted,
            resource: tenant.resource.clone(),
            created_at: now,
            revoked_at: None,
        },
        redirect_uri: request.back.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        key: request.key,
        expires_at: now.after(CODE_LIFETIME),
    };
    let change = context.change(tenant, Actor::User(signed_in.user.id.clone()));
    context.store.issue_code(&change, &code, asked).await?;
    tracing::info!(
        client.id = %code.grant.client,
        user.id = %code.grant.user,
        grant.id = %code.grant.id,
        scope = %code.grant.scopes,
        "access granted"
    );
    Ok(request.back.with_code(&secret))
}

fn grantable(
    context: &Context,
    tenant: &Tenant,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
) -> ScopeSet {
    scopes::narrow_to_user(context, tenant, &signed_in.user, &request.scopes)
}

fn check_form(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    headers: &HeaderMap,
    (signed_in, fields): (&SignedIn, &Parameters),
) -> Result<(), PageError> {
    let query = request.query();
    let expected = form_token::make(&signed_in.cookie, FORM, &query);
    if !web::comes_from_elsewhere(headers) && form_token::is_in(fields, &expected) {
        return Ok(());
    }
    // Whoever follows that link comes from our own page: consent must be asked for there.
    let query = request.query_after_login();
    Err(PageError::Forged {
        again: format!("{}/authorize?{query}", tenant.public_url.path()),
    })
}

impl Decision {
    fn read(fields: &Parameters) -> Result<Self, PageError> {
        match fields.one("decision")? {
            Some("approve") => Ok(Self::Approve),
            Some("deny") => Ok(Self::Deny),
            Some("switch") => Ok(Self::SwitchUser),
            Some(_) | None => Err(PageError::NoDecision),
        }
    }
}
