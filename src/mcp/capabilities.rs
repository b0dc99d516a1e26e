//! What a client has declared that it can do (`ClientCapabilities`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::backends::{Capability, LogLevel};

/// The capabilities of a client, as far as they matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capabilities(u8);

/// The key of `_meta` that says what the client can do.
pub(super) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The key of `_meta` that says from which level on the client wants to be told.
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The extension's name.
pub(super) const TASKS: &str = "io.modelcontextprotocol/tasks";

const fn bit(capability: Capability) -> u8 {
    match capability {
        Capability::Sampling => 1,
        Capability::SamplingTools => 2,
        Capability::Elicitation => 4,
        Capability::ElicitationUrl => 8,
        Capability::Roots => 16,
        Capability::Tasks => 32,
    }
}

impl Capabilities {
    /// What `declared` says, a `ClientCapabilities` object.
    pub(super) fn of(declared: Option<&Value>) -> Self {
        let Some(Value::Object(declared)) = declared else {
            return Self::default();
        };
        let below = |name: &str, inner: &str| {
            let outer = declared.get(name).and_then(Value::as_object);
            outer.is_some_and(|outer| outer.contains_key(inner))
        };
        // 2025-11-25 client/elicitation, capabilities: an empty object stands for the form mode.
        let form = declared
            .get("elicitation")
            .and_then(Value::as_object)
            .is_some_and(|modes| modes.is_empty() || modes.contains_key("form"));
        let can = [
            (Capability::Sampling, declared.contains_key("sampling")),
            (Capability::SamplingTools, below("sampling", "tools")),
            (Capability::Elicitation, form),
            (Capability::ElicitationUrl, below("elicitation", "url")),
            (Capability::Roots, declared.contains_key("roots")),
            (Capability::Tasks, below("extensions", TASKS)),
        ];
        Self(
            can.into_iter()
                .filter(|(_, can)| *can)
                .fold(0, |bits, (capability, _)| bits | bit(capability)),
        )
    }

    /// What a request with these parameters declares (2026-07-28 basic/index, `_meta`).
    pub(super) fn of_request(params: &Map<String, Value>) -> Self {
        let meta = params.get("_meta");
        Self::of(meta.and_then(|meta| meta.get(CLIENT_CAPABILITIES)))
    }

    /// True when `capability` is among them.
    pub(super) const fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }

    /// True when the client can be asked for anything.
    pub(super) const fn can_be_asked(self) -> bool {
        self.0 & !bit(Capability::Tasks) != 0
    }
}

/// The level from which on a request with these parameters wants to be told (2026-07-28
/// server/utilities/logging): none unless it says so.
pub(super) fn log_level(params: &Map<String, Value>) -> Option<LogLevel> {
    let level = params.get("_meta")?.get(LOG_LEVEL)?.as_str()?;
    LogLevel::named(level)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_declared_is_had_and_nothing_else() {
        let all = [
            (json!({ "sampling": {} }), Capability::Sampling),
            (json!({ "elicitation": {} }), Capability::Elicitation),
            (
                json!({ "elicitation": { "form": {} } }),
                Capability::Elicitation,
            ),
            (
                json!({ "elicitation": { "url": {} } }),
                Capability::ElicitationUrl,
            ),
            (
                json!({ "roots": { "listChanged": true } }),
                Capability::Roots,
            ),
            (json!({ "extensions": { TASKS: {} } }), Capability::Tasks),
        ];
        for (declared, capability) in all {
            let capabilities = Capabilities::of(Some(&declared));
            assert_eq!(capabilities.0, bit(capability), "{declared}");
        }
        assert_eq!(Capabilities::of(Some(&json!([]))), Capabilities::default());
    }
}
