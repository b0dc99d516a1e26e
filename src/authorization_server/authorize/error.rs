//! Why an authorization request ends, and who is told: the person or the client
//! (RFC 6749 §4.1.2.1).

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use crate::authorization_server::clients::FindClientError;
use crate::authorization_server::login::SignInRefusal;
use crate::authorization_server::pages::{self, Brand, ErrorPage};
use crate::identity::SignInError;
use crate::model::{ClientId, InvalidScope, RedirectUri, Secret, Tenant};
use crate::store::StoreError;
use crate::web::{self, FormRejection, MalformedParameters, RepeatedParameter};

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub(in crate::authorization_server) enum AuthorizeError {
    /// The person reads about it here: there is no address that could be trusted, or it is
    /// nothing that the client could deal with.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The client hears of it.
    #[error("{1}")]
    Redirect(Box<ReturnAddress>, RedirectError),
}

/// Where the answer goes.
#[derive(Clone, Debug)]
pub(in crate::authorization_server) struct ReturnAddress {
    pub(in crate::authorization_server) client: ClientId,
    pub(in crate::authorization_server) redirect_uri: RedirectUri,
    pub(in crate::authorization_server) state: Option<String>,
    pub(in crate::authorization_server) issuer: String,
}

/// An error that is shown as a page.
#[derive(Debug, thiserror::Error)]
pub(in crate::authorization_server) enum PageError {
    #[error("the query is too long")]
    TooLong,
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("no client_id")]
    MissingClient,
    #[error("unknown client_id")]
    UnknownClient,
    /// The person reads one text for all reasons: who could tell a closed port from a missing page
    /// could use us to look around.
    #[error("the client's metadata document: {0}")]
    ClientDocument(FindClientError),
    #[error("the request_uri is unknown, expired, answered or of another client")]
    UnknownRequest,
    #[error("no redirect_uri, and several are registered")]
    MissingRedirectUri,
    #[error("the redirect_uri is not registered")]
    UnregisteredRedirectUri,
    #[error(transparent)]
    Form(#[from] FormRejection),
    #[error("the form has no field that says what to do")]
    NoDecision,
    #[error("the form is not of this browser and this request")]
    Forged {
        /// Where the person may begin again.
        again: String,
    },
    #[error(transparent)]
    Unavailable(#[from] StoreError),
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error(transparent)]
    Refused(#[from] SignInRefusal),
}

/// An error that the client hears of. The text is its `error_description`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::authorization_server) enum RedirectError {
    #[error(transparent)]
    Repeated(#[from] RepeatedParameter),
    #[error("state is longer than 4096 bytes")]
    StateTooLong,
    #[error("response_type is missing")]
    MissingResponseType,
    #[error("response_type must be code")]
    UnsupportedResponseType,
    #[error("response_mode must be query")]
    UnsupportedResponseMode,
    #[error("request objects are not supported")]
    RequestNotSupported,
    #[error("request objects are not supported")]
    RequestUriNotSupported,
    #[error("the client is not registered for the authorization_code grant")]
    UnauthorizedClient,
    #[error("code_challenge is missing: PKCE is required")]
    MissingChallenge,
    #[error("code_challenge_method must be S256")]
    ChallengeMethod,
    #[error("code_challenge is not the base64url of a SHA-256 digest")]
    Challenge,
    #[error("dpop_jkt is not the base64url of a SHA-256 thumbprint")]
    Key,
    #[error("resource is not the one that this server protects")]
    InvalidTarget,
    #[error("none of the requested scopes can be granted")]
    InvalidScope,
    #[error("prompt combines none with another value")]
    Prompt,
    #[error("the user is not signed in")]
    LoginRequired,
    #[error("the user must be asked for consent")]
    ConsentRequired,
    #[error("the user denied the request")]
    AccessDenied,
}

impl AuthorizeError {
    /// Logs the error and answers with it.
    pub(in crate::authorization_server) fn refuse(self, tenant: &Tenant) -> Response {
        match self {
            Self::Page(error) => error.refuse(tenant),
            Self::Redirect(back, error) => {
                tracing::info!(
                    client.id = %back.client,
                    error = error.code(),
                    reason = %error,
                    "authorization refused"
                );
                back.with_error(error)
            }
        }
    }
}

impl From<SignInRefusal> for AuthorizeError {
    fn from(refusal: SignInRefusal) -> Self {
        Self::Page(refusal.into())
    }
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> Self {
        Self::Page(error.into())
    }
}

impl ReturnAddress {
    pub(in crate::authorization_server) fn with_code(&self, code: &Secret) -> Response {
        self.answer(&[("code", code.expose())])
    }

    fn with_error(&self, error: RedirectError) -> Response {
        let description = error.to_string();
        self.answer(&[("error", error.code()), ("error_description", &description)])
    }

    fn answer(&self, parameters: &[(&str, &str)]) -> Response {
        let mut parameters = parameters.to_vec();
        if let Some(state) = &self.state {
            parameters.push(("state", state));
        }
        // RFC 9207 §2: in every answer, errors among them.
        parameters.push(("iss", &self.issuer));
        web::see_other(&self.redirect_uri.with_parameters(&parameters))
    }
}

impl RedirectError {
    pub(in crate::authorization_server) const fn code(self) -> &'static str {
        match self {
            Self::Repeated(_)
            | Self::StateTooLong
            | Self::MissingResponseType
            | Self::UnsupportedResponseMode
            | Self::MissingChallenge
            | Self::ChallengeMethod
            | Self::Challenge
            | Self::Key
            | Self::Prompt => "invalid_request",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidScope => "invalid_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccessDenied => "access_denied",
        }
    }
}

