//! Bearer tokens in requests, and the challenges that answer them (RFC 6750 §2.1 and §3,
//! RFC 9728 §5.1).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;

use crate::model::{ScopeSet, Tenant};

/// Why a request to the protected resource is refused, and what its client should do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    status: StatusCode,
    error: Option<&'static str>,
    description: &'static str,
    scopes: ScopeSet,
    resource_metadata: String,
}

/// The request presents more than one credential, or one that is no token (RFC 6750 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is more than one way to read the Authorization header")]
pub struct AmbiguousCredential;

/// The token of the `Authorization` header, where there is one (RFC 6750 §2.1).
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, AmbiguousCredential> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(AmbiguousCredential);
    }
    let Ok(value) = value.to_str() else {
        return Ok(None);
    };
    let Some((scheme, token)) = value.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    // RFC 6750 §2.1: b64token. A comma would be a second credential.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(allowed) {
        return Err(AmbiguousCredential);
    }
    Ok(Some(token))
}

impl Challenge {
    /// No token came: 401, without an error code (RFC 6750 §3.1), asking for `scopes`.
    #[must_use]
    pub fn unauthenticated(tenant: &Tenant, scopes: &ScopeSet) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            error: None,
            description: "Sign in: this address needs an access token",
            scopes: scopes.clone(),
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

    /// The request presents its token in more than one way, or not as RFC 6750 §2.1 has it: 400.
    #[must_use]
    pub fn invalid_request(tenant: &Tenant, scopes: &ScopeSet) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: Some("invalid_request"),
            description: "Send one Authorization header with one bearer token",
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

    fn header(&self) -> String {
        // Scopes and URLs hold neither quotes nor backslashes, so that no escaping is needed.
        let mut parameters = Vec::with_capacity(4);
        if let Some(error) = self.error {
            parameters.push(format!("error=\"{error}\""));
            parameters.push(format!("error_description=\"{}\"", self.description));
        }
        if !self.scopes.is_empty() {
            parameters.push(format!("scope=\"{}\"", self.scopes));
        }
        parameters.push(format!("resource_metadata=\"{}\"", self.resource_metadata));
        format!("Bearer {}", parameters.join(", "))
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
