//! What the store does for an identity provider that keeps people and groups here (RFC 7644).

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use crate::model::{
    Change, Digest, GroupChange, ProvisionedGroup, ProvisionedUser, ProvisioningSettings,
    TenantSlug, Timestamp, UserChange, UserId,
};

/// People and groups of an identity provider.
#[async_trait]
pub trait ScimStore: Send + Sync {
    /// Adds a token of the provider.
    async fn add_scim_token(&self, change: &Change, token: &Digest) -> Result<(), StoreError>;

    /// Whether there is such a token.
    async fn has_scim_token(&self, tenant: &TenantSlug, token: &Digest)
    -> Result<bool, StoreError>;

    /// Removes all tokens; how many there were.
    async fn remove_scim_tokens(&self, change: &Change) -> Result<u64, StoreError>;

    /// Adds a person: an account of theirs, unless they signed in before, as whoever `settings`
    /// says that they are at the provider. [`StoreError::Conflict`] when a name is taken.
    async fn provision_user(
        &self,
        change: &Change,
        user: &ProvisionedUser,
        settings: &ProvisioningSettings,
    ) -> Result<ProvisionedUser, StoreError>;

    /// The provisioned person of that account.
    async fn find_provisioned_user(
        &self,
        tenant: &TenantSlug,
        id: &UserId,
    ) -> Result<Option<ProvisionedUser>, StoreError>;

    /// Provisioned people, oldest first, and how many there are.
    async fn list_provisioned_users(
        &self,
        tenant: &TenantSlug,
        query: &ScimQuery,
    ) -> Result<(i64, Vec<ProvisionedUser>), StoreError>;

    /// Changes a person. Whoever is no longer active is disabled, signed out, and their grants are
    /// revoked. Nothing when there is nobody.
    async fn change_provisioned_user(
        &self,
        change: &Change,
        id: &UserId,
        asked: UserChanges<'_>,
    ) -> Result<Option<ProvisionedUser>, StoreError>;

    /// Removes a person with their account; false when there is nobody.
    async fn remove_provisioned_user(
        &self,
        change: &Change,
        id: &UserId,
    ) -> Result<bool, StoreError>;

    /// Adds a group; [`StoreError::Conflict`] when its name is taken.
    async fn add_provisioned_group(
        &self,
        change: &Change,
        group: &ProvisionedGroup,
        settings: &ProvisioningSettings,
    ) -> Result<ProvisionedGroup, StoreError>;

    /// The group of that identifier.
    async fn find_provisioned_group(
        &self,
        tenant: &TenantSlug,
        id: &str,
    ) -> Result<Option<ProvisionedGroup>, StoreError>;

    /// Groups, oldest first, and how many there are.
    async fn list_provisioned_groups(
        &self,
        tenant: &TenantSlug,
        query: &ScimQuery,
    ) -> Result<(i64, Vec<ProvisionedGroup>), StoreError>;

    /// Changes a group, and with it the roles of those who are in it or were. Whoever loses a role
    /// has to refresh their access tokens. Nothing when there is no such group.
    async fn change_provisioned_group(
        &self,
        change: &Change,
        id: &str,
        asked: GroupChanges<'_>,
    ) -> Result<Option<ProvisionedGroup>, StoreError>;

    /// Removes a group, as if everyone had left it; false when there is none.
    async fn remove_provisioned_group(
        &self,
        change: &Change,
        id: &str,
        settings: &ProvisioningSettings,
    ) -> Result<bool, StoreError>;
}

/// Which people or groups are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScimQuery {
    /// Those of this name, in any case of letters.
    pub name: Option<String>,
    /// Those of this key at the provider.
    pub external_id: Option<String>,
    /// How many to leave out at the beginning.
    pub offset: i64,
    /// How many at most.
    pub limit: i64,
}

/// What happens to a person.
#[derive(Clone, Copy, Debug)]
pub struct UserChanges<'a> {
    /// The changes, in their order.
    pub changes: &'a [UserChange],
    /// What follows for their account.
    pub settings: &'a ProvisioningSettings,
}

/// What happens to a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupChanges<'a> {
    /// The changes, in their order.
    pub changes: &'a [GroupChange],
    /// What follows for its members.
    pub settings: &'a ProvisioningSettings,
}

/// The columns of [`ScimUserRow`], and where they are.
macro_rules! scim_user_columns {
    () => {
        "s.user_id, s.user_name, s.external_id, s.formatted_name, s.given_name, s.family_name,
         s.display_name, s.email, s.created_at, s.changed_at, u.disabled
         FROM scim_users AS s JOIN users AS u ON u.tenant = s.tenant AND u.id = s.user_id
         WHERE s.tenant = $1"
    };
}
pub(super) use scim_user_columns;

#[derive(FromRow)]
pub(super) struct ScimUserRow {
    user_id: String,
    user_name: String,
    external_id: Option<String>,
    formatted_name: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    created_at: i64,
    changed_at: i64,
    disabled: bool,
}

#[derive(FromRow)]
pub(super) struct ScimGroupRow {
    pub(super) id: String,
    display_name: String,
    external_id: Option<String>,
    created_at: i64,
    changed_at: i64,
}

/// Names are compared without regard to case (RFC 7643 §4.1.1).
pub(super) fn key(name: &str) -> String {
    name.to_lowercase()
}

impl From<ScimUserRow> for ProvisionedUser {
    fn from(row: ScimUserRow) -> Self {
        Self {
            id: UserId::new(row.user_id),
            user_name: row.user_name,
            external_id: row.external_id,
            formatted_name: row.formatted_name,
            given_name: row.given_name,
            family_name: row.family_name,
            display_name: row.display_name,
            email: row.email,
            active: !row.disabled,
            created_at: Timestamp::from_seconds(row.created_at),
            changed_at: Timestamp::from_seconds(row.changed_at),
        }
    }
}

impl ScimGroupRow {
    pub(super) fn with(self, members: BTreeSet<UserId>) -> ProvisionedGroup {
        ProvisionedGroup {
            id: self.id,
            display_name: self.display_name,
            external_id: self.external_id,
            members,
            created_at: Timestamp::from_seconds(self.created_at),
            changed_at: Timestamp::from_seconds(self.changed_at),
        }
    }
}
