//! `[scopes]`: the scopes that exist, and those that a client is told to begin with.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::{KeyPath, nearest};
use crate::model::{Scope, ScopeCatalogue, ScopeDefinition, ScopeSet};

/// The scopes that exist, and those that a client is told to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// What the first refusal asks for.
    pub initial: ScopeSet,
    /// Every scope.
    pub catalogue: ScopeCatalogue,
}

/// The scopes that exist, and those that a client is told to begin with.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ScopesSection {
    /// What the first 401 asks for.
    initial: Vec<String>,
    /// Scopes beside the built-in ones mcp:tools, mcp:resources, mcp:prompts and metrics:read, or
    /// in the place of one of them.
    catalogue: BTreeMap<String, ScopeEntry>,
}

/// What a scope means.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScopeEntry {
    /// What the scope lets a client do, in the words that a person reads on the consent page.
    #[schemars(with = "String")]
    description: Option<String>,
    /// Scopes that a holder of this one has as well.
    #[serde(default)]
    implies: Vec<String>,
}

/// The scopes that are always there.
const BUILT_IN: [(&str, &str); 4] = [
    ("mcp:tools", "Call tools on your behalf"),
    ("mcp:resources", "Read resources on your behalf"),
    ("mcp:prompts", "Use the prompts that are offered to you"),
    ("metrics:read", "See how much this service is used"),
];

impl Default for ScopesSection {
    fn default() -> Self {
        Self {
            initial: vec!["mcp:tools".to_owned()],
            catalogue: BTreeMap::new(),
        }
    }
}

impl ScopesSection {
    /// The catalogue has every name that the document gives, whatever else is wrong with it, so
    /// that a mistake is reported where it was made and nowhere else.
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Scopes {
        let catalogue = self.catalogue(checks);
        let path = KeyPath::of(["scopes", "initial"]);
        Scopes {
            initial: known_scopes(&self.initial, &catalogue, checks, &path),
            catalogue,
        }
    }

    fn catalogue(&self, checks: &mut Checks<'_>) -> ScopeCatalogue {
        let path = KeyPath::of(["scopes", "catalogue"]);
        let mut definitions = built_in();
        for (name, entry) in &self.catalogue {
            let Ok(scope) = name.parse::<Scope>() else {
                let expected = "a scope's name: printable ASCII without space, quote, backslash";
                checks.refuse_found(&path.join(name), format!("{name:?}"), expected);
                continue;
            };
            if entry.description.as_deref().is_some_and(str::is_empty) {
                let expected = "what the scope lets a client do, for the consent page";
                checks.refuse(&path.join(name).join("description"), expected);
            }
            let definition = ScopeDefinition {
                description: entry.description.clone().unwrap_or_default(),
                implies: ScopeSet::default(),
            };
            definitions.insert(scope, definition);
        }
        // What a scope implies may be defined after it.
        let names = ScopeCatalogue::new(definitions.clone());
        for (name, entry) in &self.catalogue {
            let place = path.join(name).join("implies");
            let definition = name
                .parse()
                .ok()
                .and_then(|scope: Scope| definitions.get_mut(&scope));
            if let Some(definition) = definition {
                definition.implies = known_scopes(&entry.implies, &names, checks, &place);
            }
        }
        ScopeCatalogue::new(definitions)
    }
}

/// The scopes of these names; one that isn't in the catalogue is a mistake.
pub(super) fn known_scopes(
    names: &[String],
    catalogue: &ScopeCatalogue,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> ScopeSet {
    let all = catalogue.all();
    let mut known = Vec::new();
    for (position, name) in names.iter().enumerate() {
        match name.parse::<Scope>() {
            Ok(scope) if all.contains(&scope) => known.push(scope),
            Ok(_) | Err(_) => {
                let expected = match nearest(name, all.iter().map(Scope::as_str)) {
                    Some(near) => format!("a scope that exists (did you mean {near:?}?)"),
                    None => format!("one of the scopes that exist: {all}"),
                };
                checks.refuse(&path.join(position), expected);
            }
        }
    }
    known.into_iter().collect()
}

fn built_in() -> BTreeMap<Scope, ScopeDefinition> {
    let definition = |(name, description): (&str, &str)| {
        let definition = ScopeDefinition {
            description: description.to_owned(),
            implies: ScopeSet::default(),
        };
        Some((name.parse().ok()?, definition))
    };
    BUILT_IN.into_iter().filter_map(definition).collect()
}
