//! `[[tenants]]`: the tenants and their roles.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;
use super::scopes::known_scopes;
use crate::model::{Role, Scope, ScopeCatalogue, TenantSlug};

/// A tenant.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantEntry {
    /// Its short name: `default` for the tenant that is always there.
    #[schemars(with = "String")]
    slug: Option<String>,
    #[serde(default)]
    sign_in: SignIn,
    /// What people may be granted, by the name of their role. Without it there are `admin`, who
    /// may be granted everything, and `member`, who may not read metrics.
    #[serde(default)]
    roles: BTreeMap<String, RoleEntry>,
}

/// How people sign in.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SignIn {
    kind: SignInKind,
}

/// `local`: with accounts that Gatehouse keeps.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum SignInKind {
    #[default]
    Local,
}

/// What the holders of a role may be granted.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RoleEntry {
    /// The scopes.
    scopes: Vec<String>,
}

/// The roles of a tenant that has none in the configuration.
const BUILT_IN: [(&str, &[&str]); 2] = [
    (
        "admin",
        &["mcp:tools", "mcp:resources", "mcp:prompts", "metrics:read"],
    ),
    ("member", &["mcp:tools", "mcp:resources", "mcp:prompts"]),
];

/// The roles of the default tenant by name.
pub(super) fn resolve(
    entries: &[TenantEntry],
    catalogue: &ScopeCatalogue,
    checks: &mut Checks<'_>,
) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = KeyPath::of(["tenants"]).join(position);
        if let Some(slug) = &entry.slug {
            check_slug(slug, seen.insert(slug), checks, &path.join("slug"));
        }
        for (name, role) in &entry.roles {
            let place = path.join("roles").join(name).join("scopes");
            let scopes = known_scopes(&role.scopes, catalogue, checks, &place);
            roles.insert(name.clone(), Role { scopes });
        }
    }
    if roles.is_empty() { built_in() } else { roles }
}

fn check_slug(slug: &str, first: bool, checks: &mut Checks<'_>, path: &KeyPath) {
    if slug.parse::<TenantSlug>().is_err() {
        let expected = "1 to 63 characters of a-z, 0-9 and '-', a letter or digit first";
        checks.refuse(path, expected);
    } else if !first {
        checks.refuse(path, "a slug that no other tenant has");
    } else if slug != TenantSlug::DEFAULT {
        let expected = "\"default\": several tenants are not supported by this version";
        checks.refuse(path, expected);
    }
}

fn built_in() -> BTreeMap<String, Role> {
    let role = |(name, scopes): (&str, &[&str])| {
        let scopes = scopes
            .iter()
            .filter_map(|scope| scope.parse::<Scope>().ok());
        (
            name.to_owned(),
            Role {
                scopes: scopes.collect(),
            },
        )
    };
    BUILT_IN.into_iter().map(role).collect()
}
