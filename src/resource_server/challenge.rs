//! The challenges that answer requests without a good token (RFC 6750 §3, RFC 9449 §7.1,
//! RFC 9728 §5.1).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::credential::Scheme;
use super::possession::NoPossession;
use crate::jose::client_signing_algorithms;
use crate::model::{ScopeSet, Tenant};

/// Why a request to the protected resource is refused, and what its client should do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    status: StatusCode,
    scheme: Scheme,
    error: Option<&'static str>,
    description: &'static str,
    scopes: ScopeSet,
    resource_metadata: String,
}

impl Challenge {
    /// No token came: 401, without an error code (RFC 6750 §3.1), asking for `scopes`.
    #[must_use]
    pub fn unauthenticated(tenant: &Tenant, scopes: &ScopeSet) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            scheme: Scheme::Bearer,
            error: None,
            description: "Sign in: this address needs an access token",
            scopes: tenant.scopes_to_ask_for(scopes),
            resource_metadata: tenant.resource_metadata_url(),
        }
    }

    /// The token is expired, malformed, or not for this resource: 401.
    #[must_use]
    pub fn invalid_token(tenant: &Tenant, scopes: &ScopeSet) -> Self {
        Self {
            error: Some("invalid_token"),
            description: "The access token is expired, malformed or for another resource",
            ..Self::unauthenticated(tenant, scopes)
        }
    }

    /// The token is good, but not from whoever presents it so: 401.
    #[must_use]
    pub fn no_possession(tenant: &Tenant, scopes: &ScopeSet, reason: NoPossession) -> Self {
        let description = match reason {
            NoPossession::Scheme => {
                "Present a token that is bound to a key under the scheme DPoP, any other one under \
                 the scheme Bearer"
            }
            NoPossession::OtherKey => "The access token is bound to another key",
            NoPossession::Count | NoPossession::Invalid(_) | NoPossession::Replayed => {
                "Send one new DPoP proof for this request and this access token"
            }
            NoPossession::Nonce => "Make the DPoP proof with the nonce of the DPoP-Nonce header",
        };
        Self {
            error: Some(reason.code()),
            description,
            ..Self::unauthenticated(tenant, scopes)
        }
    }

    /// The challenge under the scheme that the request used.
    #[must_use]
    pub fn under(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// The request presents its token in more than one way, or not as RFC 6750 §2.1 has it: 400.
    #[must_use]
    pub fn invalid_request(tenant: &Tenant, scopes: &ScopeSet) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: Some("invalid_request"),
            description: "Send one Authorization header with one access token",
            ..Self::unauthenticated(tenant, scopes)
        }
    }

    /// The token lacks scopes: 403, naming every scope that the operation needs.
    #[must_use]
    pub fn insufficient_scope(tenant: &Tenant, required: &ScopeSet) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            error: Some("insufficient_scope"),
            description: "The access token lacks a scope that this operation needs",
            ..Self::unauthenticated(tenant, required)
        }
    }

    /// The challenge as `WWW-Authenticate` carries it (RFC 9110 §11.6.1).
    #[must_use]
    pub fn header(&self) -> String {
        // Scopes and URLs hold neither quotes nor backslashes, so that no escaping is needed.
        let mut parameters = Vec::with_capacity(5);
        if let Some(error) = self.error {
            parameters.push(format!("error=\"{error}\""));
            parameters.push(format!("error_description=\"{}\"", self.description));
        }
        if !self.scopes.is_empty() {
            parameters.push(format!("scope=\"{}\"", self.scopes));
        }
        parameters.push(format!("resource_metadata=\"{}\"", self.resource_metadata));
        if self.scheme == Scheme::Dpop {
            // RFC 9449 §7.1
            parameters.push(format!(
                "algs=\"{}\"",
                client_signing_algorithms().join(" ")
            ));
        }
        format!("{} {}", self.scheme.as_str(), parameters.join(", "))
    }
}

impl IntoResponse for Challenge {
    fn into_response(self) -> Response {
        let body = json!({
            "error": self.error.unwrap_or("unauthorized"),
            "error_description": self.description,
        });
        let mut response = (self.status, Json(body)).into_response();
        if let Ok(value) = HeaderValue::try_from(self.header()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
