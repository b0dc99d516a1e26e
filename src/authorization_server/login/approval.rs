//! Consent before the identity provider: the page, and POST /login/start, the answer to it.
//!
//! A person who is signed in at the provider comes back from it without seeing anything. So what a
//! client asks for stands before the way there, and neither a cookie nor a state for the provider
//! exists until they approved of it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::{Then, attempt, password};
use crate::authorization_server::authorize::{
    AuthorizationRequest, AuthorizeError, PageError, RedirectError,
};
use crate::authorization_server::pages::{self, ApprovalPage, Asking, Choice};
use crate::authorization_server::{Context, consent, form_token, login_session};
use crate::model::{IdentityProvider, Secret, Tenant};
use crate::web::{self, Cookie, Parameters, read_form};

/// The cookie that binds the form to the browser.
const PURPOSE: &str = "approval";
const LIFETIME: Duration = Duration::from_hours(1);

/// What the person answered.
enum Answer<'a> {
    Approve(&'a IdentityProvider),
    /// They gave an address that no provider is for.
    UnknownAddress(&'a str),
    Deny,
}

pub(super) async fn show(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    let cookie = Cookie::of(tenant, PURPOSE);
    // A cookie that is there stays, so that the form of another tab stays valid.
    let value = cookie
        .read(headers)
        .unwrap_or_else(|| Secret::generate(context.random.as_ref()));
    let page = page(context, tenant, &request, (&value, None));
    let response = pages::show(tenant, StatusCode::OK, &page);
    let set = cookie.set(&value, LIFETIME);
    Ok(login_session::with_cookie(response, set))
}

pub(in crate::authorization_server) async fn post(
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
    // Nothing is carried over from the page: the request is checked anew.
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    let headers = http.headers().clone();
    let fields = read_form(http).await.map_err(PageError::from)?;
    let cookie = check_form(tenant, &request, &headers, &fields)?;
    match Answer::read(tenant, &fields)? {
        Answer::Approve(provider) => {
            let then = Then {
                request: Some(request.query()),
                prompt: request.prompt_of_provider(),
                login_hint: request.login_hint.as_deref().or(address(&fields)?),
            };
            let begun = attempt::begin(context, tenant, provider, &headers, then).await;
            tracing::info!(client.id = %request.client.id, provider.name = %provider.name, "approved");
            Ok(begun?)
        }
        Answer::UnknownAddress(given) => {
            let page = page(context, tenant, &request, (&cookie, Some(given)));
            Ok(pages::show(tenant, StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Answer::Deny => {
            request.end(context, tenant).await?;
            Err(request.refuse(RedirectError::AccessDenied))
        }
    }
}

/// The cookie of the browser that the form was made for.
fn check_form(
    tenant: &Tenant,
    request: &AuthorizationRequest,
    headers: &HeaderMap,
    fields: &Parameters,
) -> Result<Secret, PageError> {
    let forged = || PageError::Forged {
        again: super::address(tenant, request),
    };
    if web::comes_from_elsewhere(headers) {
        return Err(forged());
    }
    let cookie = Cookie::of(tenant, PURPOSE).read(headers);
    let cookie = cookie.ok_or_else(forged)?;
    let expected = form_token::make(&cookie, PURPOSE, &request.query());
    if form_token::is_in(fields, &expected) {
        Ok(cookie)
    } else {
        Err(forged())
    }
}

fn page<'a>(
    context: &'a Context,
    tenant: &'a Tenant,
    request: &'a AuthorizationRequest,
    (cookie, unknown_address): (&Secret, Option<&'a str>),
) -> ApprovalPage<'a> {
    let query = request.query();
    let settings = &tenant.sign_in;
    let hint = request.login_hint.as_deref();
    let hinted = hint.and_then(|hint| settings.provider_of_address(hint));
    // Whoever is known to be of one provider isn't asked which.
    let offered = match hinted {
        Some(provider) => vec![Choice::of(provider)],
        None => settings.providers.iter().map(Choice::of).collect(),
    };
    let has_domains = settings
        .providers
        .iter()
        .any(|provider| !provider.domains.is_empty());
    ApprovalPage {
        brand: pages::Brand::of(tenant),
        asking: Asking {
            host: tenant.public_url.host(),
            client: request.client.display_name(),
            is_verified: consent::is_verified(request),
            destination: request.back.redirect_uri.destination(),
            is_loopback: request.back.redirect_uri.is_loopback(),
            scopes: consent::lines(context, &request.scopes),
        },
        asks_address: hinted.is_none() && settings.providers.len() > 1 && has_domains,
        unknown_address,
        providers: offered,
        password: settings
            .local_accounts
            .then(|| password::address(tenant, request)),
        action: format!("{}/login/start?{query}", tenant.public_url.path()),
        form_token: form_token::make(cookie, PURPOSE, &query),
    }
}

fn address(fields: &Parameters) -> Result<Option<&str>, PageError> {
    Ok(fields.one("address")?)
}

impl<'a> Answer<'a> {
    fn read(tenant: &'a Tenant, fields: &'a Parameters) -> Result<Self, PageError> {
        if let Some(name) = fields.one("provider")? {
            let provider = tenant.sign_in.provider(name);
            return provider.map(Self::Approve).ok_or(PageError::NoDecision);
        }
        match (fields.one("decision")?, address(fields)?) {
            (Some("deny"), _) => Ok(Self::Deny),
            (Some("address"), Some(given)) => {
                let provider = tenant.sign_in.provider_of_address(given);
                Ok(provider.map_or(Self::UnknownAddress(given), Self::Approve))
            }
            _ => Err(PageError::NoDecision),
        }
    }
}
