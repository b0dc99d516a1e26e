//! Errors of servers elsewhere. What the revisions say differently is said as the client's has it
//! (2026-07-28 basic/index, error codes).

use http::StatusCode;
use serde_json::{Value, json};

use super::revision::Revision;
use crate::backends::RelayedError;

/// 2025-11-25 server/resources: an unknown resource. 2026-07-28 must not emit it.
const UNKNOWN_RESOURCE: i64 = -32002;

const INVALID_PARAMS: i64 = -32602;

/// 2025-11-25 client/elicitation: something has to be done at a URL first.
const ELICITATION_REQUIRED: i64 = -32042;

const INTERNAL: i64 = -32603;

/// 2026-07-28 basic/index, client capabilities.
const MISSING_CAPABILITY: i64 = -32021;

/// Makes it what it means to a request for `uri`, which is empty where it was about none. Where it
/// was said as the client's revision has it, it stays what it is.
pub(super) fn adapt(error: &mut RelayedError, uri: &str, revision: Revision) {
    if error.is_modern == revision.is_modern() {
        return;
    }
    let is_about = |data: &Value| data.get("uri").is_some();
    let names_it = error.data.as_ref().is_none_or(is_about);
    if error.is_modern && !uri.is_empty() && error.code == INVALID_PARAMS && names_it {
        error.code = UNKNOWN_RESOURCE;
    }
    if error.code == UNKNOWN_RESOURCE && error.data.is_none() {
        error.data = Some(json!({ "uri": uri }));
    }
}

/// The code in the revision of the client.
pub(super) const fn code(error: &RelayedError, revision: Revision) -> i64 {
    match (error.code, revision) {
        (UNKNOWN_RESOURCE, Revision::V2026_07_28) => INVALID_PARAMS,
        (ELICITATION_REQUIRED, Revision::V2026_07_28) => INTERNAL,
        (code, _) => code,
    }
}

/// The HTTP status that goes with it.
pub(super) const fn status(error: &RelayedError, revision: Revision) -> StatusCode {
    match (error.code, revision) {
        (MISSING_CAPABILITY, Revision::V2026_07_28) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}
