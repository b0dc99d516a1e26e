//! A handler that reads a call and writes a result, and does nothing else.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A request as far as it is looked at.
#[derive(Deserialize)]
pub(crate) struct Call<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    name: Option<&'a str>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    result: &'a RawValue,
}

/// What a gateway that mounts this server has to know.
const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bare","version":"1"}}"#;
const TOOLS: &str = r#"{"tools":[{"name":"get_alerts","description":"Alerts of a state","inputSchema":{"type":"object","properties":{"state":{"type":"string"}}}}]}"#;

impl<'a> Call<'a> {
    pub(crate) fn of(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// True for a call of a tool, which has a name and arguments.
    pub(crate) fn is_of_tool(&self) -> bool {
        let params = self.params.as_ref();
        self.method == "tools/call"
            && params.is_some_and(|params| params.name.is_some() && params.arguments.is_some())
    }
}

pub(crate) async fn answer(State(result): State<Arc<RawValue>>, body: Bytes) -> Response {
    let Some(call) = Call::of(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Some(id) = call.id else {
        return StatusCode::ACCEPTED.into_response();
    };
    let other;
    let result = match call.method {
        _ if call.is_of_tool() => &*result,
        "initialize" | "tools/list" => {
            let text = if call.method == "initialize" {
                INITIALIZED
            } else {
                TOOLS
            };
            other = RawValue::from_string(text.to_owned());
            let Ok(other) = &other else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            other
        }
        _ => return unknown(id),
    };
    let answer = Answer {
        jsonrpc: "2.0",
        id,
        result,
    };
    match serde_json::to_vec(&answer) {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn unknown(id: &RawValue) -> Response {
    let error = r#"{"code":-32601,"message":"Method not found"}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
