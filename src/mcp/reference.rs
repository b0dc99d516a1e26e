//! What went wrong is told with the identifier of its request, which finds it in the log.

use serde_json::{Map, Value, json};

use super::error::Fault;
use crate::backends::Answer;
use crate::model::RequestId;
use crate::telemetry::origin;

/// Where it stands in the `data` of an error.
pub(super) const MEMBER: &str = "logReference";

/// Writes the line about an error, and returns what finds it.
pub(super) fn of_error(fault: &Fault) -> Option<RequestId> {
    let code = fault.code();
    if let Fault::InvalidParams(_) = fault {
        // The text may repeat what the client sent.
        tracing::info!(rpc.code = code, "answered: Invalid params");
    } else if let Fault::TooFast { .. } = fault {
        // There may be any number of these, and the limiter says which they are.
        tracing::debug!(rpc.code = code, "answered: {fault}");
    } else if let Fault::Relayed(..) = fault {
        // Nor does the log repeat what somebody else said.
        tracing::info!(rpc.code = code, "answered: the error of a mounted server");
    } else if fault.is_of_the_gateway() {
        tracing::warn!(rpc.code = code, "answered: {fault}");
    } else if *fault != Fault::InputRequired {
        tracing::info!(rpc.code = code, "answered: {fault}");
    }
    current()
}

/// Writes the line about a tool that tells its model of a failure, and adds to its answer what
/// finds the line.
pub(super) fn in_answer(tool: &str, answer: Answer) -> Answer {
    tracing::info!(tool.name = tool, "the tool answered with an error");
    let referred = current().and_then(|reference| {
        let mut result: Map<String, Value> = serde_json::from_slice(&answer.body).ok()?;
        let content = result.get_mut("content")?.as_array_mut()?;
        content.push(block(reference));
        serde_json::to_vec(&result).ok()
    });
    match referred {
        Some(body) => Answer {
            body: body.into(),
            ..answer
        },
        None => answer,
    }
}

/// The last block of such an answer.
pub(super) fn block(reference: RequestId) -> Value {
    json!({ "type": "text", "text": format!("(Log reference: {reference})") })
}

/// What finds the lines about the present request: over HTTP its `X-Request-Id`.
pub(super) fn current() -> Option<RequestId> {
    origin::current().map(|origin| origin.request)
}
