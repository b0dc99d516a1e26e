//! What the store does for accounts at mounted servers that people have linked.

use async_trait::async_trait;

use super::{ProviderLease, ProviderTokenOutcome, StoreError};
use crate::model::{Change, TenantSlug, Timestamp, UserId};

/// Accounts that people have linked, and the clients that the gateway is at authorization servers.
/// Tokens and secrets are sealed before they come here.
#[async_trait]
pub trait LinkedAccountStore: Send + Sync {
    /// Keeps what came of linking an account, in place of what was there.
    async fn link_account(
        &self,
        change: &Change,
        (user, server): (&UserId, &str),
        sealed: &[u8],
    ) -> Result<(), StoreError>;

    /// Forgets a linked account; false when there is none.
    async fn unlink_account(
        &self,
        change: &Change,
        user: &UserId,
        server: &str,
    ) -> Result<bool, StoreError>;

    /// The accounts that a person has linked, by the names of the servers.
    async fn list_linked_accounts(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
    ) -> Result<Vec<LinkedAccount>, StoreError>;

    /// A linked account; nothing is taken.
    async fn find_linked_account(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        server: &str,
    ) -> Result<ProviderLease, StoreError>;

    /// Takes a linked account until `until`, so that nobody else renews its tokens meanwhile.
    async fn lease_linked_account(
        &self,
        tenant: &TenantSlug,
        (user, server): (&UserId, &str),
        (now, until): (Timestamp, Timestamp),
    ) -> Result<ProviderLease, StoreError>;

    /// Gives it back. What was linked anew since it was taken until `until` stays.
    async fn return_linked_account(
        &self,
        tenant: &TenantSlug,
        (user, server): (&UserId, &str),
        until: Timestamp,
        outcome: ProviderTokenOutcome<'_>,
    ) -> Result<(), StoreError>;

    /// The client that the gateway is at `issuer`.
    async fn find_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps the client that the gateway is at `issuer`, unless there is another one than `known`
    /// by now: of several replicas that register, the first one's counts.
    async fn keep_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        (known, sealed): (Option<&[u8]>, &[u8]),
    ) -> Result<(), StoreError>;

    /// Forgets the client that the gateway is at `issuer`, where it still is `known`.
    async fn forget_upstream_client(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        known: &[u8],
    ) -> Result<(), StoreError>;
}

/// An account that a person has linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The server's name.
    pub server: String,
    /// When it was linked.
    pub linked_at: Timestamp,
    /// True once the authorization server has refused to go on.
    pub has_ended: bool,
}
