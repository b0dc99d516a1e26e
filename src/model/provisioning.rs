//! People and groups as an identity provider keeps them here (SCIM, RFC 7643).

use std::collections::{BTreeMap, BTreeSet};

use super::{ExternalIdentity, Secret, Timestamp, UserId};

/// How a tenant's identity provider may keep people and groups here.
#[derive(Clone, Debug, Default)]
pub struct ProvisioningSettings {
    /// A token of the provider, beside those that operators issue.
    pub token: Option<Secret>,
    /// Where these people sign in; none when nobody is to be recognised there.
    pub provider: Option<ProvisioningProvider>,
    /// The role of each group, by the group's name.
    pub roles: BTreeMap<String, String>,
    /// A role of everyone.
    pub default_role: Option<String>,
}

/// Where provisioned people sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisioningProvider {
    /// The name that the tenant gave the provider.
    pub name: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// What it calls a person in ID tokens.
    pub subject: ProvisioningSubject,
}

/// Which attribute of a provisioned person is the subject of their ID tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProvisioningSubject {
    /// `externalId`
    #[default]
    ExternalId,
    /// `userName`
    UserName,
}

/// A person whom a provider keeps here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedUser {
    /// Their account.
    pub id: UserId,
    /// What the provider calls them; unique within the tenant, in any case of letters.
    pub user_name: String,
    /// Their key at the provider.
    pub external_id: Option<String>,
    /// Their whole name.
    pub formatted_name: Option<String>,
    /// Their given name.
    pub given_name: Option<String>,
    /// Their family name.
    pub family_name: Option<String>,
    /// What they like to be called.
    pub display_name: Option<String>,
    /// An address that nobody here has verified.
    pub email: Option<String>,
    /// False for an account that is disabled.
    pub active: bool,
    /// When the provider added them.
    pub created_at: Timestamp,
    /// When the provider last changed something about them.
    pub changed_at: Timestamp,
}

/// One change of a provisioned person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// `userName`
    UserName(String),
    /// `externalId`
    ExternalId(Option<String>),
    /// `name.formatted`
    FormattedName(Option<String>),
    /// `name.givenName`
    GivenName(Option<String>),
    /// `name.familyName`
    FamilyName(Option<String>),
    /// `displayName`
    DisplayName(Option<String>),
    /// `emails`, of which one is kept
    Email(Option<String>),
    /// `active`
    Active(bool),
}

/// A group that a provider keeps here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionedGroup {
    /// Its identifier.
    pub id: String,
    /// Its name; unique within the tenant, in any case of letters.
    pub display_name: String,
    /// Its key at the provider.
    pub external_id: Option<String>,
    /// Who is in it.
    pub members: BTreeSet<UserId>,
    /// When the provider added it.
    pub created_at: Timestamp,
    /// When the provider last changed it.
    pub changed_at: Timestamp,
}

/// One change of a provisioned group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// `displayName`
    DisplayName(String),
    /// `externalId`
    ExternalId(Option<String>),
    /// These are in it as well.
    Add(BTreeSet<UserId>),
    /// These are no longer in it.
    Remove(BTreeSet<UserId>),
    /// These are in it, and nobody else.
    Members(BTreeSet<UserId>),
}

impl ProvisioningSettings {
    /// True when groups, or being here at all, decide on roles; otherwise roles come from elsewhere.
    #[must_use]
    pub fn decides_on_roles(&self) -> bool {
        !self.roles.is_empty() || self.default_role.is_some()
    }

    /// The roles of whoever is in these groups.
    #[must_use]
    pub fn roles_of<'a>(&self, groups: impl IntoIterator<Item = &'a String>) -> BTreeSet<String> {
        let named = groups.into_iter().filter_map(|group| self.roles.get(group));
        named.chain(&self.default_role).cloned().collect()
    }

    /// Who the person is at the provider. No address ever says so.
    #[must_use]
    pub fn identity_of(&self, user: &ProvisionedUser) -> Option<ExternalIdentity> {
        let provider = self.provider.as_ref()?;
        let subject = match provider.subject {
            ProvisioningSubject::ExternalId => user.external_id.clone()?,
            ProvisioningSubject::UserName => user.user_name.clone(),
        };
        Some(ExternalIdentity {
            provider: provider.name.clone(),
            issuer: provider.issuer.clone(),
            subject,
        })
    }
}

impl ProvisionedUser {
    /// Makes the change.
    pub fn apply(&mut self, change: &UserChange) {
        match change {
            UserChange::UserName(name) => self.user_name.clone_from(name),
            UserChange::ExternalId(id) => self.external_id.clone_from(id),
            UserChange::FormattedName(name) => self.formatted_name.clone_from(name),
            UserChange::GivenName(name) => self.given_name.clone_from(name),
            UserChange::FamilyName(name) => self.family_name.clone_from(name),
            UserChange::DisplayName(name) => self.display_name.clone_from(name),
            UserChange::Email(email) => self.email.clone_from(email),
            UserChange::Active(active) => self.active = *active,
        }
    }

    /// What they are called, by whatever the provider says of it.
    #[must_use]
    pub fn called(&self) -> Option<&str> {
        let display_name = self.display_name.as_deref();
        display_name.or(self.formatted_name.as_deref())
    }
}

impl ProvisionedGroup {
    /// Makes the change.
    pub fn apply(&mut self, change: &GroupChange) {
        match change {
            GroupChange::DisplayName(name) => self.display_name.clone_from(name),
            GroupChange::ExternalId(id) => self.external_id.clone_from(id),
            GroupChange::Add(users) => self.members.extend(users.iter().cloned()),
            GroupChange::Remove(users) => self.members.retain(|user| !users.contains(user)),
            GroupChange::Members(users) => self.members.clone_from(users),
        }
    }
}
