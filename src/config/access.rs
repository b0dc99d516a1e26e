//! `[tools]`, `[resources]` and `[prompts]`: what single ones ask for beyond the scope of all of
//! their kind. A tenant may have these tables as well, over those of the whole configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use super::scopes::known_scopes;
use crate::model::{AccessRules, Requirement, Scope, ScopeCatalogue, Visibility};

/// What a tool, resource or prompt asks for.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccessEntry {
    /// The scopes that its caller needs beside `mcp:tools`, `mcp:resources` or `mcp:prompts`.
    scopes: Vec<String>,
    visibility: EntryVisibility,
}

/// What a caller without the scopes sees of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum EntryVisibility {
    #[default]
    Discoverable,
    Hidden,
}

/// The entries of the three tables, by the name of what they are about.
pub(super) struct AccessTables<'a> {
    pub(super) tools: &'a BTreeMap<String, AccessEntry>,
    pub(super) resources: &'a BTreeMap<String, AccessEntry>,
    pub(super) prompts: &'a BTreeMap<String, AccessEntry>,
}

/// The requirement that is there unless the configuration has another one for the same tool.
const BUILT_IN: (&str, &str) = ("get_internal_metric", "metrics:read");

/// The rules that hold where the configuration says nothing.
pub(super) fn built_in() -> AccessRules {
    let (tool, scope) = BUILT_IN;
    let requirement = Requirement {
        scopes: scope.parse::<Scope>().into_iter().collect(),
        visibility: Visibility::Discoverable,
    };
    AccessRules {
        tools: BTreeMap::from([(tool.to_owned(), requirement)]),
        ..AccessRules::default()
    }
}

impl AccessTables<'_> {
    /// The rules of the tables in the table at `path`.
    pub(super) fn resolve(
        &self,
        catalogue: &ScopeCatalogue,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> AccessRules {
        let mut read = |entries: &BTreeMap<String, AccessEntry>, table: &str| {
            let path = path.join(table);
            let requirement = |(name, entry): (&String, &AccessEntry)| {
                let place = path.join(name).join("scopes");
                (name.clone(), entry.resolve(catalogue, checks, &place))
            };
            entries.iter().map(requirement).collect()
        };
        AccessRules {
            tools: read(self.tools, "tools"),
            resources: read(self.resources, "resources"),
            prompts: read(self.prompts, "prompts"),
            ..AccessRules::default()
        }
    }
}

impl AccessEntry {
    fn resolve(
        &self,
        catalogue: &ScopeCatalogue,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Requirement {
        Requirement {
            scopes: known_scopes(&self.scopes, catalogue, checks, path),
            visibility: match self.visibility {
                EntryVisibility::Discoverable => Visibility::Discoverable,
                EntryVisibility::Hidden => Visibility::Hidden,
            },
        }
    }
}
