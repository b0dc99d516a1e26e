//! Who issues the tokens that a tenant takes: Gatehouse, or a server that the tenant has already.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::{Scope, ScopeSet};

/// Who issues the tokens that a tenant takes.
#[derive(Clone, Debug, Default)]
pub enum Authorization {
    /// Gatehouse.
    #[default]
    BuiltIn,
    /// An authorization server elsewhere; that of Gatehouse is switched off.
    External(Arc<ExternalAuthorization>),
}

/// An authorization server elsewhere, and what its tokens mean here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAuthorization {
    /// Where its keys are, and its issuer identifier.
    pub keys: KeySource,
    /// What `aud` must name; none for a server whose tokens have no audience, and name a client.
    pub audience: Option<String>,
    /// The clients whose tokens are taken; all where there are none.
    pub clients: Vec<String>,
    /// What `typ` its tokens have.
    pub token_type: ExternalTokenType,
    /// Claims that must have these values.
    pub claims: BTreeMap<String, String>,
    /// The claim that tells people apart.
    pub subject_claim: String,
    /// The claim with the scopes; `scope` or `scp` where none is named.
    pub scopes_claim: Option<String>,
    /// What each scope of the server is here; where there are none, the names are ours.
    pub scopes: BTreeMap<String, ScopeSet>,
    /// The claim with roles or groups; scopes alone decide where none is named.
    pub roles_claim: Option<String>,
    /// The role of the tenant that each value of that claim stands for.
    pub roles: BTreeMap<String, String>,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySource {
    /// The issuer identifier, byte for byte.
    pub issuer: String,
    /// The address of its JWK Set; found through its metadata where none is given.
    pub jwks_uri: Option<Url>,
}

/// What `typ` a token has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExternalTokenType {
    /// `at+jwt` (RFC 9068 §2.1).
    #[default]
    AccessToken,
    /// `JWT`, or none: the server does not tell access tokens from others by it.
    Jwt,
}

impl ExternalAuthorization {
    /// What a client has to ask the server for to have `scopes` here: for each, the scope of the
    /// server that gives it and as little else as can be.
    #[must_use]
    pub fn to_ask_for(&self, scopes: &ScopeSet) -> ScopeSet {
        if self.scopes.is_empty() {
            return match self.roles_claim {
                Some(_) => ScopeSet::default(),
                None => scopes.clone(),
            };
        }
        let name = |scope: &Scope| {
            let giving = self.scopes.iter().filter(|(_, ours)| ours.contains(scope));
            let (name, _) = giving.min_by_key(|(_, ours)| ours.iter().count())?;
            name.parse::<Scope>().ok()
        };
        scopes.iter().filter_map(name).collect()
    }
}
