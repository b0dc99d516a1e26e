//! What must outlive a process: one narrow trait of atomic operations, named after their intent.

mod administration;
mod audit;
mod connect;
mod deadline;
mod error;
mod federation;
mod linked_accounts;
mod notes;
mod operands;
mod policy;
mod postgres;
mod rates;
mod row;
mod scim;
mod sqlite;
mod tasks;
mod tenants;
mod tool_plan;
mod tools;
mod users;

use std::fmt;

use async_trait::async_trait;

use crate::model::{
    AuthorizationCode, Change, Client, ClientId, Consent, Digest, Grant, GrantId,
    LONGEST_ACCESS_TOKEN, LoginSession, PushedRequest, RefreshToken, RemoteDocument, Revocation,
    SealedSigningKey, SingleUse, TenantSlug, Timestamp, User, UserId,
};

pub use administration::{AdministrationStore, Census, GrantFilter, OperatorStore, Page};
pub use audit::{AUDIT_BATCH, AuditChain, AuditQuery, AuditStore, Checkpoint, CheckpointKey};
pub use connect::{ConnectOptions, Location, connect, locate, migrate};
pub use deadline::within;
pub use federation::{
    AttemptBound, EndedElsewhere, FederationStore, ProviderLease, ProviderTokenOutcome, SignedOut,
};
pub use linked_accounts::{LinkedAccount, LinkedAccountStore};
pub use notes::{Heard, Note, NoteStore};
pub use operands::{
    CodeRedemption, Connections, LiveGrant, Registration, Rotation, RotationOutcome,
};
pub use policy::PolicyStore;
pub use rates::{RateStore, Use};
pub use scim::{GroupChanges, ScimQuery, ScimStore, UserChanges};
pub use tasks::{StoredTask, TaskChange, TaskStatus, TaskStore};
pub use tenants::{Application, Clash, TenantStore};
pub use tools::{ToolDeed, ToolMark, ToolOutcome, ToolStore};

/// For how many seconds after its end a code stays, so that a replay is recognised as one.
const CODE_RETENTION: i64 = 24 * 60 * 60;

/// For how many seconds the copy of a document of the Web may stand in for it.
pub const DOCUMENT_RETENTION: i64 = 7 * 24 * 60 * 60;
/// For how many seconds what concerns access tokens stays after the last of them was issued: their
/// longest life, and an hour for clocks that differ.
const TOKEN_RETENTION: i64 = LONGEST_ACCESS_TOKEN.as_secs().cast_signed() + 60 * 60;

