//! `[mcp]`: the MCP endpoint.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;

/// The MCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mcp {
    /// How many entries a page of a list has.
    pub page_size: usize,
    /// For how long a session of the revisions before 2026-07-28 is good.
    pub session_ttl: Duration,
}

/// The MCP endpoint.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct McpSection {
    /// How many entries a page of a list has. Clients ask for the next page until there is none.
    #[schemars(range(min = 1, max = 1000))]
    page_size: u32,
    /// For how long a session of the revisions before 2026-07-28 is good. A client whose session is
    /// over begins another one.
    session_ttl: String,
}

impl Default for McpSection {
    fn default() -> Self {
        Self {
            page_size: 100,
            session_ttl: "24h".to_owned(),
        }
    }
}

impl McpSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Mcp> {
        let path = KeyPath::of(["mcp", "session_ttl"]);
        let session_ttl = checks.duration(&path, &self.session_ttl, ("1m", "30d"));
        Some(Mcp {
            page_size: usize::try_from(self.page_size).ok()?,
            session_ttl: session_ttl?,
        })
    }
}
