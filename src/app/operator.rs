//! What an operator does with a gateway by hand: keys, accounts, clients, tokens to try things out.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;

use super::Gateway;
use crate::audit;
use crate::authorization_server::KeyRotation;
use crate::identity;
use crate::jose::AccessTokenClaims;
use crate::model::{
    Actor, Change, Client, ClientId, Event, GrantType, RedirectUri, ScopeSet, Secret, Tenant,
    TenantSlug, TokenEndpointAuthMethod, User, UserId, new_identifier,
};
use crate::store::SignedOut;

/// A client as an operator describes it.
#[derive(Debug)]
pub struct NewClient {
    /// What people read on the consent page.
    pub name: String,
    /// Where its users may be sent back to.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub auth_method: TokenEndpointAuthMethod,
    /// Its secret, unless it is public.
    pub secret: Option<Secret>,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// The scopes it is limited to.
    pub scopes: Option<ScopeSet>,
}

/// What the audit log calls whoever uses the command line.
const COMMAND_LINE: &str = "command line";

impl Gateway {
    /// A change that an operator makes by hand.
    #[must_use]
    pub fn change(&self, tenant: &TenantSlug) -> Change {
        let operator = Actor::Operator(COMMAND_LINE.to_owned());
        audit::change(tenant, operator, &*self.clock)
    }

    /// Gives the tenant's signing key its successor.
    pub async fn rotate_keys(&self, tenant: &TenantSlug) -> anyhow::Result<KeyRotation> {
        self.signing_keys.load(tenant).await?;
        let change = self.change(tenant);
        Ok(self.signing_keys.rotate(&change).await?)
    }

    /// Adds a local account to the tenant.
    pub async fn add_user(
        &self,
        tenant: &TenantSlug,
        username: &str,
        roles: BTreeSet<String>,
        password: &Secret,
    ) -> anyhow::Result<()> {
        let id = UserId::new(new_identifier(&*self.random));
        let hash = identity::hash_password(password, &*self.random)?;
        let user = User::local(id, username, roles, hash, self.clock.now());
        self.store.add_user(&self.change(tenant), &user).await?;
        Ok(())
    }

    /// Ends all login sessions of a person and everything that they allowed clients; nothing when
    /// there is no such account.
    pub async fn sign_out_everywhere(
        &self,
        tenant: &TenantSlug,
        username: &str,
    ) -> anyhow::Result<Option<SignedOut>> {
        let Some(user) = self.store.find_user_by_name(tenant, username).await? else {
            return Ok(None);
        };
        let change = self.change(tenant);
        let ended = self.store.sign_out_everywhere(&change, &user.id);
        Ok(Some(ended.await?))
    }

    /// Adds a client that acts for itself or for people, as the operator says; returns its
    /// identifier.
    pub async fn add_client(
        &self,
        tenant: &TenantSlug,
        client: NewClient,
    ) -> anyhow::Result<ClientId> {
        let client = Client {
            id: ClientId::new(new_identifier(&*self.random)),
            name: Some(client.name),
            uri: None,
            redirect_uris: client.redirect_uris,
            auth_method: client.auth_method,
            secret: client.secret.as_ref().map(Secret::digest),
            keys: None,
            grant_types: client.grant_types,
            scopes: client.scopes,
            refusals: None,
            created_at: self.clock.now(),
        };
        let change = self.change(tenant);
        self.store.register_client(&change, &client).await?;
        Ok(client.id)
    }

    /// Removes a client with everything that it was given; false when there is none.
    pub async fn remove_client(&self, tenant: &TenantSlug, id: &ClientId) -> anyhow::Result<bool> {
        let change = self.change(tenant);
        Ok(self.store.remove_client(&change, id).await?)
    }

    /// A new secret.
    #[must_use]
    pub fn generate_secret(&self) -> Secret {
        Secret::generate(&*self.random)
    }

    /// An access token for trying things out, signed for `user` without a grant.
    pub async fn issue_token(
        &self,
        tenant: &Tenant,
        user: &User,
        scopes: ScopeSet,
        ttl: Duration,
    ) -> anyhow::Result<Secret> {
        let now = self.clock.now();
        self.signing_keys.load(&tenant.slug).await?;
        let ring = self
            .key_rings
            .get(&tenant.slug)
            .context("there is no signing key")?;
        let mut change = self.change(&tenant.slug);
        change.user = Some(user.id.clone());
        let event = Event::TokenIssued("by_hand").entry(&change);
        self.store.chain_audit(&tenant.slug, &[event]).await?;
        let claims = AccessTokenClaims {
            iss: tenant.issuer().to_owned(),
            sub: user.id.clone(),
            aud: tenant.resource.as_str().to_owned(),
            exp: now.after(ttl),
            iat: now,
            nbf: None,
            jti: new_identifier(&*self.random),
            client_id: ClientId::new("gatehouse-cli"),
            scope: scopes,
            grant_id: None,
            key: None,
            refusals: None,
        };
        Ok(ring.sign(&claims)?)
    }
}
