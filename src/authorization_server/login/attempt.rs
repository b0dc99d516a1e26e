//! One attempt to sign in at an identity provider, from the person's approval to their return.
//!
//! All of it travels in `state`, sealed, so that any replica can finish what another one began. What
//! proves that the browser is the same one, the nonce and the PKCE verifier among it, follows from a
//! cookie that the browser got with its approval and is in none of the two places alone.

use std::time::Duration;

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::SignInRefusal;
use crate::authorization_server::{Context, login_session};
use crate::identity::oidc;
use crate::model::{IdentityProvider, Secret, SingleUse, Tenant, Timestamp, new_identifier};
use crate::web::{self, Cookie};

/// What `state` says once it is opened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    id: String,
    /// The provider, and the issuer that it had then.
    pub(super) provider: String,
    issuer: String,
    /// The digest of the browser's cookie.
    browser: String,
    begun_at: i64,
    /// Whether the person was to prove anew who they are.
    is_fresh: bool,
    /// The authorization request that was approved; none for the account page.
    pub(super) request: Option<String>,
}

/// What comes after signing in.
#[derive(Debug)]
pub(in crate::authorization_server) struct Then<'a> {
    /// The authorization request that was approved; none for the account page.
    pub(in crate::authorization_server) request: Option<String>,
    /// The page that the person should see at the provider.
    pub(in crate::authorization_server) prompt: Option<&'a str>,
    /// Who they are likely to be.
    pub(in crate::authorization_server) login_hint: Option<&'a str>,
}

const PURPOSE: &str = "provider";
/// For how long a person may take at the provider.
const LIFETIME: Duration = Duration::from_mins(10);
/// Providers refuse longer addresses. A client that has more to say pushes its request.
const MAX_STATE: usize = 6 * 1024;

/// Sends the person to `provider`. The cookie comes with this answer and no earlier one.
pub(in crate::authorization_server) async fn begin(
    context: &Context,
    tenant: &Tenant,
    provider: &IdentityProvider,
    headers: &HeaderMap,
    then: Then<'_>,
) -> Result<Response, SignInRefusal> {
    let cookie = Cookie::of(tenant, PURPOSE);
    // A cookie that is there stays, so that two tabs can sign in side by side.
    let browser = cookie
        .read(headers)
        .unwrap_or_else(|| Secret::generate(context.random.as_ref()));
    let attempt = Attempt {
        id: new_identifier(context.random.as_ref()),
        provider: provider.name.clone(),
        issuer: provider.issuer.clone(),
        browser: URL_SAFE_NO_PAD.encode(browser.digest().as_bytes()),
        begun_at: context.clock.now().seconds(),
        is_fresh: then.prompt == Some("login"),
        request: then.request,
    };
    let state = attempt.seal(context, tenant)?;
    let asked = oidc::Attempt {
        state: state.expose(),
        nonce: &attempt.nonce(&browser),
        verifier: &attempt.verifier(&browser),
        prompt: then.prompt,
        login_hint: then.login_hint,
    };
    let party = &context.federated.party;
    let url = party.authorization_url(tenant, provider, &asked);
    let url = tokio::time::timeout(oidc::PATIENCE, url).await;
    let url = url.map_err(|_| SignInRefusal::unavailable(provider))?;
    let url = url.map_err(|error| SignInRefusal::of(&error, tenant, provider))?;
    let response = web::see_other(&url);
    Ok(login_session::with_cookie(
        response,
        cookie.set(&browser, LIFETIME),
    ))
}

impl Attempt {
    fn seal(&self, context: &Context, tenant: &Tenant) -> Result<Secret, SignInRefusal> {
        let text = serde_json::to_vec(self).map_err(|_| SignInRefusal::TooLong)?;
        let sealed = context.federated.cipher.seal(&place(tenant), &text);
        let sealed = sealed.map_err(|_| SignInRefusal::TooLong)?;
        let state = URL_SAFE_NO_PAD.encode(sealed);
        if state.len() > MAX_STATE {
            return Err(SignInRefusal::TooLong);
        }
        Ok(Secret::new(state))
    }

    /// Opens what came back. It is ours, of this tenant, and young; whose it is, is not known yet.
    pub(super) fn open(
        context: &Context,
        tenant: &Tenant,
        state: &str,
    ) -> Result<Self, SignInRefusal> {
        let unknown = SignInRefusal::UnknownState;
        let sealed = URL_SAFE_NO_PAD.decode(state).map_err(|_| unknown)?;
        let opened = context.federated.cipher.open(&place(tenant), &sealed);
        let opened = opened.map_err(|_| SignInRefusal::UnknownState)?;
        let attempt: Self =
            serde_json::from_str(opened.expose()).map_err(|_| SignInRefusal::UnknownState)?;
        if context.clock.now() >= attempt.ends_at() {
            return Err(SignInRefusal::UnknownState);
        }
        Ok(attempt)
    }

    /// The browser's cookie, if it is the browser that began: a person who was sent a link to the
    /// end of someone else's sign-in would be signed in as them.
    pub(super) fn browser(
        &self,
        tenant: &Tenant,
        headers: &HeaderMap,
    ) -> Result<Secret, SignInRefusal> {
        let cookie = Cookie::of(tenant, PURPOSE).read(headers);
        let own = |cookie: &Secret| {
            let digest = Secret::new(URL_SAFE_NO_PAD.encode(cookie.digest().as_bytes()));
            digest.matches(&Secret::new(self.browser.clone()))
        };
        cookie.filter(own).ok_or(SignInRefusal::OtherBrowser)
    }

    /// The provider, if it still is the one that it was.
    pub(super) fn provider<'a>(
        &self,
        tenant: &'a Tenant,
    ) -> Result<&'a IdentityProvider, SignInRefusal> {
        let provider = tenant.sign_in.provider(&self.provider);
        let same = provider.filter(|provider| provider.issuer == self.issuer);
        same.ok_or(SignInRefusal::UnknownState)
    }

    /// What makes it count once.
    pub(super) fn once(&self) -> SingleUse {
        SingleUse::new("sign-in", &self.provider, &self.id, self.ends_at())
    }

    pub(super) fn nonce(&self, browser: &Secret) -> Secret {
        browser.derive(format!("nonce/{}", self.id).as_bytes())
    }

    pub(super) fn verifier(&self, browser: &Secret) -> Secret {
        browser.derive(format!("verifier/{}", self.id).as_bytes())
    }

    /// From when on the person must have proven who they are, where they were to do so anew.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.is_fresh
            .then(|| Timestamp::from_seconds(self.begun_at))
    }

    fn ends_at(&self) -> Timestamp {
        Timestamp::from_seconds(self.begun_at).after(LIFETIME)
    }
}

/// Where a state opens: that of another tenant doesn't. A slug has no slash.
fn place(tenant: &Tenant) -> String {
    format!("sign-in/{}", tenant.slug)
}
