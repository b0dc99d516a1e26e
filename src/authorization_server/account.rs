//! The account page: which applications a person let act for them, and how they take that back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::authorize::{AuthorizeError, PageError};
use super::login::{Then, begin, password};
use super::login_session::SignedIn;
use super::pages::{self, AccountPage, Brand, Choice, ConnectedApp, LoginPage};
use super::{Context, consent, form_token, login_session};
use crate::model::{Actor, ClientId, ScopeSet, Secret, Tenant, Timestamp};
use crate::store::LiveGrant;
use crate::web::{self, Cookie, Parameters, read_form};

/// All that a client was given, in however many grants.
struct Connection {
    scopes: ScopeSet,
    given_at: Timestamp,
    used_at: Timestamp,
}

const FORM: &str = "account";

/// The cookie that binds the sign-in form to the browser.
const SIGN_IN: &str = "account-sign-in";
const SIGN_IN_LIFETIME: Duration = Duration::from_hours(1);

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    headers: HeaderMap,
) -> Response {
    show(&context, &tenant, &headers)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

pub(super) async fn post(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    request: Request,
) -> Response {
    act(&context, &tenant, request)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

async fn show(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let Some(signed_in) = login_session::find(context, tenant, headers).await? else {
        return Ok(show_sign_in(context, tenant, headers));
    };
    let now = context.clock.now();
    let grants = context
        .store
        .list_grants(&tenant.slug, &signed_in.user.id, now)
        .await?;
    let connections = by_client(grants);
    let mut apps = Vec::new();
    for (client, connection) in &connections {
        let found = context.store.find_client(&tenant.slug, client).await?;
        let name = found.and_then(|client| client.name);
        apps.push(app(context, client, name, connection));
    }
    let page = AccountPage {
        brand: Brand::of(tenant),
        host: tenant.public_url.host(),
        username: &signed_in.user.username,
        apps,
        action: address(tenant),
        form_token: form_token::make(&signed_in.cookie, FORM, ""),
    };
    Ok(pages::show(tenant, StatusCode::OK, &page))
}

async fn act(
    context: &Context,
    tenant: &Tenant,
    http: Request,
) -> Result<Response, AuthorizeError> {
    let headers = http.headers().clone();
    let fields = read_form(http).await.map_err(PageError::from)?;
    if let Some(provider) = fields.one("provider").map_err(PageError::from)? {
        return sign_in_elsewhere(context, tenant, &headers, (&fields, provider)).await;
    }
    if fields.one("username").map_err(PageError::from)?.is_some() {
        return sign_in(context, tenant, &headers, &fields).await;
    }
    let Some(signed_in) = login_session::find(context, tenant, &headers).await? else {
        return Ok(web::see_other(&address(tenant)));
    };
    check_form(tenant, &headers, &fields, (&signed_in.cookie, FORM))?;
    if let Some(client) = fields.one("revoke").map_err(PageError::from)? {
        revoke(context, tenant, &signed_in, &ClientId::new(client)).await?;
        return Ok(web::see_other(&address(tenant)));
    }
    if fields.one("sign_out").map_err(PageError::from)?.is_none() {
        return Err(PageError::NoDecision.into());
    }
    let cleared = login_session::end(context, tenant, &headers).await?;
    let response = web::see_other(&address(tenant));
    Ok(login_session::with_cookie(response, cleared))
}

async fn revoke(
    context: &Context,
    tenant: &Tenant,
    signed_in: &SignedIn,
    client: &ClientId,
) -> Result<(), AuthorizeError> {
    let user = &signed_in.user.id;
    let change = context.change(tenant, Actor::User(user.clone()));
    let withdrawn = context.store.withdraw_consent(&change, user, client);
    if withdrawn.await? {
        tracing::info!(client.id = %client, user.id = %user, "access taken back");
    }
    Ok(())
}

async fn sign_in(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    fields: &Parameters,
) -> Result<Response, AuthorizeError> {
    let cookie = Cookie::of(tenant, SIGN_IN).read(headers);
    let cookie = cookie.ok_or_else(|| forged(tenant))?;
    check_form(tenant, headers, fields, (&cookie, SIGN_IN))?;
    if !tenant.sign_in.local_accounts {
        return Err(PageError::NoDecision.into());
    }
    let username = fields.one("username").map_err(PageError::from)?;
    let username = username.unwrap_or_default();
    let password = fields.one("password").map_err(PageError::from)?;
    let password = Secret::new(password.unwrap_or_default().to_owned());
    let user = password::check(context, tenant, (username, password), headers).await?;
    let Some(user) = user else {
        tracing::info!("sign-in refused");
        password::note_refusal(context, tenant, username, None).await?;
        let page = sign_in_page(tenant, &cookie, Some(username));
        return Ok(pages::show(tenant, StatusCode::UNPROCESSABLE_ENTITY, &page));
    };
    let (_, set) = login_session::start(context, tenant, (&user, None), headers).await?;
    tracing::info!(user.id = %user.id, "signed in");
    let response = login_session::with_cookie(web::see_other(&address(tenant)), set);
    Ok(password::remember(context, tenant, username, response))
}

async fn sign_in_elsewhere(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    (fields, provider): (&Parameters, &str),
) -> Result<Response, AuthorizeError> {
    let cookie = Cookie::of(tenant, SIGN_IN).read(headers);
    let cookie = cookie.ok_or_else(|| forged(tenant))?;
    check_form(tenant, headers, fields, (&cookie, SIGN_IN))?;
    let provider = tenant.sign_in.provider(provider);
    let provider = provider.ok_or(PageError::NoDecision)?;
    let then = Then {
        request: None,
        prompt: None,
        login_hint: None,
    };
    Ok(begin(context, tenant, provider, headers, then).await?)
}

fn show_sign_in(context: &Context, tenant: &Tenant, headers: &HeaderMap) -> Response {
    let cookie = Cookie::of(tenant, SIGN_IN);
    // A cookie that is there stays, so that the form of another tab stays valid.
    let value = cookie
        .read(headers)
        .unwrap_or_else(|| Secret::generate(context.random.as_ref()));
    let page = sign_in_page(tenant, &value, None);
    let response = pages::show(tenant, StatusCode::OK, &page);
    login_session::with_cookie(response, cookie.set(&value, SIGN_IN_LIFETIME))
}

fn sign_in_page<'a>(
    tenant: &'a Tenant,
    cookie: &Secret,
    refused: Option<&'a str>,
) -> LoginPage<'a> {
    LoginPage {
        brand: Brand::of(tenant),
        host: tenant.public_url.host(),
        client: None,
        action: address(tenant),
        form_token: form_token::make(cookie, SIGN_IN, ""),
        refused,
        providers: tenant.sign_in.providers.iter().map(Choice::of).collect(),
        has_password: tenant.sign_in.local_accounts,
    }
}

