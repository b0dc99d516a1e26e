//! How people sign in at a tenant: with a local account, or at an identity provider.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Secret;

/// How people sign in at a tenant.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// Where they sign in, beside here; in the order in which they are offered.
    pub providers: Vec<IdentityProvider>,
    /// Whether accounts with a password may sign in.
    pub local_accounts: bool,
    /// For how long what a provider said about a person's groups counts while it can't be asked.
    pub groups_max_age: Duration,
    /// What ends when a provider says that a person signed out there.
    pub on_logout: OnLogout,
    /// Whom people may ask who are refused.
    pub support_contact: Option<String>,
}

/// What ends when a provider says that a person signed out there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLogout {
    /// Their sign-ins here.
    #[default]
    Sessions,
    /// Their sign-ins here, and what they allowed clients.
    Grants,
}

/// An identity provider (OpenID Connect) as an operator configured it.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// Its name within the tenant.
    pub name: String,
    /// What people know it by.
    pub title: String,
    /// Its issuer identifier, byte for byte; `{tenantid}` stands for one of `allowed_tenants`.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// What we prove that with.
    pub client_secret: Option<Secret>,
    /// What to ask for; none for what suits the provider.
    pub scopes: Option<Vec<String>>,
    /// What it may sign with.
    pub algorithms: Vec<String>,
    /// The claim that names a person's groups.
    pub groups_claim: String,
    /// The claim that tells people apart.
    pub subject_claim: String,
    /// From group to role.
    pub roles: BTreeMap<String, String>,
    /// The role of everyone who signs in there.
    pub default_role: Option<String>,
    /// Domains of the e-mail addresses of those who sign in there.
    pub domains: Vec<String>,
    /// The Google Workspace that people must belong to.
    pub hosted_domain: Option<String>,
    /// The Entra tenants that `{tenantid}` may stand for.
    pub allowed_tenants: Vec<String>,
    /// Origins beside the issuer's own that its endpoints and keys may be at.
    pub endpoint_origins: Vec<String>,
    /// What else goes into the address that people are sent to.
    pub parameters: BTreeMap<String, String>,
}

/// What stands for one of several tenants in Entra's issuer.
pub const TENANT_PLACEHOLDER: &str = "{tenantid}";

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            local_accounts: true,
            groups_max_age: Duration::from_hours(24),
            on_logout: OnLogout::default(),
            support_contact: None,
        }
    }
}

impl SignInSettings {
    /// The provider of that name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&IdentityProvider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// The provider of those with this e-mail address.
    #[must_use]
    pub fn provider_of_address(&self, address: &str) -> Option<&IdentityProvider> {
        let (_, domain) = address.trim().rsplit_once('@')?;
        let has = |provider: &&IdentityProvider| {
            let mut domains = provider.domains.iter();
            domains.any(|own| own.eq_ignore_ascii_case(domain))
        };
        self.providers.iter().find(has)
    }
}

impl IdentityProvider {
    /// True when `issuer` is this provider's, or one that its template stands for.
    #[must_use]
    pub fn is_issuer(&self, issuer: &str) -> bool {
        if !self.issuer.contains(TENANT_PLACEHOLDER) {
            return self.issuer == issuer;
        }
        self.allowed_tenants
            .iter()
            .any(|tenant| self.issuer_of_tenant(tenant) == issuer)
    }

    /// The issuer of the tokens of one Entra tenant.
    #[must_use]
    pub fn issuer_of_tenant(&self, tenant: &str) -> String {
        self.issuer.replace(TENANT_PLACEHOLDER, tenant)
    }

    /// The roles of whoever is in these groups.
    #[must_use]
    pub fn roles_of<'a>(&self, groups: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
        let named = groups.into_iter().filter_map(|group| self.roles.get(group));
        named.chain(&self.default_role).cloned().collect()
    }
}
