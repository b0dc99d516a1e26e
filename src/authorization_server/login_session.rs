//! Browsers that a person signed in with: the cookie and what it stands for.

use std::time::Duration;

use axum::response::Response;
use http::HeaderMap;
use http::header::{HeaderValue, SET_COOKIE};

use super::Context;
use crate::model::{Actor, LoginSession, Secret, Tenant, Timestamp, User};
use crate::store::StoreError;
use crate::web::Cookie;

/// The person behind a request.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) cookie: Secret,
    pub(super) user: User,
    pub(super) since: Timestamp,
}

const PURPOSE: &str = "session";
const LIFETIME: Duration = Duration::from_hours(12);

/// Who is signed in; nobody when the account is gone or disabled.
pub(super) async fn find(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
) -> Result<Option<SignedIn>, StoreError> {
    let Some(cookie) = Cookie::of(tenant, PURPOSE).read(headers) else {
        return Ok(None);
    };
    let now = context.clock.now();
    let digest = cookie.digest();
    let session = context.store.find_login_session(&tenant.slug, &digest, now);
    let Some(session) = session.await? else {
        return Ok(None);
    };
    let user = context.store.find_user(&tenant.slug, &session.user).await?;
    Ok(user.filter(|user| !user.disabled).map(|user| SignedIn {
        cookie,
        user,
        since: session.signed_in_at,
    }))
}

/// Starts a session of `user`, always under a new cookie: one that was there before the person
/// signed in may be known to someone else. The session before it ends. `origin` is the issuer that
/// they signed in at, with their session there.
pub(super) async fn start(
    context: &Context,
    tenant: &Tenant,
    (user, origin): (&User, Option<(String, Option<String>)>),
    headers: &HeaderMap,
) -> Result<(SignedIn, Option<HeaderValue>), StoreError> {
    let cookie = Secret::generate(context.random.as_ref());
    let now = context.clock.now();
    let session = LoginSession {
        digest: cookie.digest(),
        user: user.id.clone(),
        signed_in_at: now,
        expires_at: now.after(LIFETIME),
        issuer: origin.as_ref().map(|(issuer, _)| issuer.clone()),
        provider_session: origin.and_then(|(_, session)| session),
    };
    end(context, tenant, headers).await?;
    let change = context.change(tenant, Actor::User(user.id.clone()));
    context.store.start_login_session(&change, &session).await?;
    let set = Cookie::of(tenant, PURPOSE).set(&cookie, LIFETIME);
    let signed_in = SignedIn {
        cookie,
        user: user.clone(),
        since: now,
    };
    Ok((signed_in, set))
}

/// Ends the session of this browser, and removes its cookie.
pub(super) async fn end(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, StoreError> {
    let cookie = Cookie::of(tenant, PURPOSE);
    if let Some(value) = cookie.read(headers) {
        let digest = value.digest();
        let change = context.change(tenant, Actor::Unknown);
        context.store.end_login_session(&change, &digest).await?;
    }
    Ok(cookie.clear())
}

/// Adds a `Set-Cookie` header.
pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
