//! One strict parse of a message (JSON-RPC 2.0 §4) that leaves nothing to be read in two ways.

use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::error::{Fault, RpcError};
use super::revision::{Revision, meta};
use super::session::Session;
use crate::model::{MESSAGE_DEPTH, strict_json};

/// The id of a request, given back as it came: a string, or an integer (MCP basic/index).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestId {
    /// An integer.
    Integer(Number),
    /// A string.
    Text(String),
}

/// A message that was checked: what is in it agrees with what came around it.
#[derive(Clone, Debug)]
pub enum Message {
    /// It asks for an answer.
    Request(Request),
    /// It asks for none.
    Notification(Notification),
    /// It answers a question.
    Response(ClientResponse),
}

/// A request. There is none that was not checked: only this room can make one.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) id: RequestId,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
    pub(super) revision: Revision,
    /// The `Mcp-Param-*` headers, on transports that have headers to check.
    pub(super) param_headers: Option<Vec<(HeaderName, HeaderValue)>>,
    /// The session that it came in, in the earlier revisions.
    pub(super) session: Option<Session>,
}

/// What a client answers to a question.
#[derive(Clone, Debug)]
pub struct ClientResponse {
    pub(super) id: RequestId,
    /// Its result, or its error.
    pub(super) outcome: Result<Value, Value>,
}

/// A notification.
#[derive(Clone, Debug)]
pub struct Notification {
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

/// A message of which only the form is known to be right.
#[derive(Debug)]
pub(super) enum Unchecked {
    /// A request.
    Request {
        /// Its id.
        id: RequestId,
        /// What it asks for.
        call: Notification,
    },
    /// A notification.
    Notification(Notification),
    /// A response.
    Response(ClientResponse),
}

impl RequestId {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text)),
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Some(Self::Integer(number))
            }
            Value::Number(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        }
    }

    /// The id that `params` refers to (`notifications/cancelled`).
    pub(super) fn referred(params: &Map<String, Value>) -> Option<Self> {
        params.get("requestId").cloned().and_then(Self::of)
    }
}

impl Request {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// What it asks for.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// What it asks it with.
    #[must_use]
    pub fn params(&self) -> &Map<String, Value> {
        &self.params
    }

    /// The revision that it speaks.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The request of `call` in `revision`, or what is wrong with it.
    pub(super) fn checked(
        id: RequestId,
        call: Notification,
        revision: Revision,
    ) -> Result<Self, RpcError> {
        let Notification { method, params } = call;
        let request = Self {
            id,
            method,
            params,
            revision,
            param_headers: None,
            session: None,
        };
        match request.check_progress_token() {
            Ok(()) => Ok(request),
            Err(fault) => Err(fault.of(request.id)),
        }
    }

    /// The token that its progress is to be reported under.
    pub(super) fn progress_token(&self) -> Option<&Value> {
        self.params.get("_meta")?.get("progressToken")
    }

    /// 2026-07-28 basic/patterns/progress: a token is a string or an integer.
    fn check_progress_token(&self) -> Result<(), Fault> {
        match meta(&self.params)?.and_then(|meta| meta.get("progressToken")) {
            None => Ok(()),
            Some(token) if token.is_string() || token.is_i64() || token.is_u64() => Ok(()),
            Some(_) => Err(Fault::BadMeta("progressToken")),
        }
    }
}

impl Notification {
    /// What happened.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }
}

/// Reads the one message of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Unchecked, RpcError> {
    let value = strict_json(bytes, MESSAGE_DEPTH).map_err(|_| Fault::Parse)?;
    let Value::Object(mut members) = value else {
        return Err(Fault::InvalidRequest("a message is one object, not a batch").into());
    };
    let id = match members.remove("id") {
        None => None,
        Some(id) => Some(RequestId::of(id).ok_or(Fault::InvalidRequest(
            "the id is neither string nor integer",
        ))?),
    };
    match classify(members, id.is_some()) {
        Ok(Said::Outcome(outcome)) => match id {
            Some(id) => Ok(Unchecked::Response(ClientResponse { id, outcome })),
            None => Err(Fault::InvalidRequest("a response needs an id").into()),
        },
        Ok(Said::Call(call)) => Ok(match id {
            Some(id) => Unchecked::Request { id, call },
            None => Unchecked::Notification(call),
        }),
        Err(fault) => Err(RpcError::with_id(fault, id)),
    }
}

/// What a message says but for its id.
enum Said {
    Call(Notification),
    Outcome(Result<Value, Value>),
}

/// What the members but for the id are: a call, or a response.
fn classify(mut members: Map<String, Value>, has_id: bool) -> Result<Said, Fault> {
    let version = members.remove("jsonrpc");
    if version.as_ref().and_then(Value::as_str) != Some("2.0") {
        return Err(Fault::InvalidRequest("jsonrpc must be \"2.0\""));
    }
    let method = members.remove("method");
    let params = members.remove("params");
    let answers = (members.remove("result"), members.remove("error"));
    // Members are named case-sensitively (JSON-RPC 2.0 §2); a peer that does not know this must
    // not find another method here than we did. Foreign ones mean nothing, and are refused with it.
    if !members.is_empty() {
        return Err(Fault::InvalidRequest("unknown member"));
    }
    match (method, params, answers) {
        (None, None, (Some(result), None)) if has_id => Ok(Said::Outcome(Ok(result))),
        (None, None, (None, Some(error))) if has_id => Ok(Said::Outcome(Err(error))),
        (Some(Value::String(method)), params, (None, None)) => {
            let params = match params {
                None => Map::new(),
                Some(Value::Object(params)) => params,
                Some(_) => return Err(Fault::InvalidRequest("params must be an object")),
            };
            let call = Notification { method, params };
            call.check_form(has_id).map(|()| Said::Call(call))
        }
        _ => Err(Fault::InvalidRequest("neither request nor response")),
    }
}

impl Notification {
    /// A request without id would be done without an answer, and a notification with one would
    /// wait for an answer: neither is what it says.
    fn check_form(&self, has_id: bool) -> Result<(), Fault> {
        match (self.method.starts_with("notifications/"), has_id) {
            (false, false) => Err(Fault::InvalidRequest("a request needs an id")),
            (true, true) => Err(Fault::InvalidRequest("a notification has no id")),
            (false, true) | (true, false) => Ok(()),
        }
    }
}