/// The database. The tenant is the first argument of everything that a tenant owns; what changes
/// something takes a [`Change`] there, and writes it into the tenant's audit log.
///
/// Each operation is one transaction: it happens whole or not at all, and what two callers do at
/// the same time is as if they had done it one after the other.
#[async_trait]
pub trait Store:
    AdministrationStore
    + AuditStore
    + FederationStore
    + LinkedAccountStore
    + NoteStore
    + OperatorStore
    + PolicyStore
    + ScimStore
    + TaskStore
    + RateStore
    + TenantStore
    + ToolStore
    + fmt::Debug
    + Send
    + Sync
{
    /// Answers when the database does.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The connections that there are at this moment.
    fn connections(&self) -> Connections;

    /// Stores a client that an operator adds.
    async fn register_client(&self, change: &Change, client: &Client) -> Result<(), StoreError>;

    /// The client of that identifier.
    async fn find_client(
        &self,
        tenant: &TenantSlug,
        id: &ClientId,
    ) -> Result<Option<Client>, StoreError>;

    /// Stores a client that registers itself. Where the limit is reached, the oldest of those that
    /// nobody ever used makes room; false when there is none.
    async fn admit_client(
        &self,
        change: &Change,
        registration: &Registration,
    ) -> Result<bool, StoreError>;

    /// The client that registered itself under that identifier and holds that registration access
    /// token (RFC 7592 §3).
    async fn find_own_registration(
        &self,
        tenant: &TenantSlug,
        id: &ClientId,
        token: &Digest,
    ) -> Result<Option<Client>, StoreError>;

    /// Replaces what a client may change about itself: everything but its scopes and its age;
    /// false when there is none.
    async fn replace_client(&self, change: &Change, client: &Client) -> Result<bool, StoreError>;

    /// Removes a client, forgets what was agreed to about it and revokes its grants; false when
    /// there is none.
    async fn remove_client(&self, change: &Change, id: &ClientId) -> Result<bool, StoreError>;

    /// All clients, oldest first.
    async fn list_clients(&self, tenant: &TenantSlug) -> Result<Vec<Client>, StoreError>;

    /// Removes the clients of all tenants that registered themselves by then and that nobody ever
    /// gave a grant.
    async fn remove_unused_clients(
        &self,
        registered_before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Remembers what a person agreed to, in place of what they agreed to before with that client.
    async fn remember_consent(&self, change: &Change, consent: &Consent) -> Result<(), StoreError>;

    /// What a person last agreed to with that client.
    async fn find_consent(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StoreError>;

    /// The grants of a person that clients picked up and can still use, newest first.
    async fn list_grants(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<LiveGrant>, StoreError>;

    /// Revokes all grants that a person gave a client and forgets what they agreed to; false when
    /// there was nothing of either.
    async fn withdraw_consent(
        &self,
        change: &Change,
        user: &UserId,
        client: &ClientId,
    ) -> Result<bool, StoreError>;

    /// Keeps a copy of a document of the Web in place of an older one.
    async fn keep_remote_document(
        &self,
        tenant: &TenantSlug,
        document: &RemoteDocument,
    ) -> Result<(), StoreError>;

    /// The copy of the document at `url`.
    async fn find_remote_document(
        &self,
        tenant: &TenantSlug,
        url: &str,
    ) -> Result<Option<RemoteDocument>, StoreError>;

    /// Spends an identifier that counts once; false when it was spent before.
    async fn spend(&self, tenant: &TenantSlug, identifier: &SingleUse) -> Result<bool, StoreError>;

    /// Stores a new account; [`StoreError::Conflict`] when the user name is taken.
    async fn add_user(&self, change: &Change, user: &User) -> Result<(), StoreError>;

    /// The account of that user name.
    async fn find_user_by_name(
        &self,
        tenant: &TenantSlug,
        username: &str,
    ) -> Result<Option<User>, StoreError>;

    /// The account of that identifier.
    async fn find_user(&self, tenant: &TenantSlug, id: &UserId)
    -> Result<Option<User>, StoreError>;

    /// All accounts, by user name.
    async fn list_users(&self, tenant: &TenantSlug) -> Result<Vec<User>, StoreError>;

    /// Disables an account, or enables it again; false when there is none.
    async fn set_user_disabled(
        &self,
        change: &Change,
        username: &str,
        disabled: bool,
    ) -> Result<bool, StoreError>;

    /// Removes an account with its login sessions and grants; false when there is none.
    async fn remove_user(&self, change: &Change, username: &str) -> Result<bool, StoreError>;

    /// Stores a login session.
    async fn start_login_session(
        &self,
        change: &Change,
        session: &LoginSession,
    ) -> Result<(), StoreError>;

    /// The login session of that cookie, unless it has ended by `now`.
    async fn find_login_session(
        &self,
        tenant: &TenantSlug,
        cookie: &Digest,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError>;

    /// Ends a login session.
    async fn end_login_session(&self, change: &Change, cookie: &Digest) -> Result<(), StoreError>;

    /// Stores an authorization request that a client pushed.
    async fn push_request(
        &self,
        tenant: &TenantSlug,
        request: &PushedRequest,
    ) -> Result<(), StoreError>;

    /// The pushed request of that digest, unless it has ended by `now`.
    async fn find_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError>;

    /// Gives whoever begins with a pushed request until `until` to answer it. That happens once:
    /// to begin again gives no more time.
    async fn begin_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError>;

    /// Removes a pushed request that is answered; false when it has ended by `now`, or another
    /// answer came first.
    async fn end_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Stores a code together with the grant that it will begin; the person was `asked`, or had
    /// agreed to this before.
    async fn issue_code(
        &self,
        change: &Change,
        code: &AuthorizationCode,
        asked: bool,
    ) -> Result<(), StoreError>;

    /// The code of that digest, redeemed or not, with whoever gave it.
    async fn find_code(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
    ) -> Result<Option<(AuthorizationCode, User)>, StoreError>;

    /// Redeems a code once and begins its refresh family with `refresh`. A second redemption
    /// revokes the grant with everything that came of it (OAuth 2.1 §4.1.3).
    async fn redeem_code(
        &self,
        change: &Change,
        digest: &Digest,
        refresh: Option<&RefreshToken>,
    ) -> Result<CodeRedemption, StoreError>;

    /// The refresh token of that digest with its grant and whoever gave it, live or not.
    async fn find_refresh_token(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
    ) -> Result<Option<(RefreshToken, Grant, User)>, StoreError>;

    /// Rotates a refresh token once. Within the grace period after that, the same rotation is
    /// answered again; later, the grant is revoked (RFC 9700 §4.14.2).
    async fn rotate_refresh_token(
        &self,
        change: &Change,
        rotation: &Rotation,
    ) -> Result<RotationOutcome, StoreError>;

    /// The refresh token of that digest with its grant, if it could be exchanged at `now`.
    async fn find_live_refresh_token(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<(RefreshToken, Grant)>, StoreError>;

    /// The grant of that identifier, revoked or not.
    async fn find_grant(
        &self,
        tenant: &TenantSlug,
        id: &GrantId,
    ) -> Result<Option<Grant>, StoreError>;

    /// Revokes a grant with its refresh tokens; false when there is none or it was revoked before.
    async fn revoke_grant(&self, change: &Change, grant: &GrantId) -> Result<bool, StoreError>;

    /// The tenant's signing keys, newest first; `candidate` becomes the first one where there is
    /// none. Of several replicas that start at once, one candidate wins for all of them.
    async fn ensure_signing_key(
        &self,
        change: &Change,
        candidate: &SealedSigningKey,
    ) -> Result<Vec<SealedSigningKey>, StoreError>;

    /// Adds `candidate` as the newest key if `newest` still is it. Of several replicas that rotate
    /// at once, one adds its key; false for the others.
    async fn rotate_signing_key(
        &self,
        change: &Change,
        newest: &str,
        candidate: &SealedSigningKey,
    ) -> Result<bool, StoreError>;

    /// The tenant's signing keys, newest first.
    async fn list_signing_keys(
        &self,
        tenant: &TenantSlug,
    ) -> Result<Vec<SealedSigningKey>, StoreError>;

    /// What was revoked at `since` or later by the database's clock, at all tenants: grants, people
    /// who were disabled or removed, clients that were removed.
    async fn list_revocations(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError>;

    /// Removes what ended before `now`: login sessions, pushed requests, codes (a day later, as a
    /// replay is recognised until then), refresh tokens, grants that have neither left, spent
    /// identifiers, old copies of documents, revocations and signing keys whose last token has ended;
    /// and what replicas have used of limits that are whole again.
    async fn remove_expired(&self, now: Timestamp) -> Result<u64, StoreError>;
}

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What was to be added is there already.
    #[error("it exists already")]
    Conflict,
    /// The database can't be reached, or can't answer in time: worth another try later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database answered with an error, or holds a row that makes no sense.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
