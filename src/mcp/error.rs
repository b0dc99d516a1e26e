//! Errors with the codes of JSON-RPC 2.0 §5.1 and of MCP (2026-07-28 basic/index, error codes).

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::message::RequestId;
use super::reference;
use super::relayed;
use super::revision::Revision;
use crate::backends::{BackendError, Capability, RelayedError};
use crate::model;
use crate::store::StoreError;

/// The error of one request, or of a message that was none. The log has a line about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct RpcError {
    id: Option<RequestId>,
    fault: Fault,
    reference: Option<model::RequestId>,
}

/// What is wrong. The text of each is what the client reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are no JSON that everybody would read alike.
    #[error("Parse error")]
    Parse,
    /// The JSON is no message of JSON-RPC 2.0.
    #[error("Invalid request: {0}")]
    InvalidRequest(&'static str),
    /// There is no such method in this revision, or its capability is not offered.
    #[error("Method not found")]
    MethodNotFound(Revision),
    /// The parameters are not those of the method.
    #[error("Invalid params: {0}")]
    InvalidParams(Cow<'static, str>),
    /// A field that every request of the revision needs is missing from `_meta`, or is malformed.
    #[error("Invalid params: {0} is missing or malformed")]
    BadMeta(&'static str),
    /// To this caller there is no tool of that name.
    #[error("Unknown tool")]
    UnknownTool,
    /// To this caller there is no prompt of that name.
    #[error("Unknown prompt")]
    UnknownPrompt,
    /// To this caller there is no such resource.
    #[error("Resource not found")]
    ResourceNotFound {
        /// The URI that was asked for.
        uri: String,
        /// The revision that it was asked in.
        revision: Revision,
    },
    /// A header is missing, malformed, or says something else than the body.
    #[error("Header mismatch: {0} is missing, malformed or differs from the body")]
    HeaderMismatch(&'static str),
    /// The revision is not spoken here.
    #[error("Unsupported protocol version")]
    UnsupportedProtocolVersion {
        /// The revision that the client named.
        requested: String,
    },
    /// The client has not declared what the operation needs of it.
    #[error("Missing required client capability")]
    MissingCapability(Capability, Revision),
    /// To this caller there is no such task.
    #[error("Unknown task")]
    UnknownTask,
    /// The session is over, or is not the caller's.
    #[error("Session not found")]
    UnknownSession,
    /// There is no stream of this session with such an event.
    #[error("Invalid request: Last-Event-ID is no event of this session")]
    UnknownEvent,
    /// The caller holds as much of this as it may.
    #[error("Too many of these are open already")]
    TooMany,
    /// The caller asks too often.
    #[error("Too many requests: try again in {seconds} s")]
    TooFast {
        /// When it may ask again.
        seconds: u64,
    },
    /// The call goes on in another round. This never reaches a client.
    #[error("Input required")]
    InputRequired,
    /// The process stops.
    #[error("The server is stopping: try again")]
    Closing,
    /// Whoever worked on it has gone without a word.
    #[error("The server that worked on this has gone: try again")]
    Lost,
    /// The token has ended since the request was accepted.
    #[error("The access token has ended")]
    Unauthorized,
    /// The server behind the gate can't answer now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A server elsewhere answered with an error of its own.
    #[error("{}", .0.message)]
    Relayed(Box<RelayedError>, Revision),
    /// The caller gave the request up.
    #[error("The request was cancelled")]
    Cancelled,
    /// A failure of the gateway itself.
    #[error("Internal error")]
    Internal,
    /// The HTTP method is not one of the MCP endpoint.
    #[error("Invalid request: the MCP endpoint takes POST")]
    HttpMethod,
    /// The body is not declared as JSON.
    #[error("Invalid request: Content-Type must be application/json")]
    ContentType,
    /// The client takes none of the media types that an answer can have.
    #[error("Invalid request: Accept must allow application/json or text/event-stream")]
    Accept,
    /// A browser asks for a page that may not call here.
    #[error("Forbidden: this Origin may not call the MCP endpoint")]
    Origin,
}

impl Fault {
    /// The code on the wire.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::Relayed(error, revision) => relayed::code(error, *revision),
            Self::Parse => -32700,
            Self::InvalidRequest(_)
            | Self::HttpMethod
            | Self::ContentType
            | Self::Accept
            | Self::Origin
            | Self::UnknownSession
            | Self::UnknownEvent
            | Self::TooMany => -32600,
            // JSON-RPC 2.0 §5.1 and 2026-07-28 basic/index: an application's own codes are outside
            // of -32768 to -32000. This one is the status of HTTP, which standard streams lack.
            Self::TooFast { .. } => 429,
            Self::MethodNotFound(_) => -32601,
            // 2025-11-25 server/resources; 2026-07-28 must not emit it.
            Self::ResourceNotFound {
                revision: Revision::V2025_06_18 | Revision::V2025_11_25,
                ..
            } => -32002,
            Self::InvalidParams(_)
            | Self::BadMeta(_)
            | Self::UnknownTool
            | Self::UnknownPrompt
            | Self::UnknownTask
            | Self::ResourceNotFound { .. } => -32602,
            Self::HeaderMismatch(_) => -32020,
            Self::UnsupportedProtocolVersion { .. } => -32022,
            Self::MissingCapability(_, Revision::V2026_07_28) => -32021,
            Self::MissingCapability(_, _)
            | Self::InputRequired
            | Self::Closing
            | Self::Lost
            | Self::Unauthorized
            | Self::Unavailable(_)
            | Self::Cancelled
            | Self::Internal => -32603,
        }
    }

    /// The HTTP status that goes with it. What concerns the message is 4xx; what an operation
    /// came to is 200, as with every result.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Parse
            | Self::InvalidRequest(_)
            | Self::UnknownEvent
            | Self::BadMeta(_)
            | Self::HeaderMismatch(_)
            | Self::UnsupportedProtocolVersion { .. }
            // 2026-07-28 basic/index, client capabilities.
            | Self::MissingCapability(_, Revision::V2026_07_28) => StatusCode::BAD_REQUEST,
                        // 2026-07-28 streamable-http, protocol version header.
            Self::MethodNotFound(Revision::V2026_07_28)
            // 2025-11-25 basic/transports, session management.
            | Self::UnknownSession => StatusCode::NOT_FOUND,
            Self::TooMany | Self::TooFast { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::HttpMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Accept => StatusCode::NOT_ACCEPTABLE,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::MethodNotFound(_)
            | Self::InvalidParams(_)
            | Self::UnknownTool
            | Self::UnknownPrompt
            | Self::UnknownTask
            | Self::ResourceNotFound { .. }
            | Self::MissingCapability(_, _)
            | Self::InputRequired
            | Self::Closing
            | Self::Lost
            | Self::Unauthorized
            | Self::Unavailable(_)
            | Self::Cancelled
            | Self::Internal => StatusCode::OK,
            Self::Relayed(error, revision) => relayed::status(error, *revision),
        }
    }

    /// True when somebody should look into it who runs the gateway.
    pub(super) const fn is_of_the_gateway(&self) -> bool {
        matches!(self, Self::Internal | Self::Lost | Self::Unavailable(_))
    }

    /// This, as the error of the request `id`.
    #[must_use]
    pub fn of(self, id: RequestId) -> RpcError {
        RpcError::with_id(self, Some(id))
    }

    /// What a backend's error means to a request for `uri` in `revision`.
    pub(super) fn from_backend(error: BackendError, uri: &str, revision: Revision) -> Self {
        match error {
            BackendError::UnknownTool => Self::UnknownTool,
            BackendError::UnknownResource => Self::ResourceNotFound {
                uri: uri.to_owned(),
                revision,
            },
            BackendError::UnknownPrompt => Self::UnknownPrompt,
            BackendError::InvalidParams(why) => Self::InvalidParams(why.into()),
            BackendError::Unavailable(why) => Self::Unavailable(why),
            BackendError::Relayed(mut error) => {
                relayed::adapt(&mut error, uri, revision);
                Self::Relayed(error, revision)
            }
            BackendError::MissingCapability(capability) => {
                Self::MissingCapability(capability, revision)
            }
            BackendError::InputRequired => Self::InputRequired,
            BackendError::Cancelled => Self::Cancelled,
        }
    }

    fn data(&self) -> Map<String, Value> {
        let members = match self {
            Self::Relayed(error, _) => match error.data.clone() {
                Some(Value::Object(data)) => return data,
                // There has to be room for what finds the log line.
                Some(other) => vec![("data", other)],
                None => Vec::new(),
            },
            Self::ResourceNotFound { uri, .. } => vec![("uri", json!(uri))],
            Self::UnsupportedProtocolVersion { requested } => vec![
                ("supported", json!(Revision::SUPPORTED.map(Revision::name))),
                ("requested", json!(requested)),
            ],
            Self::MissingCapability(capability, _) => {
                vec![("requiredCapabilities", declaration(*capability))]
            }
            Self::TooFast { seconds } => vec![("retryAfterSeconds", json!(seconds))],
            Self::Parse
            | Self::InvalidRequest(_)
            | Self::MethodNotFound(_)
            | Self::InvalidParams(_)
            | Self::BadMeta(_)
            | Self::UnknownTool
            | Self::UnknownPrompt
            | Self::UnknownTask
            | Self::UnknownSession
            | Self::UnknownEvent
            | Self::TooMany
            | Self::InputRequired
            | Self::Closing
            | Self::Lost
            | Self::Unauthorized
            | Self::HeaderMismatch(_)
            | Self::Unavailable(_)
            | Self::Cancelled
            | Self::Internal
            | Self::HttpMethod
            | Self::ContentType
            | Self::Accept
            | Self::Origin => Vec::new(),
        };
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// How a client declares `capability` (`ClientCapabilities`).
fn declaration(capability: Capability) -> Value {
    match capability {
        Capability::Sampling => json!({ "sampling": {} }),
        Capability::SamplingTools => json!({ "sampling": { "tools": {} } }),
        Capability::Elicitation => json!({ "elicitation": { "form": {} } }),
        Capability::ElicitationUrl => json!({ "elicitation": { "url": {} } }),
        Capability::Roots => json!({ "roots": {} }),
        Capability::Tasks => json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } }),
    }
}

