//! Why there is no token (RFC 6749 §5.2).

use axum::response::Response;
use http::StatusCode;

use crate::authorization_server::client_authentication::ClientAuthenticationError;
use crate::authorization_server::dpop::ProofError;
use crate::authorization_server::refusal;
use crate::jose::JoseError;
use crate::model::Tenant;
use crate::rate_limits::Limited;
use crate::store::StoreError;
use crate::web::{FormRejection, RepeatedParameter};

/// An error of the token endpoint. The text is its `error_description`.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error(transparent)]
    Form(#[from] FormRejection),
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("grant_type is missing")]
    MissingGrantType,
    #[error("code is missing")]
    MissingCode,
    #[error("refresh_token is missing")]
    MissingRefreshToken,
    #[error("assertion is missing")]
    MissingAssertion,
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("the client is not registered for this grant type")]
    UnauthorizedClient,
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    /// The wire hears one text for all reasons, the log hears which it was.
    #[error("the grant is invalid, expired or revoked, or was given to another client")]
    InvalidGrant(#[from] GrantRefusal),
    #[error("the scope is not part of what was granted")]
    InvalidScope,
    #[error("the resource is not the one that was granted")]
    InvalidTarget,
    #[error(transparent)]
    Limited(#[from] Limited),
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
    /// The keys of the issuer of an assertion are not to be had.
    #[error("the server can't answer right now")]
    NoKeys,
    #[error("the server can't answer right now")]
    Signing(#[from] JoseError),
    #[error("the user's identity provider can't be asked right now")]
    ProviderUnavailable,
}

/// Why a code or a refresh token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{self:?}")]
pub(super) enum GrantRefusal {
    /// There is none like it.
    Unknown,
    /// It was given to another client.
    OtherClient,
    /// The redirect URI is not that of the authorization request.
    RedirectUri,
    /// The verifier is missing, or not that of the challenge.
    Verifier,
    /// It is bound to a key that the client did not prove to have.
    Key,
    /// The account is gone or disabled.
    User,
    /// The person's identity provider no longer vouches for them: the grant is revoked now.
    Provider,
    /// What it last said about them is too old, and only a sign-in brings something newer.
    SignIn,
    /// The person's roles have none of the scopes any more.
    Scopes,
    /// The resource is served no more.
    Resource,
    /// It expired, or its grant was revoked.
    Ended,
    /// It is no identity assertion, or its signature is not that of its issuer.
    Assertion,
    /// It is signed with a key that its issuer does not have.
    UnknownKey,
    /// Its issuer's word is not taken here.
    Issuer,
    /// It is for another server.
    Audience,
    /// The assertion was used before.
    Replayed,
    /// It was used before: its grant is revoked now.
    Reused,
}

impl TokenError {
    /// Logs the error and answers with it.
    pub(super) fn refuse(self, tenant: &Tenant) -> Response {
        let (status, code) = self.wire();
        if status.is_server_error() {
            tracing::error!(error = code, reason = ?self, "no token could be issued");
        } else {
            tracing::info!(error = code, reason = ?self, "no token issued");
        }
        let header = if let Self::Client(error) = &self {
            error.header(tenant)
        } else if let Self::Limited(limited) = &self {
            Some(refusal::retry_after(limited))
        } else {
            None
        };
        refusal::answer((status, code), &self.to_string(), header)
    }

    /// The code on the wire.
    pub(super) const fn code(&self) -> &'static str {
        self.wire().1
    }

    const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Form(FormRejection::Body) => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            Self::Form(FormRejection::MediaType | FormRejection::Malformed(_))
            | Self::Repeated(_)
            | Self::MissingGrantType
            | Self::MissingCode
            | Self::MissingRefreshToken
            | Self::MissingAssertion => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Client(error) => error.wire(),
            Self::Limited(_) => refusal::TOO_MANY_REQUESTS,
            Self::Proof(error) => error.wire(),
            Self::UnauthorizedClient => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::UnsupportedGrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::InvalidGrant(_) => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::InvalidScope => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::InvalidTarget => (StatusCode::BAD_REQUEST, "invalid_target"),
            // Not `invalid_grant`: clients would drop tokens that are good.
            Self::Store(_) | Self::Signing(_) | Self::NoKeys | Self::ProviderUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
        }
    }
}
