//! Station: turns the access token into a principal, or asks for one (RFC 6750, RFC 9449 §7,
//! RFC 9728 §5.1).

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::way::{Boxed, Misplaced, Next, found};
use crate::audit::Recorder;
use crate::model::{Actor, Event, Principal, ScopeSet, Tenant};
use crate::resource_server::{
    AccessTokens, AmbiguousCredential, Challenge, Credential, InvalidAccessToken, Possession,
    Scheme, credential,
};
use crate::telemetry::{Counted, Meters, origin};
use crate::web::{self, DPOP_NONCE};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Verifies tokens.
    pub tokens: Arc<AccessTokens>,
    /// Verifies that they are presented by those whom they are bound to.
    pub possession: Arc<Possession>,
    /// What the first challenge asks for.
    pub initial_scopes: ScopeSet,
    /// Where refusals are recorded.
    pub recorder: Recorder,
    /// Counts both.
    pub meters: Meters,
}

/// Adds the principal. Of credentials, nothing but the `Authorization` header and its proof is
/// looked at.
pub async fn station(
    context: Arc<Context>,
    mut request: Boxed,
    next: Next,
) -> Result<Response, Misplaced> {
    let tenant: Arc<Tenant> = found(&request)?;
    let scopes = &context.initial_scopes;
    let presented = match credential(request.headers()) {
        Ok(Some(presented)) => presented,
        Ok(None) => return Ok(Challenge::unauthenticated(&tenant, scopes).into_response()),
        Err(AmbiguousCredential) => {
            return Ok(Challenge::invalid_request(&tenant, scopes).into_response());
        }
    };
    let scheme = presented.scheme;
    let from = (request.method(), request.headers());
    let response = match context.authenticate(&tenant, presented, from).await {
        Ok(principal) => {
            origin::note_client(&principal.client);
            context.count("accepted");
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(Refused::Challenge { challenge, reason }) => {
            tracing::info!(tenant = %tenant.slug, reason, "refused an access token");
            let event = Event::TokenRefused(&reason);
            let recorded = context.recorder.record(&tenant.slug, Actor::Unknown, event);
            recorded.await;
            context.count("refused");
            challenge.into_response()
        }
        Err(Refused::NoKeys) => {
            context.count("no_keys");
            no_keys()
        }
    };
    Ok(match scheme {
        Scheme::Bearer => response,
        Scheme::Dpop => context.with_nonce(&tenant, response),
    })
}

/// Why nobody was let in.
enum Refused {
    /// The token is bad: what the client reads, and what the log does.
    Challenge {
        challenge: Challenge,
        reason: String,
    },
    /// Whether the token is good can't be said: to call it bad would have its client throw it away.
    NoKeys,
}

fn no_keys() -> Response {
    let description = "The token can't be verified at the moment: try again soon";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = web::json_error(status, "temporarily_unavailable", description);
    let soon = HeaderValue::from_static("5");
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

impl Context {
    fn count(&self, outcome: &'static str) {
        self.meters.count(Counted::Verifications, outcome);
    }

    async fn authenticate(
        &self,
        tenant: &Tenant,
        presented: Credential<'_>,
        from: (&Method, &HeaderMap),
    ) -> Result<Arc<Principal>, Refused> {
        let scopes = &self.initial_scopes;
        let verified = self.tokens.authenticate(tenant, presented.token).await;
        let principal = verified.map_err(|reason| {
            if reason == InvalidAccessToken::NoKeys {
                tracing::warn!(tenant = %tenant.slug, %reason, "could not verify an access token");
                return Refused::NoKeys;
            }
            Refused::Challenge {
                challenge: Challenge::invalid_token(tenant, scopes).under(presented.scheme),
                reason: reason.to_string(),
            }
        })?;
        let possession = self.possession.check(tenant, &principal, presented, from);
        possession.map_err(|reason| Refused::Challenge {
            reason: reason.to_string(),
            // RFC 9449 §7.2: a bound token that came as a bearer token is told the right scheme.
            challenge: Challenge::no_possession(tenant, scopes, reason)
                .under(Scheme::of(&principal)),
        })?;
        Ok(principal)
    }

    /// Whoever proves gets the next nonce with every answer (RFC 9449 §9).
    fn with_nonce(&self, tenant: &Tenant, mut response: Response) -> Response {
        let nonce = self.possession.nonce(tenant);
        if let Some(Ok(nonce)) = nonce.map(HeaderValue::try_from) {
            response.headers_mut().insert(DPOP_NONCE, nonce);
        }
        response
    }
}
