//! `[[tenants.identity_assertions]]`: identity providers that may assert who a client acts for.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authorization::{check_roles, key_source};
use super::checks::Checks;
use super::problem::KeyPath;
use crate::model::{AssertionIssuer, IdentityProvider, KeySource, Role, SignInSettings};

/// An identity provider that may assert who a client acts for, so that nobody has to be asked
/// (ID-JAG, as in MCP's Enterprise-Managed Authorization).
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AssertionEntry {
    /// Its issuer identifier, byte for byte as its assertions have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    issuer: Option<String>,
    /// The address of its keys, where they are not found through its metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    jwks_uri: Option<String>,
    /// The clients that may come with its assertions, by identifier; all without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clients: Vec<String>,
    /// The claim with groups: `groups`, or that of the sign-in at the same issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    groups_claim: Option<String>,
    /// The role of each group; those of the sign-in at the same issuer unless said.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, String>,
}

/// Checks the entries at `path`.
pub(super) fn resolve(
    entries: &[AssertionEntry],
    (roles, sign_in): (&BTreeMap<String, Role>, Option<&SignInSettings>),
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<Vec<AssertionIssuer>> {
    let mut seen = BTreeSet::new();
    let mut issuers = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let place = path.join(position);
        let (issuer, jwks_uri) = (entry.issuer.as_deref(), entry.jwks_uri.as_deref());
        let keys = key_source(issuer, jwks_uri, checks, &place);
        if issuer.is_some_and(|issuer| !seen.insert(issuer)) {
            checks.refuse(&place.join("issuer"), "for each entry another issuer");
        }
        check_roles(&entry.roles, roles, checks, &place.join("roles"));
        let known = sign_in.and_then(|sign_in| {
            let mut providers = sign_in.providers.iter();
            providers.find(|provider| issuer.is_some_and(|issuer| provider.is_issuer(issuer)))
        });
        if entry.roles.is_empty() && known.is_none() {
            checks.refuse(&place.join("roles"), "the role of each group");
        }
        issuers.push(keys.map(|keys| AssertionIssuer {
            provider: entry.provider(&keys, known, position),
            clients: entry.clients.clone(),
            keys,
        }));
    }
    issuers.into_iter().collect()
}

impl AssertionEntry {
    /// People are who they are at the sign-in with the same issuer; without one, the provider has a
    /// name that no sign-in can have.
    fn provider(
        &self,
        keys: &KeySource,
        known: Option<&IdentityProvider>,
        position: usize,
    ) -> IdentityProvider {
        let groups_claim = self.groups_claim.clone();
        let mut provider = known.cloned().unwrap_or_else(|| IdentityProvider {
            name: format!("assertions:{}", position + 1),
            title: keys.issuer.clone(),
            issuer: keys.issuer.clone(),
            client_id: String::new(),
            client_secret: None,
            scopes: None,
            algorithms: Vec::new(),
            groups_claim: "groups".to_owned(),
            subject_claim: "sub".to_owned(),
            roles: BTreeMap::new(),
            default_role: None,
            domains: Vec::new(),
            hosted_domain: None,
            allowed_tenants: Vec::new(),
            endpoint_origins: Vec::new(),
            parameters: BTreeMap::new(),
        });
        provider.groups_claim = groups_claim.unwrap_or(provider.groups_claim);
        if !self.roles.is_empty() {
            provider.roles.clone_from(&self.roles);
        }
        provider
    }
}
