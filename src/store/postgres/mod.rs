//! The store in Postgres: any number of replicas.

mod administration;
mod audit;
mod clients;
mod codes;
mod consents;
mod expiry;
mod federation;
mod grants;
mod linked_accounts;
mod login_sessions;
mod notes;
mod open;
mod operators;
mod policy;
mod pool;
mod provisioned_groups;
mod provisioned_users;
mod pushed_requests;
mod rates;
mod refresh_tokens;
mod registrations;
mod remote_documents;
mod revocations;
mod scim;
mod signing_keys;
mod spent_identifiers;
mod tasks;
mod tenants;
mod tools;
mod users;

use super::{
    CodeRedemption, Connections, LiveGrant, Registration, Rotation, RotationOutcome, Store,
    StoreError,
};
use crate::model::{
    AuthorizationCode, Change, Client, ClientId, Consent, Digest, Grant, GrantId, LoginSession,
    PushedRequest, RefreshToken, RemoteDocument, Revocation, SealedSigningKey, SingleUse,
    TenantSlug, Timestamp, User, UserId,
};
use async_trait::async_trait;

use pool::Pool;

pub(super) use open::migrate;

/// A Postgres database.
#[derive(Debug)]
pub(super) struct PostgresStore {
    pool: Pool,
}

#[async_trait]
impl Store for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1")
            .execute(&mut *self.pool.connection().await?)
            .await?;
        Ok(())
    }

    fn connections(&self) -> Connections {
        let pool = self.pool.shared();
        Connections::of(pool.size(), pool.num_idle())
    }

    async fn register_client(&self, change: &Change, client: &Client) -> Result<(), StoreError> {
        clients::register(&self.pool, change, client).await
    }

    async fn find_client(
        &self,
        tenant: &TenantSlug,
        id: &ClientId,
    ) -> Result<Option<Client>, StoreError> {
        clients::find(&self.pool, tenant, id).await
    }

    async fn admit_client(
        &self,
        change: &Change,
        registration: &Registration,
    ) -> Result<bool, StoreError> {
        registrations::admit(&self.pool, change, registration).await
    }

    async fn find_own_registration(
        &self,
        tenant: &TenantSlug,
        id: &ClientId,
        token: &Digest,
    ) -> Result<Option<Client>, StoreError> {
        registrations::find(&self.pool, tenant, id, token).await
    }

    async fn replace_client(&self, change: &Change, client: &Client) -> Result<bool, StoreError> {
        clients::replace(&self.pool, change, client).await
    }

    async fn remove_client(&self, change: &Change, id: &ClientId) -> Result<bool, StoreError> {
        registrations::remove(&self.pool, change, id).await
    }

    async fn list_clients(&self, tenant: &TenantSlug) -> Result<Vec<Client>, StoreError> {
        clients::list(&self.pool, tenant).await
    }

    async fn remove_unused_clients(
        &self,
        registered_before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        registrations::remove_unused(&self.pool, registered_before, now).await
    }

    async fn remember_consent(&self, change: &Change, consent: &Consent) -> Result<(), StoreError> {
        consents::remember(&self.pool, change, consent).await
    }

    async fn find_consent(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        consents::find(&self.pool, tenant, user, client).await
    }

    async fn list_grants(
        &self,
        tenant: &TenantSlug,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<LiveGrant>, StoreError> {
        consents::list_grants(&self.pool, tenant, user, now).await
    }

    async fn withdraw_consent(
        &self,
        change: &Change,
        user: &UserId,
        client: &ClientId,
    ) -> Result<bool, StoreError> {
        consents::withdraw(&self.pool, change, user, client).await
    }

    async fn keep_remote_document(
        &self,
        tenant: &TenantSlug,
        document: &RemoteDocument,
    ) -> Result<(), StoreError> {
        remote_documents::keep(&self.pool, tenant, document).await
    }

    async fn find_remote_document(
        &self,
        tenant: &TenantSlug,
        url: &str,
    ) -> Result<Option<RemoteDocument>, StoreError> {
        remote_documents::find(&self.pool, tenant, url).await
    }

    async fn spend(&self, tenant: &TenantSlug, identifier: &SingleUse) -> Result<bool, StoreError> {
        spent_identifiers::spend(&self.pool, tenant, identifier).await
    }

    async fn add_user(&self, change: &Change, user: &User) -> Result<(), StoreError> {
        users::add(&self.pool, change, user).await
    }

    async fn find_user_by_name(
        &self,
        tenant: &TenantSlug,
        username: &str,
    ) -> Result<Option<User>, StoreError> {
        users::find_by_name(&self.pool, tenant, username).await
    }

    async fn find_user(
        &self,
        tenant: &TenantSlug,
        id: &UserId,
    ) -> Result<Option<User>, StoreError> {
        users::find(&self.pool, tenant, id).await
    }

    async fn list_users(&self, tenant: &TenantSlug) -> Result<Vec<User>, StoreError> {
        users::list(&self.pool, tenant).await
    }

    async fn set_user_disabled(
        &self,
        change: &Change,
        username: &str,
        disabled: bool,
    ) -> Result<bool, StoreError> {
        users::set_disabled(&self.pool, change, username, disabled).await
    }

    async fn remove_user(&self, change: &Change, username: &str) -> Result<bool, StoreError> {
        users::remove(&self.pool, change, username).await
    }

    async fn start_login_session(
        &self,
        change: &Change,
        session: &LoginSession,
    ) -> Result<(), StoreError> {
        login_sessions::start(&self.pool, change, session).await
    }

    async fn find_login_session(
        &self,
        tenant: &TenantSlug,
        cookie: &Digest,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError> {
        login_sessions::find(&self.pool, tenant, cookie, now).await
    }

    async fn end_login_session(&self, change: &Change, cookie: &Digest) -> Result<(), StoreError> {
        login_sessions::end(&self.pool, change, cookie).await
    }

    async fn push_request(
        &self,
        tenant: &TenantSlug,
        request: &PushedRequest,
    ) -> Result<(), StoreError> {
        pushed_requests::push(&self.pool, tenant, request).await
    }

    async fn find_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<PushedRequest>, StoreError> {
        pushed_requests::find(&self.pool, tenant, digest, now).await
    }

    async fn begin_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        pushed_requests::begin(&self.pool, tenant, digest, now, until).await
    }

    async fn end_pushed_request(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        pushed_requests::end(&self.pool, tenant, digest, now).await
    }

    async fn issue_code(
        &self,
        change: &Change,
        code: &AuthorizationCode,
        asked: bool,
    ) -> Result<(), StoreError> {
        codes::issue(&self.pool, change, code, asked).await
    }

    async fn find_code(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
    ) -> Result<Option<(AuthorizationCode, User)>, StoreError> {
        codes::find(&self.pool, tenant, digest).await
    }

    async fn redeem_code(
        &self,
        change: &Change,
        digest: &Digest,
        refresh: Option<&RefreshToken>,
    ) -> Result<CodeRedemption, StoreError> {
        codes::redeem(&self.pool, change, digest, refresh).await
    }

    async fn find_refresh_token(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
    ) -> Result<Option<(RefreshToken, Grant, User)>, StoreError> {
        refresh_tokens::find(&self.pool, tenant, digest).await
    }

    async fn rotate_refresh_token(
        &self,
        change: &Change,
        rotation: &Rotation,
    ) -> Result<RotationOutcome, StoreError> {
        refresh_tokens::rotate(&self.pool, change, rotation).await
    }

    async fn find_live_refresh_token(
        &self,
        tenant: &TenantSlug,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Option<(RefreshToken, Grant)>, StoreError> {
        refresh_tokens::find_live(&self.pool, tenant, digest, now).await
    }

    async fn find_grant(
        &self,
        tenant: &TenantSlug,
        id: &GrantId,
    ) -> Result<Option<Grant>, StoreError> {
        grants::find(&self.pool, tenant, id).await
    }

    async fn revoke_grant(&self, change: &Change, grant: &GrantId) -> Result<bool, StoreError> {
        grants::revoke(&self.pool, change, grant).await
    }

    async fn ensure_signing_key(
        &self,
        change: &Change,
        candidate: &SealedSigningKey,
    ) -> Result<Vec<SealedSigningKey>, StoreError> {
        signing_keys::ensure(&self.pool, change, candidate).await
    }

    async fn rotate_signing_key(
        &self,
        change: &Change,
        newest: &str,
        candidate: &SealedSigningKey,
    ) -> Result<bool, StoreError> {
        signing_keys::rotate(&self.pool, change, newest, candidate).await
    }

    async fn list_signing_keys(
        &self,
        tenant: &TenantSlug,
    ) -> Result<Vec<SealedSigningKey>, StoreError> {
        signing_keys::list(&self.pool, tenant).await
    }

    async fn list_revocations(&self, since: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        revocations::list(&self.pool, since).await
    }

    async fn remove_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        expiry::remove(&self.pool, now).await
    }
}
