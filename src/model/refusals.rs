//! How a client is told that its token lacks scopes.

use std::collections::BTreeMap;

/// The form of a refusal. No client understands all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusalDialect {
    /// HTTP 403 with a challenge (MCP authorization, "Runtime insufficient scope errors").
    #[default]
    Http,
    /// The result of the tool call says it: HTTP 200, `isError`, and the challenge in
    /// `_meta["mcp/www_authenticate"]`. Hosts that connect an account for one tool act on this
    /// alone.
    ToolResult,
}

/// Which dialect clients speak that are known by a URL, by what the URL begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalRules(BTreeMap<String, RefusalDialect>);

impl RefusalDialect {
    /// Every dialect.
    pub const ALL: [Self; 2] = [Self::Http, Self::ToolResult];

    /// The name that operators use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::ToolResult => "tool_result",
        }
    }

    /// The dialect of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|dialect| dialect.as_str() == name)
    }
}

impl RefusalRules {
    /// These rules, by prefix.
    #[must_use]
    pub fn new(rules: BTreeMap<String, RefusalDialect>) -> Self {
        Self(rules)
    }

    /// These rules, and those of `global` for other prefixes.
    #[must_use]
    pub fn over(self, global: &Self) -> Self {
        let mut rules = global.0.clone();
        rules.extend(self.0);
        Self(rules)
    }

    /// The dialect of the client of that identifier: that of the longest prefix.
    #[must_use]
    pub fn of(&self, client: &str) -> RefusalDialect {
        self.0
            .iter()
            .filter(|(prefix, _)| client.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, dialect)| *dialect)
            .unwrap_or_default()
    }
}
