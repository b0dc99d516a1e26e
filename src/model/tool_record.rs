//! What is on record of the tools of mounted servers: what was approved, and what is offered instead.

use super::{Digest, Timestamp, ToolDefinition, ToolDifference, tool_differences};

/// What becomes of a tool that is not what was approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolChanges {
    /// It passes.
    Pass,
    /// It passes, and operators are warned.
    Warn,
    /// It is withheld until an operator approves it. What a server says of a tool is read by
    /// models as if it were an instruction: a warning would come after it was followed.
    #[default]
    Withhold,
}

/// A tool as a server offers it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolOffer {
    /// What the server says of it.
    pub definition: ToolDefinition,
    /// Why it can't be had whatever anybody approves.
    pub refusal: Option<String>,
}

/// What is on record of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRecord {
    /// The server's name for it.
    pub name: String,
    /// What was approved: by an operator, or by being there when the server was first seen.
    pub approved: Option<ToolDefinition>,
    /// Since when, and by whom.
    pub approved_at: Option<Timestamp>,
    /// The operator; none for the first sight.
    pub approved_by: Option<String>,
    /// What the server offers, where that is not what was approved.
    pub offered: Option<ToolDefinition>,
    /// Since when.
    pub offered_at: Option<Timestamp>,
    /// Why what is offered can't be approved.
    pub refusal: Option<String>,
    /// Since when the server does not list it any more.
    pub missing_since: Option<Timestamp>,
}

/// How it is with a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolState {
    /// It is what was approved.
    Approved,
    /// It is not what was approved.
    Changed,
    /// It came after the first sight, and nobody approved it.
    New,
    /// What is offered can't be approved.
    Refused,
    /// It is approved, and the server does not list it.
    Missing,
}

/// Something that happened to what is on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolNews {
    /// What.
    pub kind: ToolNewsKind,
    /// The server and the tool: `server/tool`, or `server`.
    pub target: String,
    /// The digest of what it is about.
    pub digest: Option<Digest>,
    /// More, for people.
    pub detail: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolNewsKind {
    /// The tools of a server were seen for the first time.
    Recorded,
    /// A tool is not what was approved.
    Changed,
    /// A tool appeared after the first sight.
    Appeared,
    /// A tool hides text.
    Refused,
    /// An operator approved a tool.
    Approved,
    /// An operator took an approval back.
    Withdrawn,
}

impl ToolChanges {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pass, Self::Warn, Self::Withhold];

    /// The word in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Withhold => "withhold",
        }
    }
}

impl ToolRecord {
    /// A tool of which nothing is on record.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            approved: None,
            approved_at: None,
            approved_by: None,
            offered: None,
            offered_at: None,
            refusal: None,
            missing_since: None,
        }
    }

    /// How it is with it.
    #[must_use]
    pub fn state(&self) -> ToolState {
        match (&self.approved, &self.offered, &self.refusal) {
            (_, Some(_), Some(_)) => ToolState::Refused,
            (Some(_), Some(_), None) => ToolState::Changed,
            (None, _, _) => ToolState::New,
            (Some(_), None, _) if self.missing_since.is_some() => ToolState::Missing,
            (Some(_), None, _) => ToolState::Approved,
        }
    }

    /// What is different between what was approved and what is offered.
    #[must_use]
    pub fn differences(&self) -> Vec<ToolDifference> {
        match (&self.approved, &self.offered) {
            (Some(approved), Some(offered)) => tool_differences(approved, offered),
            _ => Vec::new(),
        }
    }
}

impl ToolState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Refused => "refused",
            Self::Missing => "missing",
        }
    }
}

impl ToolNewsKind {
    /// The name in the audit log.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Recorded => "tools.recorded",
            Self::Changed => "tool.changed",
            Self::Appeared => "tool.appeared",
            Self::Refused => "tool.refused",
            Self::Approved => "tool.approved",
            Self::Withdrawn => "tool.approval_withdrawn",
        }
    }
}
