//! Why a client is not registered (RFC 7591 §3.2.2).

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::authorization_server::clients::InvalidKeys;
use crate::model::InvalidRedirectUri;
use crate::store::StoreError;
use crate::web;

/// An error of the registration endpoint. The text is its `error_description`.
#[derive(Debug, thiserror::Error)]
pub(in crate::authorization_server) enum RegistrationError {
    #[error("the body must be application/json")]
    MediaType,
    #[error("the body is longer than 65536 bytes or was cut off")]
    TooLarge,
    #[error("the body is no JSON object of client metadata, or has a member twice")]
    Document,
    #[error("redirect_uris must have 1 to 20 members")]
    RedirectUriCount,
    #[error("{0}")]
    RedirectUri(#[from] InvalidRedirectUri),
    #[error("client_name must have at most 200 characters, none of them invisible")]
    Name,
    #[error("client_uri must be an http or https URL")]
    ClientUri,
    #[error("token_endpoint_auth_method is not one of those in the server's metadata")]
    AuthMethod,
    #[error("grant_types must include authorization_code")]
    GrantTypes,
    #[error("response_types must include code")]
    ResponseTypes,
    #[error("{0}")]
    Keys(#[from] InvalidKeys),
    #[error("software statements are not accepted")]
    SoftwareStatement,
    #[error("registration needs an initial access token")]
    InitialAccessToken,
    #[error("clients are registered by the operator only")]
    Closed,
    #[error("there are too many registered clients")]
    Full,
    #[error("the registration access token is not that of this client")]
    RegistrationAccessToken,
    #[error("client_id or client_secret is not that of the client")]
    OtherClient,
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
}

impl RegistrationError {
    /// Logs the error and answers with it.
    pub(super) fn refuse(self) -> Response {
        let (status, code) = self.wire();
        if status.is_server_error() {
            tracing::error!(error = code, reason = ?self, "no client could be registered");
        } else {
            tracing::info!(error = code, reason = %self, "no client registered");
        }
        let mut response = web::json_error(status, code, &self.to_string());
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("3600"));
        }
        // RFC 6750 §3.1
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::RedirectUriCount | Self::RedirectUri(_) => {
                (StatusCode::BAD_REQUEST, "invalid_redirect_uri")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_client_metadata"),
            Self::MediaType
            | Self::Document
            | Self::Name
            | Self::ClientUri
            | Self::AuthMethod
            | Self::GrantTypes
            | Self::ResponseTypes
            | Self::Keys(_)
            | Self::OtherClient => (StatusCode::BAD_REQUEST, "invalid_client_metadata"),
            Self::SoftwareStatement => (StatusCode::BAD_REQUEST, "unapproved_software_statement"),
            Self::InitialAccessToken | Self::RegistrationAccessToken => {
                (StatusCode::UNAUTHORIZED, "invalid_token")
            }
            Self::Closed => (StatusCode::FORBIDDEN, "access_denied"),
            Self::Full => (StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable"),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"),
        }
    }
}