impl From<InvalidScope> for RedirectError {
    fn from(_: InvalidScope) -> Self {
        Self::InvalidScope
    }
}

impl PageError {
    fn refuse(self, tenant: &Tenant) -> Response {
        let status = self.status();
        let is_ours = !matches!(self, Self::Refused(SignInRefusal::Unavailable(_)));
        if status.is_server_error() && is_ours {
            tracing::error!(reason = ?self, "a page could not be shown");
        } else {
            tracing::info!(reason = %self, "authorization refused on a page");
        }
        let mut response = pages::show(tenant, status, &self.page(tenant));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Forged { .. } => StatusCode::FORBIDDEN,
            Self::Refused(refusal) => refusal.status(),
            Self::Unavailable(_) | Self::SignIn(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLong
            | Self::Malformed(_)
            | Self::Repeated(_)
            | Self::MissingClient
            | Self::UnknownClient
            | Self::ClientDocument(_)
            | Self::UnknownRequest
            | Self::MissingRedirectUri
            | Self::UnregisteredRedirectUri
            | Self::Form(_)
            | Self::NoDecision => StatusCode::BAD_REQUEST,
        }
    }

    /// What happened and what to do about it, in words for a person.
    fn page<'a>(&'a self, tenant: &'a Tenant) -> ErrorPage<'a> {
        let brand = Brand::of(tenant);
        match self {
            Self::Refused(refusal) => refusal.page(tenant),
            Self::MissingClient
            | Self::TooLong
            | Self::Malformed(_)
            | Self::Repeated(_)
            | Self::Form(_)
            | Self::NoDecision => ErrorPage {
                brand,
                title: "This link is incomplete",
                explanation: "The application that sent you here left something out, or the \
                              address was changed on the way.",
                advice: "Go back to the application and connect again. If that leads here once \
                         more, report it to those who make the application.",
                again: None,
            },
            Self::UnknownClient => ErrorPage {
                brand,
                title: "This application is not known here",
                explanation: "It was never registered with this server, or its registration has \
                              been removed.",
                advice: "In the application, remove the connection to this server and add it \
                         again: that registers it anew.",
                again: None,
            },
            Self::ClientDocument(_) => ErrorPage {
                brand,
                title: "This application could not be checked",
                explanation: "It is known by the address of a document about it, and that \
                              document could not be read or is not accepted here.",
                advice: "Try again in a minute. If that leads here once more, report it to those \
                         who make the application or to those who run this server.",
                again: None,
            },
            Self::UnknownRequest => ErrorPage {
                brand,
                title: "This link is no longer valid",
                explanation: "It was answered already, or it is too old. Nothing was changed.",
                advice: "Go back to the application and connect again.",
                again: None,
            },
            Self::MissingRedirectUri | Self::UnregisteredRedirectUri => ErrorPage {
                brand,
                title: "This application may not send you here",
                explanation: "It asked to have you sent back to an address that it has not \
                              registered. To keep your access safe, nothing was sent there.",
                advice: "If you did not start this yourself, close this page. Otherwise remove \
                         the connection in the application and add it again.",
                again: None,
            },
            Self::Forged { again } => ErrorPage {
                brand,
                title: "This form is no longer valid",
                explanation: "It was opened in another browser, or too long ago. Nothing was \
                              changed.",
                advice: "Open the form again and repeat your answer. Your browser must accept \
                         cookies from this site.",
                again: Some(again),
            },
            Self::Unavailable(_) | Self::SignIn(_) => ErrorPage {
                brand,
                title: "We can't answer right now",
                explanation: "The server can't reach its database. Nothing was changed.",
                advice: "Wait a moment, then reload this page.",
                again: None,
            },
        }
    }
}
