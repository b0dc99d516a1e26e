//! What a client sent that the gateway does not read, for servers that may know what it means.

use serde_json::{Map, Value};

use super::capabilities::{CLIENT_CAPABILITIES, TASKS};
use super::message::Request;
use crate::backends::Extras;

/// The members of the parameters that the gateway reads.
const PARAMS: [&str; 8] = [
    "_meta",
    "argument",
    "arguments",
    "context",
    "name",
    "ref",
    "requestState",
    "uri",
];
const INPUT_RESPONSES: &str = "inputResponses";

/// The keys of `_meta` that are between the client and the gateway.
const PROGRESS_TOKEN: &str = "progressToken";
const OWN_META: &str = "io.modelcontextprotocol/";

/// The capabilities that the gateway passes on by itself, as far as it can keep them.
const CAPABILITIES: [&str; 4] = ["elicitation", "roots", "sampling", "tasks"];

/// What is in `request` beside what the protocol has.
pub(super) fn of(request: &Request) -> Extras {
    let mut extras = Extras {
        has_session: request.session.is_some(),
        ..Extras::default()
    };
    for (name, value) in &request.params {
        if !PARAMS.contains(&name.as_str()) && name != INPUT_RESPONSES {
            extras.params.insert(name.clone(), value.clone());
        }
    }
    let Some(Value::Object(meta)) = request.params.get("_meta") else {
        return extras;
    };
    for (name, value) in meta {
        if name != PROGRESS_TOKEN && !name.starts_with(OWN_META) {
            extras.meta.insert(name.clone(), value.clone());
        }
    }
    if let Some(Value::Object(declared)) = meta.get(CLIENT_CAPABILITIES) {
        extras.capabilities = unknown_of(declared);
    }
    extras
}

/// The capabilities that are not the gateway's to keep.
fn unknown_of(declared: &Map<String, Value>) -> Map<String, Value> {
    let mut unknown = Map::new();
    for (name, value) in declared {
        if CAPABILITIES.contains(&name.as_str()) {
            continue;
        }
        let mut value = value.clone();
        if let ("extensions", Value::Object(extensions)) = (name.as_str(), &mut value) {
            extensions.shift_remove(TASKS);
            if extensions.is_empty() {
                continue;
            }
        }
        unknown.insert(name.clone(), value);
    }
    unknown
}
