//! One identity provider of `[tenants.sign_in]`.

use std::collections::BTreeMap;

use url::Url;

use super::checks::{Checks, web_address};
use super::database::SecretPlace;
use super::problem::KeyPath;
use crate::model::{IdentityProvider, Role, TENANT_PLACEHOLDER};

/// What is said about a provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProviderEntry<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) issuer: Option<&'a str>,
    pub(super) client_id: Option<&'a str>,
    pub(super) client_secret: Option<&'a SecretPlace>,
    pub(super) scopes: Option<&'a [String]>,
    pub(super) algorithms: Option<&'a [String]>,
    pub(super) groups_claim: Option<&'a str>,
    pub(super) subject_claim: Option<&'a str>,
    pub(super) roles: &'a BTreeMap<String, String>,
    pub(super) default_role: Option<&'a str>,
    pub(super) domains: &'a [String],
    pub(super) hosted_domain: Option<&'a str>,
    pub(super) allowed_tenants: &'a [String],
    pub(super) endpoint_origins: &'a [String],
    pub(super) parameters: &'a BTreeMap<String, String>,
}

/// What an identity provider may sign with.
const ALGORITHMS: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
];

/// What Gatehouse itself says in the address that people are sent to.
const OWN_PARAMETERS: [&str; 14] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "max_age",
    "login_hint",
];

/// Google's endpoints are at three origins; none of them is anyone else's.
const GOOGLE: &str = "https://accounts.google.com";
const GOOGLE_ORIGINS: [&str; 3] = [
    "https://oauth2.googleapis.com",
    "https://www.googleapis.com",
    "https://openidconnect.googleapis.com",
];
const ENTRA_HOST: &str = "login.microsoftonline.com";

impl ProviderEntry<'_> {
    /// True when a key is set.
    pub(super) fn says_something(&self) -> bool {
        let said = [
            self.title,
            self.issuer,
            self.client_id,
            self.groups_claim,
            self.subject_claim,
            self.default_role,
            self.hosted_domain,
        ];
        said.iter().any(Option::is_some)
            || self.client_secret.is_some()
            || self.scopes.is_some()
            || self.algorithms.is_some()
            || !self.roles.is_empty()
            || !self.domains.is_empty()
            || !self.allowed_tenants.is_empty()
            || !self.endpoint_origins.is_empty()
            || !self.parameters.is_empty()
    }

    /// Checks what stands at `path`.
    pub(super) fn resolve(
        self,
        name: &str,
        roles: &BTreeMap<String, Role>,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<IdentityProvider> {
        let issuer = self.issuer(checks, path);
        let client_id = self.client_id.filter(|id| !id.is_empty());
        let expected = "the identifier of a client at the provider";
        let client_id = checks.require(client_id, &path.join("client_id"), expected);
        let secret = match self.client_secret {
            Some(place) => Some(place.resolve(checks, &path.join("client_secret"))?),
            None => None,
        };
        self.check_roles(roles, checks, path);
        self.check_parameters(checks, path);
        let algorithms = self.algorithms(checks, path);
        let endpoint_origins = self.endpoint_origins(checks, path);
        let (issuer, url) = issuer?;
        let is_entra = url.host_str() == Some(ENTRA_HOST) || issuer.contains(TENANT_PLACEHOLDER);
        let default_subject = if is_entra { "oid" } else { "sub" };
        let host = url.host_str().unwrap_or_default();
        Some(IdentityProvider {
            name: name.to_owned(),
            title: self.title.unwrap_or(host).to_owned(),
            client_id: client_id?.to_owned(),
            client_secret: secret,
            scopes: self.scopes.map(<[String]>::to_vec),
            algorithms: algorithms?,
            groups_claim: self.groups_claim.unwrap_or("groups").to_owned(),
            subject_claim: self.subject_claim.unwrap_or(default_subject).to_owned(),
            roles: self.roles.clone(),
            default_role: self.default_role.map(str::to_owned),
            domains: self.domains.to_vec(),
            hosted_domain: self.hosted_domain.map(str::to_owned),
            allowed_tenants: self.allowed_tenants.to_vec(),
            endpoint_origins: endpoint_origins?,
            parameters: self.parameters.clone(),
            issuer,
        })
    }

    /// The issuer and its address; the template's with a stand-in for the tenant.
    fn issuer(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<(String, Url)> {
        let place = path.join("issuer");
        let issuer = self.issuer.unwrap_or_default();
        let url = web_address(&issuer.replace(TENANT_PLACEHOLDER, "organizations"));
        let expected = "the https URL of the provider (http on this machine only), without a query";
        let url = checks.require(url, &place, expected)?;
        let is_template = issuer.contains(TENANT_PLACEHOLDER);
        let is_plain = |tenant: &String| {
            !tenant.is_empty()
                && tenant
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let tenants = self.allowed_tenants;
        if is_template == tenants.is_empty() || !tenants.iter().all(is_plain) {
            let expected =
                "the identifiers of Entra tenants exactly where the issuer has {tenantid}";
            checks.refuse(&path.join("allowed_tenants"), expected);
        }
        Some((issuer.to_owned(), url))
    }

    fn check_roles(&self, roles: &BTreeMap<String, Role>, checks: &mut Checks<'_>, path: &KeyPath) {
        let names: Vec<&str> = roles.keys().map(String::as_str).collect();
        let expected = format!("a role of the tenant: {}", names.join(", "));
        for (group, role) in self.roles {
            if !roles.contains_key(role) {
                checks.refuse(&path.join("roles").join(group), expected.clone());
            }
        }
        if self
            .default_role
            .is_some_and(|role| !roles.contains_key(role))
        {
            checks.refuse(&path.join("default_role"), expected);
        }
    }

    fn check_parameters(&self, checks: &mut Checks<'_>, path: &KeyPath) {
        for name in self.parameters.keys() {
            if OWN_PARAMETERS.contains(&name.as_str()) {
                let expected = "a parameter that Gatehouse does not send itself";
                checks.refuse(&path.join("parameters").join(name), expected);
            }
        }
    }

    fn algorithms(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Vec<String>> {
        let Some(names) = self.algorithms else {
            return Some(vec!["RS256".to_owned()]);
        };
        let known = |name: &String| ALGORITHMS.contains(&name.as_str());
        let valid = !names.is_empty() && names.iter().all(known);
        let expected = format!("at least one of {}", ALGORITHMS.join(", "));
        checks.require(
            valid.then(|| names.to_vec()),
            &path.join("algorithms"),
            expected,
        )
    }

    fn endpoint_origins(&self, checks: &mut Checks<'_>, path: &KeyPath) -> Option<Vec<String>> {
        let is_origin = |text: &String| {
            web_address(text).is_some_and(|url| url.origin().ascii_serialization() == *text)
        };
        let valid = self.endpoint_origins.iter().all(is_origin);
        let mut origins = self.endpoint_origins.to_vec();
        if self.issuer == Some(GOOGLE) {
            origins.extend(GOOGLE_ORIGINS.map(str::to_owned));
        }
        let expected = "https origins without a slash at the end";
        checks.require(
            valid.then_some(origins),
            &path.join("endpoint_origins"),
            expected,
        )
    }
}