impl RpcError {
    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> &Fault {
        &self.fault
    }

    /// This, as the error of the request `id` where that could be read.
    pub(super) fn with_id(fault: Fault, id: Option<RequestId>) -> Self {
        let reference = reference::of_error(&fault);
        Self {
            id,
            fault,
            reference,
        }
    }

    /// The error response (JSON-RPC 2.0 §5), with a null id where none could be read.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let response = json!({ "jsonrpc": "2.0", "id": self.id, "error": self.object() });
        response.to_string().into()
    }

    /// The error object.
    pub(super) fn object(&self) -> Value {
        let mut data = self.fault.data();
        if let Some(reference) = self.reference {
            data.insert(reference::MEMBER.to_owned(), json!(reference.to_string()));
        }
        let mut error = json!({ "code": self.fault.code(), "message": self.fault.to_string() });
        if let (Some(error), false) = (error.as_object_mut(), data.is_empty()) {
            error.insert("data".to_owned(), Value::Object(data));
        }
        error
    }
}

impl From<Fault> for RpcError {
    fn from(fault: Fault) -> Self {
        Self::with_id(fault, None)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "the database could not be asked");
        Self::Unavailable("this can't be served at the moment: try again soon")
    }
}

impl From<serde_json::Error> for Fault {
    /// Only of what is being written: reading has its own errors.
    fn from(_: serde_json::Error) -> Self {
        Self::Internal
    }
}

impl IntoResponse for RpcError {
    fn into_response(self) -> Response {
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (self.fault.status(), json, self.to_bytes()).into_response();
        if self.fault == Fault::HttpMethod {
            // RFC 9110 §15.5.6
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, allowed);
        }
        if let Fault::TooFast { seconds } = self.fault {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
