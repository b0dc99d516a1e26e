//! Why a request of the provider is refused (RFC 7644 §3.12).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::resource;
use crate::rate_limits::Limited;
use crate::store::StoreError;

/// An error of an endpoint. The text is its `detail`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScimError {
    #[error("this needs the tenant's token for provisioning")]
    Unauthorized,
    #[error("there is nothing of that identifier")]
    NotFound,
    #[error("the name or the key of it is taken")]
    Taken,
    #[error("a filter here is userName, displayName or externalId, eq, and a text in quotes")]
    Filter,
    #[error("the body is no JSON object of this kind")]
    Syntax,
    #[error("the body must be application/scim+json or application/json")]
    MediaType,
    #[error("the body is longer than 1048576 bytes or was cut off")]
    TooLarge,
    #[error("an attribute has a value that it can't have, or one that it needs is missing")]
    Value,
    #[error("a path doesn't name what can be changed in this way")]
    Path,
    #[error(transparent)]
    Limited(Limited),
    #[error("the server can't answer right now")]
    Store(#[source] StoreError),
}

impl From<StoreError> for ScimError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            StoreError::Unavailable(_) | StoreError::Failed(_) => Self::Store(error),
        }
    }
}

impl IntoResponse for ScimError {
    fn into_response(self) -> Response {
        self.refuse()
    }
}

impl ScimError {
    /// Logs the error and answers with it.
    pub(super) fn refuse(self) -> Response {
        let (status, kind) = self.wire();
        if status.is_server_error() {
            tracing::error!(reason = ?self, "a provisioning request failed");
        } else {
            tracing::info!(reason = %self, "a provisioning request was refused");
        }
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": status.as_str(),
            "detail": self.to_string(),
        });
        if let (Some(kind), Some(body)) = (kind, body.as_object_mut()) {
            body.insert("scimType".to_owned(), kind.into());
        }
        let mut response = resource::answer(status, &body);
        if let Self::Limited(limited) = &self {
            let seconds = HeaderValue::from(limited.seconds());
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// RFC 7644 §3.12, table 9.
    const fn wire(&self) -> (StatusCode, Option<&'static str>) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, None),
            Self::NotFound => (StatusCode::NOT_FOUND, None),
            Self::Taken => (StatusCode::CONFLICT, Some("uniqueness")),
            Self::Filter => (StatusCode::BAD_REQUEST, Some("invalidFilter")),
            Self::Syntax => (StatusCode::BAD_REQUEST, Some("invalidSyntax")),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
            Self::Value => (StatusCode::BAD_REQUEST, Some("invalidValue")),
            Self::Path => (StatusCode::BAD_REQUEST, Some("invalidPath")),
            Self::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, None),
            Self::Store(StoreError::Unavailable(_)) => (StatusCode::SERVICE_UNAVAILABLE, None),
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, None),
        }
    }
}
