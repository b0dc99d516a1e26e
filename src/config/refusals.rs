//! `[clients.refusals]` and `[tenants.refusals]`: how clients are told that a token lacks scopes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use crate::model::{RefusalDialect, RefusalRules};

/// `http` is status 403 with a challenge, as MCP has it. `tool_result` is a result of the tool call
/// with `isError` and the challenge in `_meta["mcp/www_authenticate"]`, as ChatGPT acts on it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Dialect {
    Http,
    ToolResult,
}

/// Clients that are known to need the other dialect, and one under the same address that doesn't.
const BUILT_IN: [(&str, RefusalDialect); 2] = [
    ("https://chatgpt.com/oauth/", RefusalDialect::ToolResult),
    ("https://chatgpt.com/oauth/codex/", RefusalDialect::Http),
];

/// The rules that hold where the configuration says nothing.
pub(super) fn built_in() -> RefusalRules {
    let rules = BUILT_IN.map(|(prefix, dialect)| (prefix.to_owned(), dialect));
    RefusalRules::new(BTreeMap::from(rules))
}

/// The rules at `path`.
pub(super) fn resolve(
    entries: &BTreeMap<String, Dialect>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> RefusalRules {
    let mut rules = BTreeMap::new();
    for (prefix, dialect) in entries {
        if !prefix.starts_with("https://") {
            let expected = "what a client's https URL begins with, as in \"https://chatgpt.com/oauth/\"; \
                            other clients are set with gatehouse client set";
            checks.refuse_found(&path.join(prefix), format!("{prefix:?}"), expected);
        }
        let dialect = match dialect {
            Dialect::Http => RefusalDialect::Http,
            Dialect::ToolResult => RefusalDialect::ToolResult,
        };
        rules.insert(prefix.clone(), dialect);
    }
    RefusalRules::new(rules)
}
