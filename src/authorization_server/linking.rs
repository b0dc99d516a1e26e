//! Accounts at mounted servers: what the account page shows of them, and the way to a server's
//! authorization server and back, GET /account/callback.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::Context;
use super::account::{self, date};
use super::authorize::{AuthorizeError, PageError};
use super::login_session::{self, SignedIn};
use super::pages::{self, Brand, ErrorPage, LinkableServer};
use crate::identity::linked::{LIFETIME, LinkError, Return};
use crate::model::{Actor, Secret, Tenant, UserId};
use crate::store::StoreError;
use crate::web::{self, Cookie, Parameters};

/// The cookie that binds an attempt to the browser.
const PURPOSE: &str = "link";

/// The servers where a person may link accounts, and which they have.
pub(super) async fn lines<'a>(
    context: &Context,
    tenant: &'a Tenant,
    user: &UserId,
) -> Result<Vec<LinkableServer<'a>>, StoreError> {
    if tenant.servers.linkable().next().is_none() {
        return Ok(Vec::new());
    }
    let store = &context.store;
    let linked = store.list_linked_accounts(&tenant.slug, user).await?;
    let line = |name: &'a str| {
        let account = linked.iter().find(|account| account.server == name);
        LinkableServer {
            name,
            since: account.map(|account| date(account.linked_at)),
            has_ended: account.is_some_and(|account| account.has_ended),
        }
    };
    Ok(tenant
        .servers
        .linkable()
        .map(|at| line(at.server))
        .collect())
}

/// Sends the person to the authorization server of the server of that name.
pub(super) async fn connect(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    (signed_in, server): (&SignedIn, &str),
) -> Result<Response, AuthorizeError> {
    let mut servers = tenant.servers.linkable();
    let at = servers.find(|at| at.server == server);
    let at = at.ok_or(PageError::NoDecision)?;
    let cookie = Cookie::of(tenant, PURPOSE);
    // A cookie that is there stays, so that two tabs can link side by side.
    let browser = cookie
        .read(headers)
        .unwrap_or_else(|| Secret::generate(context.random.as_ref()));
    let begun = context
        .linked
        .begin(tenant, &signed_in.user.id, at, &browser);
    match begun.await {
        Ok(url) => {
            let response = web::see_other(url.as_str());
            Ok(login_session::with_cookie(
                response,
                cookie.set(&browser, LIFETIME),
            ))
        }
        Err(error) => refuse(tenant, server, error),
    }
}

/// Forgets the account at the server of that name.
pub(super) async fn disconnect(
    context: &Context,
    tenant: &Tenant,
    (signed_in, server): (&SignedIn, &str),
) -> Result<Response, AuthorizeError> {
    let user = &signed_in.user.id;
    let change = context.change(tenant, Actor::User(user.clone()));
    let unlinked = context.linked.unlink(&change, tenant, (user, server));
    match unlinked.await {
        Ok(was_linked) => {
            if was_linked {
                tracing::info!(user.id = %user, server, "account unlinked");
            }
            Ok(web::see_other(&account::address(tenant)))
        }
        Err(error) => refuse(tenant, server, error),
    }
}

pub(super) async fn get(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    finish(&context, &tenant, query.as_deref(), &headers)
        .await
        .unwrap_or_else(|error| error.refuse(&tenant))
}

async fn finish(
    context: &Context,
    tenant: &Tenant,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, AuthorizeError> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes());
    let parameters = parameters.map_err(PageError::from)?;
    let one = |name| parameters.one(name).map_err(PageError::from);
    let signed_in = login_session::find(context, tenant, headers).await?;
    let browser = Cookie::of(tenant, PURPOSE).read(headers);
    let (Some(signed_in), Some(browser)) = (signed_in, browser) else {
        return refuse(tenant, "", LinkError::UnknownState);
    };
    let user = &signed_in.user.id;
    let back = Return {
        state: one("state")?.unwrap_or_default(),
        issuer: one("iss")?,
        code: one("code")?,
        error: one("error")?,
        browser: &browser,
        user,
    };
    let change = context.change(tenant, Actor::User(user.clone()));
    match context.linked.finish(&change, tenant, back).await {
        Ok(server) => {
            tracing::info!(user.id = %user, server, "account linked");
            Ok(web::see_other(&account::address(tenant)))
        }
        Err(error) => refuse(tenant, "", error),
    }
}

/// What happened and what to do about it. What the other side said is in the log alone.
fn refuse(tenant: &Tenant, server: &str, error: LinkError) -> Result<Response, AuthorizeError> {
    let (status, explanation) = match error {
        LinkError::Store(error) => return Err(error.into()),
        LinkError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server, or the place where you sign in to it, does not answer as it should. Nothing \
             was changed.",
        ),
        LinkError::Untrusted(_) => (
            StatusCode::BAD_GATEWAY,
            "What the server says about signing in can’t be trusted. Nothing was sent there, and \
             nothing was changed.",
        ),
        LinkError::NoClient => (
            StatusCode::BAD_GATEWAY,
            "The place where you sign in to the server does not know this gateway. Those who run it \
             have to register it there.",
        ),
        LinkError::UnknownState => (
            StatusCode::BAD_REQUEST,
            "This was finished already, took longer than ten minutes, or was begun in another browser \
             or by somebody else. Nothing was changed.",
        ),
        LinkError::Declined => (
            StatusCode::BAD_REQUEST,
            "You were not given access there. Nothing was changed.",
        ),
    };
    tracing::warn!(server, reason = %error, "an account is not linked");
    let again = account::address(tenant);
    let page = ErrorPage {
        brand: Brand::of(tenant),
        title: "Your account is not connected",
        explanation,
        advice: "Go back to your account page and try again.",
        again: Some(&again),
    };
    Ok(pages::show(tenant, status, &page))
}
