//! What the store does for people who sign in: at an identity provider, and often, and no more.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::model::{Change, Digest, TenantSlug, Timestamp, User, UserId};

/// People who sign in elsewhere, and what bounds signing in.
#[async_trait]
pub trait FederationStore: Send + Sync {
    /// The account of whoever is `subject` to `issuer`.
    async fn find_user_by_identity(
        &self,
        tenant: &TenantSlug,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<User>, StoreError>;

    /// Writes what a provider says about a person: roles, groups, address and name. The rest of
    /// the account stays as it is.
    async fn update_person(&self, tenant: &TenantSlug, user: &User) -> Result<(), StoreError>;

    /// Keeps what asks the provider about a person again, in place of what was there; none when
    /// the provider gave nothing.
    async fn keep_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        sealed: Option<&[u8]>,
    ) -> Result<(), StoreError>;

    /// Takes that token until `until`, so that nobody else uses it meanwhile.
    async fn lease_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        (now, until): (Timestamp, Timestamp),
    ) -> Result<ProviderLease, StoreError>;

    /// Gives the token back.
    async fn return_provider_token(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        outcome: ProviderTokenOutcome<'_>,
    ) -> Result<(), StoreError>;

    /// Ends what a provider says has ended.
    async fn end_provider_sessions(
        &self,
        change: &Change,
        ended: &EndedElsewhere<'_>,
    ) -> Result<SignedOut, StoreError>;

    /// Ends all login sessions of a person and revokes all that they allowed clients.
    async fn sign_out_everywhere(
        &self,
        change: &Change,
        user: &UserId,
    ) -> Result<SignedOut, StoreError>;

    /// Counts an attempt to sign in; answers from when on there may be another one, where there
    /// were too many.
    async fn admit_sign_in(
        &self,
        tenant: &TenantSlug,
        account: &Digest,
        bound: AttemptBound,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets the attempts: one was good.
    async fn forget_sign_ins(
        &self,
        tenant: &TenantSlug,
        account: &Digest,
    ) -> Result<(), StoreError>;
}

/// What came of asking for a provider's token.
#[derive(Clone, PartialEq, Eq)]
pub enum ProviderLease {
    /// The provider gave none.
    None,
    /// The provider has refused it.
    Ended,
    /// Someone else is using it.
    Busy,
    /// It is ours for a while.
    Leased(Vec<u8>),
}

/// What became of a provider's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderTokenOutcome<'a> {
    /// It stays as it is.
    Kept,
    /// The provider gave another one.
    Renewed(&'a [u8]),
    /// The provider refused it.
    Refused,
}

/// What a provider says has ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedElsewhere<'a> {
    /// Who says so.
    pub issuer: &'a str,
    /// Whose sessions, where it says whose.
    pub subject: Option<&'a str>,
    /// Which session, where it says which.
    pub session: Option<&'a str>,
    /// Whether what the person allowed clients ends too.
    pub grants: bool,
}

/// What ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignedOut {
    /// How many login sessions.
    pub sessions: u64,
    /// How many grants.
    pub grants: u64,
}

/// How often a password may be tried.
#[derive(Clone, Copy, Debug)]
pub struct AttemptBound {
    /// How many times.
    pub most: i64,
    /// Within which time.
    pub window: Duration,
    /// The present.
    pub now: Timestamp,
}

impl AttemptBound {
    /// From when on there may be another attempt after these.
    pub(super) fn judge(&self, (attempts, since): (i64, i64)) -> Option<Timestamp> {
        (attempts > self.most).then(|| Timestamp::from_seconds(since).after(self.window))
    }
}

/// It is a secret, sealed or not.
impl std::fmt::Debug for ProviderLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Ended => "Ended",
            Self::Busy => "Busy",
            Self::Leased(_) => "Leased(…)",
        })
    }
}
