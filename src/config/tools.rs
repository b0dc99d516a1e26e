//! `[tools]`: what single tools ask for beyond the scope of all tools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use super::scopes::known_scopes;
use crate::model::{Requirement, Scope, ScopeCatalogue, Visibility};

/// What a tool asks for.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ToolEntry {
    /// The scopes that its caller needs beside `mcp:tools`.
    scopes: Vec<String>,
    visibility: ToolVisibility,
}

/// What a caller without the scopes sees of the tool.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum ToolVisibility {
    #[default]
    Discoverable,
    Hidden,
}

/// The requirement that is there unless the configuration has another one for the same tool.
const BUILT_IN: (&str, &str) = ("get_internal_metric", "metrics:read");

/// The requirements by the tool's name.
pub(super) fn resolve(
    entries: &BTreeMap<String, ToolEntry>,
    catalogue: &ScopeCatalogue,
    checks: &mut Checks<'_>,
) -> BTreeMap<String, Requirement> {
    let (tool, scope) = BUILT_IN;
    let built_in = Requirement {
        scopes: scope.parse::<Scope>().into_iter().collect(),
        visibility: Visibility::Discoverable,
    };
    let mut requirements = BTreeMap::from([(tool.to_owned(), built_in)]);
    for (name, entry) in entries {
        let path = KeyPath::of(["tools", name, "scopes"]);
        let requirement = Requirement {
            scopes: known_scopes(&entry.scopes, catalogue, checks, &path),
            visibility: match entry.visibility {
                ToolVisibility::Discoverable => Visibility::Discoverable,
                ToolVisibility::Hidden => Visibility::Hidden,
            },
        };
        requirements.insert(name.clone(), requirement);
    }
    requirements
}
