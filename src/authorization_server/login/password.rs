//! Signing in with a password: GET and POST /login/password, for the authorization request in the
//! query; POST /login where there is no other way to sign in.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::SignInRefusal;
use crate::authorization_server::authorize::{AuthorizationRequest, AuthorizeError, PageError};
use crate::authorization_server::pages::{self, Brand, LoginPage};
use crate::authorization_server::{Context, form_token, login_session};
use crate::identity::{SignInError, Visitor};
use crate::model::{Actor, ClientId, Event, Secret, Tenant, User};
use crate::telemetry::Counted;
use crate::web::{self, Cookie, Parameters, read_form};

/// The cookie that binds the form to the browser before anyone has signed in.
const PURPOSE: &str = "sign-in";
const LIFETIME: Duration = Duration::from_hours(1);
/// The cookie of a browser that someone has signed in with.
const KNOWN: &str = "known";
const KNOWN_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Where the form for `request` is.
pub(super) fn address(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    let path = if tenant.sign_in.providers.is_empty() {
        "/login"
    } else {
        "/login/password"
    };
    format!("{}{path}?{}", tenant.public_url.path(), request.query())
}

pub(in crate::authorization_server) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    show(&context, &tenant, query.as_deref(), &headers)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

pub(in crate::authorization_server) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    sign_in(&context, &tenant, query.as_deref(), request)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

pub(super) async fn show(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    if !tenant.sign_in.local_accounts {
        return Ok(web::see_other(&super::address(tenant, &request)));
    }
    let cookie = Cookie::of(tenant, PURPOSE);
    // A cookie that is there stays, so that the form of another tab stays valid.
    let value = cookie
        .read(headers)
        .unwrap_or_else(|| Secret::generate(context.random.as_ref()));
    let page = page(tenant, &request, &value, None);
    let response = pages::show(tenant, StatusCode::OK, &page);
    let set = cookie.set(&value, LIFETIME);
    Ok(login_session::with_cookie(response, set))
}

async fn sign_in(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    http: Request,
) -> Result<Response, AuthorizeError> {
    let request = AuthorizationRequest::read(context, tenant, query).await?;
    if !tenant.sign_in.local_accounts {
        return Ok(web::see_other(&super::address(tenant, &request)));
    }
    let headers = http.headers().clone();
    let fields = read_form(http).await.map_err(PageError::from)?;
    let cookie = check_form(tenant, &request, &headers, &fields)?;
    let username = fields.one("username").map_err(PageError::from)?;
    let username = username.unwrap_or_default();
    let password = fields.one("password").map_err(PageError::from)?;
    let password = Secret::new(password.unwrap_or_default().to_owned());
    let user = check(context, tenant, (username, password), &headers).await?;
    let Some(user) = user else {
        tracing::info!(client.id = %request.client.id, "sign-in refused");
        context.meters.count(Counted::SignIns, "refused");
        note_refusal(context, tenant, username, Some(&request.client.id)).await?;
        let page = page(tenant, &request, &cookie, Some(username));
        return Ok(pages::show(tenant, StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let (_, set) = login_session::start(context, tenant, (&user, None), &headers).await?;
    tracing::info!(user.id = %user.id, client.id = %request.client.id, "signed in");
    context.meters.count(Counted::SignIns, "accepted");
    let path = tenant.public_url.path();
    let next = format!("{path}/authorize?{}", request.query_after_login());
    let response = login_session::with_cookie(web::see_other(&next), set);
    Ok(remember(context, tenant, username, response))
}

/// The person of that name and password. Attempts of a browser that they have signed in with before
/// are not counted with those of others.
pub(in crate::authorization_server) async fn check(
    context: &Context,
    tenant: &Tenant,
    (username, password): (&str, Secret),
    headers: &HeaderMap,
) -> Result<Option<User>, PageError> {
    let visitor = Visitor {
        username,
        password,
        known: Cookie::of(tenant, KNOWN).read(headers),
    };
    let found = context.accounts.sign_in(&tenant.slug, visitor).await;
    found.map_err(|error| match error {
        SignInError::TooOften(wait) => SignInRefusal::too_often(wait).into(),
        error @ (SignInError::Store(_) | SignInError::CutOff) => error.into(),
    })
}

/// From now on the browser is one that `username` has signed in with.
pub(in crate::authorization_server) fn remember(
    context: &Context,
    tenant: &Tenant,
    username: &str,
    response: Response,
) -> Response {
    let known = context.accounts.recognise(&tenant.slug, username);
    let cookie = known.and_then(|known| Cookie::of(tenant, KNOWN).set(&known, KNOWN_LIFETIME));
    login_session::with_cookie(response, cookie)
}

/// Records a refused sign-in with the account of that name, where there is one: the name that was
/// given may be a password in the wrong field.
pub(in crate::authorization_server) async fn note_refusal(
    context: &Context,
    tenant: &Tenant,
    username: &str,
    client: Option<&ClientId>,
) -> Result<(), PageError> {
    let found = context.store.find_user_by_name(&tenant.slug, username);
    let user = found.await.map_err(SignInError::from)?;
    let mut change = context.change(tenant, Actor::Unknown);
    change.client = client.cloned();
    let event = Event::SignInRefused(user.as_ref().map(|user| &user.id));
    context.audit.record_as(&change, event).await;
    Ok(())
}

/// The cookie of the browser that the form was made for; anything else is a forgery that would
/// sign a person in as someone else.
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
    tenant: &'a Tenant,
    request: &'a AuthorizationRequest,
    cookie: &Secret,
    refused: Option<&'a str>,
) -> LoginPage<'a> {
    LoginPage {
        brand: Brand::of(tenant),
        host: tenant.public_url.host(),
        client: Some(request.client.display_name()),
        action: address(tenant, request),
        form_token: form_token::make(cookie, PURPOSE, &request.query()),
        refused,
        providers: Vec::new(),
        has_password: true,
    }
}
