//! `[tenants.scim]`: what a tenant's identity provider may keep here (SCIM 2.0).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::database::SecretPlace;
use super::problem::KeyPath;
use crate::model::{ProvisioningProvider, ProvisioningSettings, ProvisioningSubject, Role};

/// People and groups that the tenant's identity provider keeps here, at `{public_url}/scim/v2`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ProvisioningEntry {
    /// Where the provider's token is kept; beside it there are those of `gatehouse scim token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretPlace")]
    token: Option<SecretPlace>,
    /// The issuer at which these people sign in, byte for byte. Without it nobody who signs in is
    /// taken for one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    issuer: Option<String>,
    /// The name that `[tenants.sign_in]` gives that provider; `sso` where it gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    provider: Option<String>,
    subject: SubjectWord,
    /// The role of each group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<String, String>,
    /// A role of everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    default_role: Option<String>,
}

/// The attribute that is the subject of these people's ID tokens, as `subject_claim` has it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(inline)]
enum SubjectWord {
    #[default]
    #[serde(rename = "externalId")]
    ExternalId,
    #[serde(rename = "userName")]
    UserName,
}

impl ProvisioningEntry {
    /// Checks what stands at `path`.
    pub(super) fn resolve(
        &self,
        roles: &BTreeMap<String, Role>,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<ProvisioningSettings> {
        let token = match &self.token {
            Some(place) => Some(place.resolve(checks, &path.join("token"))?),
            None => None,
        };
        let expected = "one of the tenant's roles";
        for (group, role) in &self.roles {
            if !roles.contains_key(role) {
                checks.refuse(&path.join("roles").join(group), expected);
            }
        }
        if let Some(role) = &self.default_role
            && !roles.contains_key(role)
        {
            checks.refuse(&path.join("default_role"), expected);
        }
        let name = self.provider.as_deref().unwrap_or("sso");
        let provider = self.issuer.as_ref().map(|issuer| ProvisioningProvider {
            name: name.to_owned(),
            issuer: issuer.clone(),
            subject: match self.subject {
                SubjectWord::ExternalId => ProvisioningSubject::ExternalId,
                SubjectWord::UserName => ProvisioningSubject::UserName,
            },
        });
        Some(ProvisioningSettings {
            token,
            provider,
            roles: self.roles.clone(),
            default_role: self.default_role.clone(),
        })
    }
}
