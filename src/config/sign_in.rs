//! `[tenants.sign_in]`: local accounts and identity providers.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::database::SecretPlace;
use super::identity_provider::ProviderEntry;
use super::problem::KeyPath;
use crate::model::{OnLogout, Role, SignInSettings};

/// One table for the way people sign in, with the keys of one provider in it; and another for each of
/// several providers. The two share their keys.
macro_rules! provider_table {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub(super) struct $name {
            $($own)*
            /// What people know it by; its host unless said.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            title: Option<String>,
            /// Its issuer, byte for byte as its metadata says it. Entra's for several tenants has
            /// `{tenantid}` in it.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            issuer: Option<String>,
            /// Who Gatehouse is to it.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            client_id: Option<String>,
            /// Where the secret of that client is kept; none for a public client.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "SecretPlace")]
            client_secret: Option<SecretPlace>,
            /// What to ask for, in place of what suits the provider.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Vec<String>")]
            scopes: Option<Vec<String>>,
            /// What its tokens may be signed with; `["RS256"]` unless said.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Vec<String>")]
            algorithms: Option<Vec<String>>,
            /// The claim with a person's groups, as in `groups` (unless said), `realm_access.roles`
            /// or `cognito:groups`: a list of texts, a text, or a table whose keys they are.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            groups_claim: Option<String>,
            /// The claim that tells people apart: `sub`, or `oid` at Entra.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            subject_claim: Option<String>,
            /// The role of each group. Whoever is in none of them gets in nowhere.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            roles: BTreeMap<String, String>,
            /// A role of everyone who signs in there.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            default_role: Option<String>,
            /// Domains of e-mail addresses: where there are several providers, those who have one
            /// are sent to this provider.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            domains: Vec<String>,
            /// The Google Workspace that people must belong to.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "String")]
            hosted_domain: Option<String>,
            /// The Entra tenants that `{tenantid}` may stand for.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            allowed_tenants: Vec<String>,
            /// Origins beside the issuer's that its endpoints and keys may be at, as in
            /// `["https://acme.auth.eu-west-1.amazoncognito.com"]`.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            endpoint_origins: Vec<String>,
            /// What else goes into the address that people are sent to, as in
            /// `{ access_type = "offline" }`.
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            parameters: BTreeMap<String, String>,
        }

        impl $name {
            fn provider(&self) -> ProviderEntry<'_> {
                ProviderEntry {
                    title: self.title.as_deref(),
                    issuer: self.issuer.as_deref(),
                    client_id: self.client_id.as_deref(),
                    client_secret: self.client_secret.as_ref(),
                    scopes: self.scopes.as_deref(),
                    algorithms: self.algorithms.as_deref(),
                    groups_claim: self.groups_claim.as_deref(),
                    subject_claim: self.subject_claim.as_deref(),
                    roles: &self.roles,
                    default_role: self.default_role.as_deref(),
                    domains: &self.domains,
                    hosted_domain: self.hosted_domain.as_deref(),
                    allowed_tenants: &self.allowed_tenants,
                    endpoint_origins: &self.endpoint_origins,
                    parameters: &self.parameters,
                }
            }
        }
    };
}

provider_table! {
    /// How people sign in.
    SignIn {
        kind: SignInKind,
        /// With `oidc`: whether accounts that Gatehouse keeps may sign in as well.
        local_accounts: bool,
        /// For how long groups count that a provider named while it can't be asked again: it is
        /// out of reach, or gave no refresh token. A day unless said.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        groups_max_age: Option<String>,
        on_logout: LogoutEntry,
        /// Whom people may ask who are refused: an address or a name.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "String")]
        support_contact: Option<String>,
        /// Several providers. One alone may stand in this table itself.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        providers: Vec<NamedProvider>,
    }
}

provider_table! {
    /// An identity provider.
    NamedProvider {
        /// Its name: a-z, 0-9 and '-'. It is part of the user names of its people.
        name: String,
    }
}

/// `local`: with accounts that Gatehouse keeps. `oidc`: at an identity provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum SignInKind {
    #[default]
    Local,
    Oidc,
}

/// What ends when a provider says that a person signed out there: their `sessions` here, or those
/// and the `grants` that they gave clients.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum LogoutEntry {
    #[default]
    Sessions,
    Grants,
}

/// The name of a provider that has none.
const ONLY_PROVIDER: &str = "sso";

impl SignIn {
    /// Checks what stands at `path`.
    pub(super) fn resolve(
        &self,
        roles: &BTreeMap<String, Role>,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<SignInSettings> {
        let place = path.join("groups_max_age");
        let groups_max_age = self.groups_max_age.as_deref().unwrap_or("1d");
        let groups_max_age = checks.duration(&place, groups_max_age, ("1m", "90d"));
        let mut settings = SignInSettings {
            on_logout: match self.on_logout {
                LogoutEntry::Sessions => OnLogout::Sessions,
                LogoutEntry::Grants => OnLogout::Grants,
            },
            support_contact: self.support_contact.clone(),
            ..SignInSettings::default()
        };
        let own = self.provider();
        if self.kind == SignInKind::Local {
            if !self.providers.is_empty() || own.says_something() {
                checks.refuse(&path.join("kind"), "\"oidc\" where there is a provider");
                return None;
            }
            return Some(settings);
        }
        settings.local_accounts = self.local_accounts;
        settings.groups_max_age = groups_max_age?;
        if self.providers.is_empty() {
            settings.providers = vec![own.resolve(ONLY_PROVIDER, roles, checks, path)?];
            return Some(settings);
        }
        if own.says_something() {
            let expected =
                "keys of a provider within [[tenants.sign_in.providers]], where there are any";
            checks.refuse(path, expected);
            return None;
        }
        let providers = path.join("providers");
        let mut names = BTreeSet::new();
        let mut resolved = Vec::new();
        for (position, entry) in self.providers.iter().enumerate() {
            let place = providers.join(position);
            let allowed =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let valid = (1..=32).contains(&entry.name.len()) && entry.name.bytes().all(allowed);
            if !valid || !names.insert(&entry.name) {
                let expected = "1 to 32 characters of a-z, 0-9 and '-', for each provider others";
                checks.refuse(&place.join("name"), expected);
            }
            resolved.push(entry.provider().resolve(&entry.name, roles, checks, &place));
        }
        settings.providers = resolved.into_iter().collect::<Option<_>>()?;
        Some(settings)
    }
}
