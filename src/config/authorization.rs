//! `authorization` of a tenant: who issues the tokens that it takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::checks::{Checks, web_address};
use super::problem::KeyPath;
use super::scopes::known_scopes;
use crate::model::{
    Authorization, ExternalAuthorization, ExternalTokenType, KeySource, Role, Scope,
    ScopeCatalogue, ScopeSet,
};

/// `built-in`, or an authorization server elsewhere: then Gatehouse only takes its tokens.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum AuthorizationEntry {
    /// Gatehouse issues the tokens.
    Word(BuiltIn),
    /// An authorization server elsewhere issues them.
    External(Box<ExternalEntry>),
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum BuiltIn {
    BuiltIn,
}

/// An authorization server elsewhere.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ExternalEntry {
    /// Its issuer identifier, byte for byte as its tokens have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    issuer: Option<String>,
    /// The address of its keys, where they are not found through its metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    jwks_uri: Option<String>,
    /// What `aud` must name. It may be left out where `clients` are named: Cognito's access tokens
    /// have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    audience: Option<String>,
    /// The clients whose tokens are taken (`client_id`, `azp` or `appid`); all without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clients: Vec<String>,
    /// What `typ` its tokens have: `at+jwt`, or `JWT` for a server that does not tell access tokens
    /// from others by it, as Entra, Keycloak and Cognito.
    typ: TokenTypeEntry,
    /// Claims that must have these values, as in `{ token_use = "access" }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<String, String>,
    /// The claim that tells people apart: `sub` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    subject_claim: Option<String>,
    /// The claim with scopes: `scope` or `scp` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    scopes_claim: Option<String>,
    /// What each scope of the server is here. Without it, its scopes are called as ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    scopes: BTreeMap<String, Vec<String>>,
    /// The claim with roles or groups, as in `realm_access.roles`. A token may then do what its
    /// roles allow and, where scopes are named as well, its scopes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    roles_claim: Option<String>,
    /// The role of the tenant for each of its values. Whoever has none of them may do nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum TokenTypeEntry {
    #[default]
    #[serde(rename = "at+jwt")]
    AccessToken,
    #[serde(rename = "JWT")]
    Jwt,
}

impl Default for AuthorizationEntry {
    fn default() -> Self {
        Self::Word(BuiltIn::BuiltIn)
    }
}

impl AuthorizationEntry {
    /// Checks what stands at `path`.
    pub(super) fn resolve(
        &self,
        (catalogue, roles): (&ScopeCatalogue, &BTreeMap<String, Role>),
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<Authorization> {
        match self {
            Self::Word(BuiltIn::BuiltIn) => Some(Authorization::BuiltIn),
            Self::External(entry) => {
                let external = entry.resolve((catalogue, roles), checks, path)?;
                Some(Authorization::External(Arc::new(external)))
            }
        }
    }
}

/// Where the keys of the issuer of the entry at `path` are.
pub(super) fn key_source(
    issuer: Option<&str>,
    jwks_uri: Option<&str>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) -> Option<KeySource> {
    let expected = "the https URL of the issuer (http on this machine only), without a query";
    let issuer = issuer.filter(|text| web_address(text).is_some());
    let issuer = checks.require(issuer, &path.join("issuer"), expected);
    let jwks_uri: Option<Option<Url>> = match jwks_uri {
        None => Some(None),
        Some(text) => {
            let expected = "an https URL (http on this machine only), without a query";
            let url = checks.require(web_address(text), &path.join("jwks_uri"), expected);
            url.map(Some)
        }
    };
    Some(KeySource {
        issuer: issuer?.to_owned(),
        jwks_uri: jwks_uri?,
    })
}

/// Refuses a role that the tenant does not have.
pub(super) fn check_roles(
    mapped: &BTreeMap<String, String>,
    roles: &BTreeMap<String, Role>,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) {
    let names: Vec<&str> = roles.keys().map(String::as_str).collect();
    let expected = format!("a role of the tenant: {}", names.join(", "));
    for (value, role) in mapped {
        if !roles.contains_key(role) {
            checks.refuse(&path.join(value), expected.clone());
        }
    }
}

impl ExternalEntry {
    fn resolve(
        &self,
        (catalogue, roles): (&ScopeCatalogue, &BTreeMap<String, Role>),
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<ExternalAuthorization> {
        let (issuer, jwks_uri) = (self.issuer.as_deref(), self.jwks_uri.as_deref());
        let keys = key_source(issuer, jwks_uri, checks, path);
        let audience = self
            .audience
            .clone()
            .filter(|audience| !audience.is_empty());
        if audience.is_none() && self.clients.is_empty() {
            let expected =
                "what `aud` must name, or `clients`: else every token of the server counts";
            checks.refuse(&path.join("audience"), expected);
        }
        if self.roles_claim.is_none() && !self.roles.is_empty() {
            checks.refuse(&path.join("roles_claim"), "the claim that `roles` are in");
        }
        check_roles(&self.roles, roles, checks, &path.join("roles"));
        Some(ExternalAuthorization {
            keys: keys?,
            audience,
            clients: self.clients.clone(),
            token_type: match self.typ {
                TokenTypeEntry::AccessToken => ExternalTokenType::AccessToken,
                TokenTypeEntry::Jwt => ExternalTokenType::Jwt,
            },
            claims: self.claims.clone(),
            subject_claim: self
                .subject_claim
                .clone()
                .unwrap_or_else(|| "sub".to_owned()),
            scopes_claim: self.scopes_claim.clone(),
            scopes: self.scopes(catalogue, checks, &path.join("scopes")),
            roles_claim: self.roles_claim.clone(),
            roles: self.roles.clone(),
        })
    }

    fn scopes(
        &self,
        catalogue: &ScopeCatalogue,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> BTreeMap<String, ScopeSet> {
        let mut scopes = BTreeMap::new();
        for (name, ours) in &self.scopes {
            let place = path.join(name);
            if name.parse::<Scope>().is_err() {
                let expected = "a scope's name: printable ASCII without space, quote, backslash";
                checks.refuse_found(&place, format!("{name:?}"), expected);
            }
            scopes.insert(name.clone(), known_scopes(ours, catalogue, checks, &place));
        }
        scopes
    }
}
