//! Station: turns the access token into a principal, or asks for one (RFC 6750, RFC 9449 §7,
//! RFC 9728 §5.1).

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::model::{Principal, ScopeSet, Tenant};
use crate::resource_server::{
    AccessTokens, AmbiguousCredential, Challenge, Credential, InvalidAccessToken, Possession,
    Scheme, credential,
};
use crate::web::{self, DPOP_NONCE};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Verifies tokens.
    pub tokens: Arc<AccessTokens>,
    /// Verifies that they are presented by those whom they are bound to.
    pub possession: Possession,
    /// What the first challenge asks for.
    pub initial_scopes: ScopeSet,
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
    let from = (request.method(), request.headers());
    let response = match context.authenticate(&tenant, presented, from).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(Refused::Challenge(challenge)) => challenge.into_response(),
        Err(Refused::NoKeys) => no_keys(),
    };
    match scheme {
        Scheme::Bearer => response,
        Scheme::Dpop => context.with_nonce(&tenant, response),
    }
}

/// Why nobody was let in.
enum Refused {
    Challenge(Challenge),
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
    async fn authenticate(
        &self,
        tenant: &Tenant,
        presented: Credential<'_>,
        from: (&Method, &HeaderMap),
    ) -> Result<Arc<Principal>, Refused> {
        let scopes = &self.initial_scopes;
        let verified = self.tokens.authenticate(tenant, presented.token).await;
        let principal = verified.map_err(|reason| {
            tracing::info!(tenant = %tenant.slug, %reason, "refused an access token");
            if reason == InvalidAccessToken::NoKeys {
                return Refused::NoKeys;
            }
            let challenge = Challenge::invalid_token(tenant, scopes);
            Refused::Challenge(challenge.under(presented.scheme))
        })?;
        let possession = self.possession.check(tenant, &principal, presented, from);
        possession.map_err(|reason| {
            tracing::info!(tenant = %tenant.slug, %reason, "refused an access token");
            // RFC 9449 §7.2: a bound token that came as a bearer token is told the right scheme.
            let challenge = Challenge::no_possession(tenant, scopes, reason);
            Refused::Challenge(challenge.under(Scheme::of(&principal)))
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
