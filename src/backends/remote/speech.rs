//! Which revision a mounted server speaks, and what the gateway says of itself there.

use serde_json::{Map, Value, json};

use super::super::{CallContext, Capability, LogLevel};

/// What a server said when it was met.
#[derive(Clone, Debug, Default)]
pub(super) struct Welcome {
    /// The revision that is spoken.
    pub(super) revision: String,
    /// What it can do.
    pub(super) capabilities: Map<String, Value>,
    /// What it tells the model about itself.
    pub(super) instructions: Option<String>,
    /// True where a session can be opened as well.
    pub(super) has_sessions: bool,
}

/// The revision in which every request carries its own metadata.
pub(super) const MODERN: &str = "2026-07-28";

/// The revisions that `initialize` opens, the one that is asked for first.
pub(super) const WITH_SESSIONS: [&str; 4] =
    ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
const TASKS: &str = "io.modelcontextprotocol/tasks";

impl Welcome {
    /// True where every request carries its own metadata.
    pub(super) fn is_modern(&self) -> bool {
        self.revision == MODERN
    }

    /// True when the server has declared this capability.
    pub(super) fn offers(&self, capability: &str) -> bool {
        self.capabilities
            .get(capability)
            .is_some_and(Value::is_object)
    }

    /// True when the capability has this feature.
    pub(super) fn has(&self, capability: &str, feature: &str) -> bool {
        let found = self.capabilities.get(capability);
        found.and_then(|found| found.get(feature)) == Some(&Value::Bool(true))
    }

    /// The server that answered `result` to `server/discover`, if it speaks what was asked in.
    pub(super) fn discovered(mut result: Map<String, Value>) -> Option<Self> {
        let versions = result.get("supportedVersions")?.as_array()?;
        versions.contains(&Value::from(MODERN)).then_some(())?;
        let opens = |revision: &&str| versions.contains(&Value::from(*revision));
        let has_sessions = WITH_SESSIONS.iter().any(opens);
        Some(Self {
            has_sessions,
            revision: MODERN.to_owned(),
            capabilities: take_object(&mut result, "capabilities"),
            instructions: take_text(&mut result, "instructions"),
        })
    }

    /// The server that answered `result` to `initialize`.
    pub(super) fn initialized(mut result: Map<String, Value>) -> Option<Self> {
        let revision = take_text(&mut result, "protocolVersion")?;
        WITH_SESSIONS.contains(&revision.as_str()).then_some(())?;
        Some(Self {
            has_sessions: true,
            revision,
            capabilities: take_object(&mut result, "capabilities"),
            instructions: take_text(&mut result, "instructions"),
        })
    }
}

/// How the gateway presents itself (`Implementation`).
pub(super) fn client_info() -> Value {
    json!({ "name": "gatehouse", "title": "Gatehouse", "version": env!("CARGO_PKG_VERSION") })
}

/// What any client may be able to do: lists are the same for all of them.
pub(super) fn every_capability() -> Map<String, Value> {
    let all = json!({
        "sampling": { "tools": {} },
        "elicitation": { "form": {}, "url": {} },
        "roots": {},
        "extensions": {
            "io.modelcontextprotocol/ui": { "mimeTypes": ["text/html;profile=mcp-app"] },
            TASKS: {},
        },
    });
    all.as_object().cloned().unwrap_or_default()
}

/// What the client of this call is able to do.
pub(super) fn capabilities_of(context: &CallContext) -> Map<String, Value> {
    let mut all = Map::new();
    let can = |capability| context.can(capability);
    if can(Capability::Sampling) {
        let tools = can(Capability::SamplingTools);
        let sampling = if tools {
            json!({ "tools": {} })
        } else {
            json!({})
        };
        all.insert("sampling".to_owned(), sampling);
    }
    let (form, url) = (
        can(Capability::Elicitation),
        can(Capability::ElicitationUrl),
    );
    if form || url {
        let mut modes = Map::new();
        for (name, is_there) in [("form", form), ("url", url)] {
            if is_there {
                modes.insert(name.to_owned(), json!({}));
            }
        }
        all.insert("elicitation".to_owned(), Value::Object(modes));
    }
    if can(Capability::Roots) {
        all.insert("roots".to_owned(), json!({}));
    }
    all.extend(context.extras.capabilities.clone());
    if can(Capability::Tasks) {
        let extensions = all.entry("extensions").or_insert_with(|| json!({}));
        if let Value::Object(extensions) = extensions {
            extensions.insert(TASKS.to_owned(), json!({}));
        }
    }
    all
}

/// The `_meta` of a request of 2026-07-28.
pub(super) fn modern_meta(
    capabilities: Map<String, Value>,
    level: Option<LogLevel>,
) -> Map<String, Value> {
    let mut meta = Map::new();
    meta.insert(PROTOCOL_VERSION.to_owned(), MODERN.into());
    meta.insert(CLIENT_CAPABILITIES.to_owned(), Value::Object(capabilities));
    meta.insert(CLIENT_INFO.to_owned(), client_info());
    if let Some(level) = level {
        meta.insert(LOG_LEVEL.to_owned(), level.name().into());
    }
    meta
}

fn take_object(members: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match members.remove(name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn take_text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
