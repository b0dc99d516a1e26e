//! `[audit]`: what the audit log holds, and for how long.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;

/// What the audit log holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Whether the arguments of calls are written.
    pub arguments: bool,
    /// For how long entries stay; for good without.
    pub retention: Option<Duration>,
}

/// What the audit log holds, and for how long.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuditSection {
    /// Write the arguments of tool calls and prompts too. They may say more of people than a log should.
    arguments: bool,
    /// For how long entries stay, a day or longer; for good when empty.
    retention: String,
}

impl AuditSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Audit> {
        let retention = if self.retention.is_empty() {
            None
        } else {
            let path = KeyPath::of(["audit", "retention"]);
            Some(checks.duration(&path, &self.retention, ("1d", "3650d"))?)
        };
        Some(Audit {
            arguments: self.arguments,
            retention,
        })
    }
}
