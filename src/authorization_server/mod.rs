//! The authorization server: one file per endpoint (OAuth 2.1 §3, RFC 7591, RFC 8414).

mod account;
mod authorize;
mod client_assertion;
mod client_authentication;
mod clients;
mod consent;
mod dpop;
mod introspect;
mod jwks;
mod login;
mod login_session;
mod logo;
mod metadata;
mod pages;
mod par;
mod presented_token;
mod refusal;
mod register;
mod revoke;
mod scopes;
mod signing_keys;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};

pub use clients::{RemoteDocuments, read_client_document};

use crate::audit::{self, Recorder};
use crate::identity::{Accounts, FederatedAccounts};
use crate::jose::{IssuerKeys, KeyRings};
use crate::model::{Actor, Change, Clock, Random, ScopeCatalogue, ScopeSet, Tenant};
use crate::rate_limits::{Limited, RateLimiter};
use crate::store::Store;
use crate::telemetry::Meters;
use crate::web::form_token;

pub use signing_keys::{KeyRotation, SigningKeys, SigningKeysError};

/// What the endpoints share. The tenant comes with each request, as an `Extension<Arc<Tenant>>`.
#[derive(Debug)]
pub struct Context {
    /// Clients, codes, grants, refresh tokens and login sessions.
    pub store: Arc<dyn Store>,
    /// Where refusals are recorded; what changes something, the store records.
    pub audit: Recorder,
    /// What clients keep on the Web: their metadata and their keys.
    pub documents: RemoteDocuments,
    /// What access tokens are signed with.
    pub key_rings: Arc<KeyRings>,
    /// The keys of those whose word about people is taken.
    pub issuer_keys: Arc<IssuerKeys>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Entropy for codes, tokens and identifiers.
    pub random: Arc<dyn Random>,
    /// The scopes that exist.
    pub catalogue: ScopeCatalogue,
    /// What a client that names no scopes gets beside the basic ones, where the role has them.
    pub initial_scopes: ScopeSet,
    /// Who may sign in with a password.
    pub accounts: Accounts,
    /// Who may sign in elsewhere.
    pub federated: Arc<FederatedAccounts>,
    /// How long tokens live.
    pub tokens: TokenSettings,
    /// How often clients and people may ask.
    pub limiter: Arc<RateLimiter>,
    /// Counts what comes of requests.
    pub meters: Meters,
}

/// How long tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// An access token.
    pub access_ttl: Duration,
    /// A refresh token, from its last use on.
    pub refresh_ttl: Duration,
    /// For how long the exchange of a refresh token is answered again.
    pub refresh_grace: Duration,
}

impl Context {
    /// A change that `actor` makes now.
    fn change(&self, tenant: &Tenant, actor: Actor) -> Change {
        audit::change(&tenant.slug, actor, &*self.clock)
    }
}

/// The endpoints, relative to the tenant's public URL, in groups that have a limit of their own.
/// Metadata is not among them: its addresses begin at the origin.
#[derive(Clone, Debug)]
pub struct Routes {
    /// Where people sign in and consent, by pages.
    pub pages: Router,
    /// Where clients push what people are to consent to.
    pub par: Router,
    /// Where clients register.
    pub register: Router,
    /// Where clients get tokens, ask about them, and manage what is theirs.
    pub token: Router,
    /// The rest.
    pub others: Router,
}

/// All endpoints.
pub fn routes(context: Arc<Context>) -> Routes {
    let pages = Router::new()
        .route("/authorize", get(authorize::get))
        .route("/login", get(login::get).post(login::password::post))
        .route(
            "/login/password",
            get(login::password::get).post(login::password::post),
        )
        .route("/login/start", post(login::approval::post))
        .route("/login/callback", get(login::callback::get))
        .route("/consent", post(consent::post))
        .route("/account", get(account::get).post(account::post));
    let register = Router::new().route("/register", post(register::post));
    let management = get(register::management::get)
        .put(register::management::put)
        .delete(register::management::delete);
    let token = Router::new()
        .route("/token", post(token::post))
        .route("/revoke", post(revoke::post))
        .route("/introspect", post(introspect::post))
        .route("/register/{client_id}", management);
    let others = Router::new()
        .route("/login/backchannel-logout", post(login::backchannel::post))
        .route("/logo", get(logo::get))
        .route("/jwks", get(jwks::get));
    Routes {
        pages: pages.with_state(Arc::clone(&context)),
        par: Router::new()
            .route("/par", post(par::post))
            .with_state(Arc::clone(&context)),
        register: register.with_state(Arc::clone(&context)),
        token: token.with_state(Arc::clone(&context)),
        others: others.with_state(context),
    }
}

impl Routes {
    /// All of them as one.
    pub fn merged(self) -> Router {
        let Self {
            pages,
            par,
            register,
            token,
            others,
        } = self;
        pages.merge(par).merge(register).merge(token).merge(others)
    }
}

/// The page for whoever asks too often.
#[must_use]
pub fn too_many_requests_page(tenant: &Tenant, limited: &Limited) -> Response {
    let page = pages::ErrorPage {
        brand: pages::Brand::of(tenant),
        title: "Too many requests",
        explanation: "More was asked for from your network than one place may ask for in so short \
                      a time. Nothing was changed.",
        advice: "Wait a minute, then reload this page.",
        again: None,
    };
    let (status, _) = refusal::TOO_MANY_REQUESTS;
    let mut response = pages::show(tenant, status, &page);
    let (name, value) = refusal::retry_after(limited);
    response.headers_mut().insert(name, value);
    response
}

/// The answer to a client that asks too often.
#[must_use]
pub fn too_many_requests(_: &Tenant, limited: &Limited) -> Response {
    let header = refusal::retry_after(limited);
    refusal::answer(
        refusal::TOO_MANY_REQUESTS,
        &limited.to_string(),
        Some(header),
    )
}

/// The metadata document (RFC 8414 §3), for each of the well-known addresses that it has.
pub fn metadata_route(context: Arc<Context>) -> MethodRouter {
    get(metadata::get).with_state(context)
}
