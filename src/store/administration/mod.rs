//! What the store does for those who look after tenants: pages of long lists, and the changes that
//! nobody else makes.

mod operators;

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::FromRow;

use super::{LiveGrant, StoreError};
use crate::model::{Change, Client, ClientId, StoredTenant, TenantSlug, User, UserId};

pub(super) use operators::OperatorRow;
pub use operators::OperatorStore;

/// Part of a list that is in order of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The key that it begins after; none for the first part.
    pub after: Option<&'a str>,
    /// How many there may be.
    pub limit: u32,
}

/// Which grants.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrantFilter<'a> {
    /// Those that this person gave.
    pub user: Option<&'a UserId>,
    /// Those that this client was given.
    pub client: Option<&'a ClientId>,
}

/// How much a tenant has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Census {
    /// Accounts.
    pub users: i64,
    /// Registered clients.
    pub clients: i64,
    /// Grants that were not taken back.
    pub grants: i64,
}

/// The desk of whoever looks after tenants.
#[async_trait]
pub trait AdministrationStore: Send + Sync {
    /// Accounts by user name.
    async fn page_users(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<User>, StoreError>;

    /// Clients by identifier.
    async fn page_clients(
        &self,
        tenant: &TenantSlug,
        page: Page<'_>,
    ) -> Result<Vec<Client>, StoreError>;

    /// Grants by identifier, those that were taken back as well.
    async fn page_grants(
        &self,
        tenant: &TenantSlug,
        filter: GrantFilter<'_>,
        page: Page<'_>,
    ) -> Result<Vec<LiveGrant>, StoreError>;

    /// How much the tenant has.
    async fn take_census(&self, tenant: &TenantSlug) -> Result<Census, StoreError>;

    /// Gives a person these roles in place of the ones before; false when there is no such person.
    async fn set_user_roles(
        &self,
        change: &Change,
        user: &User,
        roles: &BTreeSet<String>,
    ) -> Result<bool, StoreError>;

    /// Puts what is said about an operator's tenant in place of what was said before. Its name and
    /// its address stay; false when no operator has such a tenant.
    async fn replace_tenant_settings(
        &self,
        change: &Change,
        tenant: &StoredTenant,
    ) -> Result<bool, StoreError>;
}
