//! What the admin API refuses, as problem documents (RFC 9457).

use aide::generate::GenContext;
use aide::openapi::{
    MediaType, Operation, Response as Described, SchemaObject, StatusCode as Code,
};
use aide::operation::OperationOutput;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Problems;
use crate::model::OperatorRole;
use crate::operations::OperationError;
use crate::store::StoreError;
use crate::web;

/// Why the admin API refuses a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("an operator token is needed, as a bearer token")]
    NoToken,
    #[error("the token is no operator's, or has ended")]
    UnknownToken,
    #[error("the role {} is needed", .0.as_str())]
    Role(OperatorRole),
    #[error("an operator who is restricted to one tenant can't do this")]
    Restricted,
    #[error("the admin listener is not known by this name")]
    Misdirected,
    #[error("there is nothing at this address")]
    NoSuchPage,
    #[error("this can't be done with this method")]
    Method,
    #[error("the body must be application/json")]
    MediaType,
    #[error("the body is too large or was cut off")]
    Body,
    #[error("the body is not JSON")]
    Json,
    #[error("there are mistakes in the request")]
    Mistakes(#[source] Problems),
    #[error("{expected}")]
    Parameter {
        field: &'static str,
        expected: &'static str,
    },
    #[error(transparent)]
    Operation(#[from] OperationError),
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong.
    detail: String,
    /// Each mistake in the request, where that is what is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Mistake>,
}

/// One mistake in a request.
#[derive(Debug, Serialize, JsonSchema)]
struct Mistake {
    /// The field or parameter.
    field: String,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    /// What belongs there.
    expected: String,
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Operation(error.into())
    }
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::Role(_) | Self::Restricted => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::NoSuchPage | Self::Operation(OperationError::Missing { .. }) => {
                StatusCode::NOT_FOUND
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Json
            | Self::Mistakes(_)
            | Self::Parameter { .. }
            | Self::Operation(OperationError::Invalid { .. } | OperationError::Document(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Operation(OperationError::Taken(_) | OperationError::Protected(_)) => {
                StatusCode::CONFLICT
            }
            Self::Operation(OperationError::Store(StoreError::Conflict)) => StatusCode::CONFLICT,
            Self::Operation(OperationError::Store(StoreError::Unavailable(_))) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Operation(
                OperationError::Store(StoreError::Failed(_))
                | OperationError::Keys(_)
                | OperationError::Password(_),
            ) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Puts all that is known into the log.
    pub(crate) fn log(&self) {
        tracing::error!(error = %Chain(self), "an admin request failed");
    }

    /// What the operator reads; what another system said stays in the log.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Operation(OperationError::Document(_)) => {
                "there are mistakes in the settings".to_owned()
            }
            Self::Operation(OperationError::Store(StoreError::Conflict)) => {
                "it exists already".to_owned()
            }
            Self::Operation(OperationError::Store(StoreError::Unavailable(_))) => {
                "the database does not answer at the moment".to_owned()
            }
            Self::Operation(
                OperationError::Store(StoreError::Failed(_))
                | OperationError::Keys(_)
                | OperationError::Password(_),
            ) => "something went wrong here; the log has it under the request's identifier"
                .to_owned(),
            Self::NoToken
            | Self::UnknownToken
            | Self::Role(_)
            | Self::Restricted
            | Self::Misdirected
            | Self::NoSuchPage
            | Self::Method
            | Self::MediaType
            | Self::Body
            | Self::Json
            | Self::Mistakes(_)
            | Self::Parameter { .. }
            | Self::Operation(
                OperationError::Missing { .. }
                | OperationError::Taken(_)
                | OperationError::Invalid { .. }
                | OperationError::Protected(_),
            ) => self.to_string(),
        }
    }

    /// Each mistake in the request: field, what is there, and what belongs there.
    pub(crate) fn mistakes(&self) -> Vec<(String, Option<String>, String)> {
        match self {
            Self::Mistakes(problems) | Self::Operation(OperationError::Document(problems)) => {
                let told = |problem: &crate::config::Problem| {
                    let found = Some(problem.found.clone());
                    (problem.path.clone(), found, problem.expected.clone())
                };
                problems.iter().map(told).collect()
            }
            Self::Parameter { field, expected } => {
                vec![((*field).to_owned(), None, (*expected).to_owned())]
            }
            Self::Operation(OperationError::Invalid { field, rule }) => {
                vec![((*field).to_owned(), None, rule.clone())]
            }
            Self::NoToken
            | Self::UnknownToken
            | Self::Role(_)
            | Self::Restricted
            | Self::Misdirected
            | Self::NoSuchPage
            | Self::Method
            | Self::MediaType
            | Self::Body
            | Self::Json
            | Self::Operation(_) => Vec::new(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            self.log();
        }
        let mistakes = self.mistakes().into_iter();
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.detail(),
            errors: mistakes
                .map(|(field, found, expected)| Mistake {
                    field,
                    found,
                    expected,
                })
                .collect(),
        };
        let mut response = web::json(status, &problem);
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2
            let challenge = HeaderValue::from_static("Bearer realm=\"gatehouse admin\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// An error with everything that led to it, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0.source();
        while let Some(cause) = error {
            write!(f, ": {cause}")?;
            error = cause.source();
        }
        Ok(())
    }
}

impl OperationOutput for ApiError {
    type Inner = Self;

    fn operation_response(context: &mut GenContext, _: &mut Operation) -> Option<Described> {
        let media = MediaType {
            schema: Some(SchemaObject {
                json_schema: context.schema.subschema_for::<Problem>(),
                external_docs: None,
                example: None,
            }),
            ..Default::default()
        };
        Some(Described {
            description: "The request is refused".to_owned(),
            content: [("application/problem+json".to_owned(), media)]
                .into_iter()
                .collect(),
            ..Default::default()
        })
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Code>, Described)> {
        Self::operation_response(context, operation)
            .map(|described| (None, described))
            .into_iter()
            .collect()
    }
}
