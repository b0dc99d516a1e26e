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
use axum::routing::{MethodRouter, get, post};

pub use clients::{RemoteDocuments, read_client_document};

use crate::audit::{self, Recorder};
use crate::identity::{Accounts, FederatedAccounts};
use crate::jose::{IssuerKeys, KeyRings};
use crate::model::{Actor, Change, Clock, Random, ScopeCatalogue, ScopeSet, Tenant};
use crate::store::Store;
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

/// The endpoints, relative to the tenant's public URL. Metadata is not among them: its addresses
/// begin at the origin.
pub fn routes(context: Arc<Context>) -> Router {
    Router::new()
        .route("/authorize", get(authorize::get))
        .route("/login", get(login::get).post(login::password::post))
        .route(
            "/login/password",
            get(login::password::get).post(login::password::post),
        )
        .route("/login/start", post(login::approval::post))
        .route("/login/callback", get(login::callback::get))
        .route("/login/backchannel-logout", post(login::backchannel::post))
        .route("/consent", post(consent::post))
        .route("/account", get(account::get).post(account::post))
        .route("/logo", get(logo::get))
        .route("/token", post(token::post))
        .route("/register", post(register::post))
        .route(
            "/register/{client_id}",
            get(register::management::get)
                .put(register::management::put)
                .delete(register::management::delete),
        )
        .route("/par", post(par::post))
        .route("/revoke", post(revoke::post))
        .route("/introspect", post(introspect::post))
        .route("/jwks", get(jwks::get))
        .with_state(context)
}

/// The metadata document (RFC 8414 §3), for each of the well-known addresses that it has.
pub fn metadata_route(context: Arc<Context>) -> MethodRouter {
    get(metadata::get).with_state(context)
}
