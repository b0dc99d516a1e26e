//! Why a mounted server gave no result.

use serde_json::Value;

use super::super::{BackendError, RelayedError};
use super::result::ServerResult;
use crate::egress::{EgressError, GuardError};

/// Why a mounted server gave no result. What it said itself is kept for an error of JSON-RPC only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// No connection came to be, or it broke.
    #[error("it can't be reached")]
    Unreachable,
    /// Its address may not be reached.
    #[error("its host has an address that is not public, and allow_private does not name it")]
    SpecialUse,
    /// It was silent for too long.
    #[error("it did not answer in time")]
    TimedOut,
    /// It said more than it may.
    #[error("its answer is too large")]
    TooLarge,
    /// What it said is not MCP.
    #[error("it does not speak MCP: {0}")]
    Protocol(&'static str),
    /// It does not know the gateway.
    #[error("it refuses the gateway's credentials")]
    Credentials,
    /// It takes the gateway's credentials, or somebody's, for no request of this kind.
    #[error("it lets nobody in for this with the credentials that it was shown")]
    NotLetIn,
    /// The person has to link their account first.
    #[error("the account of the person is not linked")]
    NotLinked,
    /// The gateway got no token for it.
    #[error("no token could be had for it")]
    Token,
    /// It has ended the session that the request was for.
    #[error("its session ended")]
    SessionEnded,
    /// It can't take more at the moment.
    #[error("too many requests wait for it")]
    Busy,
    /// It failed several times in a row.
    #[error("it failed again and again, and is left alone for a while")]
    LeftAlone,
    /// Its tools can't be held against what is on record.
    #[error("the database is away, which has what is on record of its tools")]
    Unrecorded,
    /// It answered with an error.
    #[error("it answered with the error {}", .0.code)]
    Error(Box<RelayedError>),
    /// The client has to do something first, or has gone.
    #[error(transparent)]
    Client(BackendError),
}

/// How long the text of an error may be.
const LONGEST_TEXT: usize = 4096;

impl Failure {
    /// True for what says that the server does not work.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable
            | Self::SpecialUse
            | Self::TimedOut
            | Self::Protocol(_)
            | Self::Credentials
            | Self::Token => true,
            Self::TooLarge
            | Self::SessionEnded
            | Self::Busy
            | Self::NotLetIn
            | Self::NotLinked
            | Self::LeftAlone
            | Self::Unrecorded
            | Self::Error(_)
            | Self::Client(_) => false,
        }
    }

    /// What operators know it as; none where it is no failure of the server's.
    pub(super) const fn kind(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable => "unreachable",
            Self::SpecialUse => "special_use",
            Self::TimedOut => "timeout",
            Self::TooLarge => "too_large",
            Self::Protocol(_) => "protocol",
            Self::Credentials | Self::NotLetIn => "credentials",
            Self::Token => "token",
            Self::SessionEnded => "session_ended",
            Self::Busy => "busy",
            Self::LeftAlone => "left_alone",
            Self::Error(_) => "error",
            Self::NotLinked | Self::Unrecorded | Self::Client(_) => return None,
        })
    }

    /// The error that `object` is, if it is one of JSON-RPC.
    pub(super) fn of_error(object: &Value) -> Self {
        let code = object.get("code").and_then(Value::as_i64);
        let message = object.get("message").and_then(Value::as_str);
        let (Some(code), Some(message)) = (code, message) else {
            return Self::Protocol("an error without code or message");
        };
        let end = message.floor_char_boundary(LONGEST_TEXT);
        Self::Error(Box::new(RelayedError {
            code,
            message: message.get(..end).unwrap_or_default().to_owned(),
            data: object.get("data").cloned(),
            is_modern: false,
        }))
    }

    /// The same, as said in 2026-07-28.
    pub(super) fn in_modern_words(mut self) -> Self {
        if let Self::Error(error) = &mut self {
            error.is_modern = true;
        }
        self
    }

    /// What the client reads.
    pub(super) fn into_error(self) -> BackendError {
        match self {
            Self::Client(error) => error,
            // What the gateway said to the server was wrong, whatever the client said.
            Self::Error(error) if matches!(error.code, -32700 | -32600 | -32020 | -32022) => {
                BackendError::Unavailable("the server of this did not understand the gateway")
            }
            Self::Error(error) => BackendError::Relayed(error),
            Self::Unreachable | Self::SpecialUse | Self::SessionEnded => {
                BackendError::Unavailable("the server of this can't be reached: try again later")
            }
            Self::TimedOut => {
                BackendError::Unavailable("the server of this did not answer in time")
            }
            Self::TooLarge => BackendError::Unavailable("the answer is larger than it may be"),
            Self::Protocol(_) => {
                BackendError::Unavailable("the server of this gave no answer of MCP")
            }
            Self::Credentials | Self::NotLetIn | Self::Token => BackendError::Unavailable(
                "the server of this does not let the gateway in: tell whoever runs the gateway",
            ),
            Self::NotLinked => BackendError::Unavailable(
                "your account at the server of this is not connected: connect it on your account page",
            ),
            Self::Unrecorded => {
                BackendError::Unavailable("the tools of this can't be checked: try again later")
            }
            Self::Busy => BackendError::Unavailable(
                "too many requests wait for the server of this: try again",
            ),
            Self::LeftAlone => BackendError::Unavailable(
                "the server of this failed several times: try again in a minute",
            ),
        }
    }
}

impl From<GuardError> for Failure {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::SpecialUse => Self::SpecialUse,
            GuardError::Failed(error) => error.into(),
            GuardError::Busy => Self::Busy,
            GuardError::Scheme | GuardError::Port | GuardError::Host | GuardError::Compressed => {
                Self::Unreachable
            }
        }
    }
}

impl From<EgressError> for Failure {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Setup | EgressError::Connection => Self::Unreachable,
            EgressError::TimedOut => Self::TimedOut,
            EgressError::TooLarge => Self::TooLarge,
        }
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Client(error)
    }
}

/// The result of a request.
pub(super) type Answered = Result<ServerResult, Failure>;