fn check_form(
    tenant: &Tenant,
    headers: &HeaderMap,
    fields: &Parameters,
    (cookie, form): (&Secret, &str),
) -> Result<(), PageError> {
    let expected = form_token::make(cookie, form, "");
    if !web::comes_from_elsewhere(headers) && form_token::is_in(fields, &expected) {
        Ok(())
    } else {
        Err(forged(tenant))
    }
}

fn forged(tenant: &Tenant) -> PageError {
    PageError::Forged {
        again: address(tenant),
    }
}

pub(super) fn address(tenant: &Tenant) -> String {
    format!("{}/account", tenant.public_url.path())
}

fn by_client(grants: Vec<LiveGrant>) -> BTreeMap<ClientId, Connection> {
    let mut connections: BTreeMap<ClientId, Connection> = BTreeMap::new();
    for LiveGrant { grant, used_at } in grants {
        let used_at = used_at.unwrap_or(grant.created_at);
        let connection = connections.entry(grant.client).or_insert(Connection {
            scopes: ScopeSet::default(),
            given_at: grant.created_at,
            used_at,
        });
        connection.scopes = connection.scopes.union(&grant.scopes);
        connection.given_at = connection.given_at.min(grant.created_at);
        connection.used_at = connection.used_at.max(used_at);
    }
    connections
}

fn app<'a>(
    context: &'a Context,
    client: &'a ClientId,
    name: Option<String>,
    connection: &'a Connection,
) -> ConnectedApp<'a> {
    ConnectedApp {
        id: client.as_str(),
        name: name.unwrap_or_else(|| client.as_str().to_owned()),
        scopes: consent::lines(context, &connection.scopes),
        given: date(connection.given_at),
        used: date(connection.used_at),
    }
}

/// A day, as people write it; the page doesn't know their time zone.
fn date(instant: Timestamp) -> String {
    jiff::Timestamp::from_second(instant.seconds())
        .map(|instant| instant.strftime("%-d %B %Y").to_string())
        .unwrap_or_default()
}
