//! Station: turns the access token into a principal, or asks for one (RFC 6750, RFC 9449 §7,
//! RFC 9728 §5.1).

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;

use crate::audit::Recorder;
use crate::model::{Actor, Event, Principal, ScopeSet, Tenant};
use crate::resource_server::{
    AccessTokens, AmbiguousCredential, Challenge, Credential, Possession, Scheme, credential,
};
use crate::web::DPOP_NONCE;

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Verifies tokens.
    pub tokens: AccessTokens,
    /// Verifies that they are presented by those whom they are bound to.
    pub possession: Possession,
    /// What the first challenge asks for.
    pub initial_scopes: ScopeSet,
    /// Where refusals are recorded.
    pub recorder: Recorder,
}

/// A token that is refused: what the client reads, and what the log does.
struct Refused {
    challenge: Challenge,
    reason: String,
}

/// Adds the principal. Of credentials, nothing but the `Authorization` header and its proof is
/// looked at.
pub async fn station(
    State(context): State<Arc<Context>>,
    Extension(tenant): Extension<Arc<Tenant>>,
    mut request: Request,
    next: Next,
) -> Response {
    let scopes = &context.initial_scopes;
    let presented = match credential(request.headers()) {
        Ok(Some(presented)) => presented,
        Ok(None) => return Challenge::unauthenticated(&tenant, scopes).into_response(),
        Err(AmbiguousCredential) => {
            return Challenge::invalid_request(&tenant, scopes).into_response();
        }
    };
    let scheme = presented.scheme;
    let response = match context.authenticate(&tenant, presented, &request) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(Refused { challenge, reason }) => {
            tracing::info!(tenant = %tenant.slug, reason, "refused an access token");
            let event = Event::TokenRefused(&reason);
            let recorded = context.recorder.record(&tenant.slug, Actor::Unknown, event);
            recorded.await;
            challenge.into_response()
        }
    };
    match scheme {
        Scheme::Bearer => response,
        Scheme::Dpop => context.with_nonce(&tenant, response),
    }
}

impl Context {
    fn authenticate(
        &self,
        tenant: &Tenant,
        presented: Credential<'_>,
        request: &Request,
    ) -> Result<Arc<Principal>, Refused> {
        let scopes = &self.initial_scopes;
        let principal = self
            .tokens
            .verify(tenant, presented.token)
            .map_err(|reason| Refused {
                challenge: Challenge::invalid_token(tenant, scopes).under(presented.scheme),
                reason: reason.to_string(),
            })?;
        let from = (request.method(), request.headers());
        let possession = self.possession.check(tenant, &principal, presented, from);
        possession.map_err(|reason| Refused {
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
