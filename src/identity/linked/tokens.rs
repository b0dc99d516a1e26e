//! The tokens of linked accounts: used while they are good, renewed by one replica at a time.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::token_request::Refusal;
use super::{LinkError, LinkedAccounts, place};
use crate::jose::TextCipher;
use crate::model::{Linkable, Secret, TenantSlug, Timestamp, UpstreamAddress, UserId};
use crate::store::{ProviderLease, ProviderTokenOutcome};

/// What is kept of a linked account, sealed: all that its tokens are renewed with.
#[derive(Serialize, Deserialize)]
pub(super) struct Link {
    /// The server that the tokens are for; they go to no other address.
    pub(super) server_url: String,
    pub(super) issuer: String,
    pub(super) token_endpoint: Url,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revocation_endpoint: Option<Url>,
    pub(super) client: Client,
    pub(super) resource: String,
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
    /// When the access token ends, where its server says so; in seconds since the Unix epoch.
    pub(super) ends_at: Option<i64>,
}

/// A token for a mounted server.
#[derive(Debug)]
pub struct LinkedToken {
    /// The access token.
    pub access_token: Secret,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The person has not linked their account, or has to do so again.
    #[error("the account is not linked")]
    NotLinked,
    /// There may be one later.
    #[error("no token can be had now")]
    TryLater,
}

/// A token that ends within this is renewed before it is used.
const MARGIN: Duration = Duration::from_secs(30);

/// For how long one replica may renew: longer than any request to an authorization server lasts.
const LEASE: Duration = Duration::from_secs(15);

/// How often, and how many times, the others look whether it is done.
const TURN: Duration = Duration::from_millis(100);
const TURNS: u32 = 100;

impl Link {
    pub(super) fn seal(&self, cipher: &TextCipher, place: &str) -> Result<Vec<u8>, LinkError> {
        const FAILED: LinkError = LinkError::Unavailable("the account can't be sealed");
        let text = serde_json::to_vec(self).map_err(|_| FAILED)?;
        cipher.seal(place, &text).map_err(|_| FAILED)
    }

    pub(super) fn open(cipher: &TextCipher, place: &str, sealed: &[u8]) -> Option<Self> {
        let opened = cipher.open(place, sealed).ok()?;
        serde_json::from_str(opened.expose()).ok()
    }

    /// The token, where it is good for a while and the server has not refused it.
    fn usable(&self, now: Timestamp, refused: Option<&Secret>) -> Option<LinkedToken> {
        let soon = now.after(MARGIN).seconds();
        let access_token = Secret::new(self.access_token.clone());
        let is_refused = refused.is_some_and(|refused| refused.matches(&access_token));
        let is_over = self.ends_at.is_some_and(|end| end <= soon);
        (!is_over && !is_refused).then_some(LinkedToken { access_token })
    }
}

/// Whose account it is, and where.
#[derive(Clone, Debug)]
struct Account {
    tenant: TenantSlug,
    user: UserId,
    server: String,
    address: UpstreamAddress,
}

impl LinkedAccounts {
    /// The token of `user` for the server; `refused` is one that the server did not take.
    pub async fn token(
        self: &Arc<Self>,
        (tenant, user): (&TenantSlug, &UserId),
        at: Linkable<'_>,
        refused: Option<&Secret>,
    ) -> Result<LinkedToken, TokenError> {
        let place = place(tenant, user, at.server);
        let found = self
            .store
            .find_linked_account(tenant, user, at.server)
            .await;
        let ProviderLease::Leased(sealed) = found.map_err(|_| TokenError::TryLater)? else {
            return Err(TokenError::NotLinked);
        };
        let link = self
            .read(&place, at, &sealed)
            .ok_or(TokenError::NotLinked)?;
        if let Some(token) = link.usable(self.clock.now(), refused) {
            return Ok(token);
        }
        let account = Account {
            tenant: tenant.clone(),
            user: user.clone(),
            server: at.server.to_owned(),
            address: at.address.clone(),
        };
        for _ in 0..TURNS {
            let now = self.clock.now();
            let until = now.after(LEASE);
            let account = account.clone();
            let names = (&account.user, account.server.as_str());
            let lease = self
                .store
                .lease_linked_account(tenant, names, (now, until))
                .await;
            match lease.map_err(|_| TokenError::TryLater)? {
                ProviderLease::Leased(sealed) => {
                    let link = self
                        .read(&place, at, &sealed)
                        .ok_or(TokenError::NotLinked)?;
                    let renewal = (until, refused.cloned());
                    // Were it cut off with the client's connection, a new token could be lost.
                    let accounts = Arc::clone(self);
                    let renewing = accounts.renew_leased(account, link, renewal);
                    let renewed = tokio::spawn(renewing).await;
                    return renewed.map_err(|_| TokenError::TryLater)?;
                }
                ProviderLease::None | ProviderLease::Ended => return Err(TokenError::NotLinked),
                ProviderLease::Busy => tokio::time::sleep(TURN).await,
            }
        }
        Err(TokenError::TryLater)
    }

    async fn renew_leased(
        self: Arc<Self>,
        account: Account,
        link: Link,
        (until, refused): (Timestamp, Option<Secret>),
    ) -> Result<LinkedToken, TokenError> {
        // Whoever had it before may have renewed it.
        if let Some(token) = link.usable(self.clock.now(), refused.as_ref()) {
            self.give_back(&account, until, ProviderTokenOutcome::Kept)
                .await?;
            return Ok(token);
        }
        let (issuer, client) = (link.issuer.clone(), link.client.id.clone());
        let refusal = match self.renew(&account.address, link).await {
            Ok(link) => {
                let place = place(&account.tenant, &account.user, &account.server);
                let sealed = link.seal(&self.cipher, &place);
                let sealed = sealed.map_err(|_| TokenError::TryLater)?;
                let renewed = ProviderTokenOutcome::Renewed(&sealed);
                self.give_back(&account, until, renewed).await?;
                let access_token = Secret::new(link.access_token);
                return Ok(LinkedToken { access_token });
            }
            Err(refusal) => refusal,
        };
        tracing::warn!(
            tenant = %account.tenant, server = account.server, user.id = %account.user, ?refusal,
            "the token of a linked account can't be renewed"
        );
        if refusal == Refusal::Client {
            self.forget_client(&account.tenant, &issuer, &client).await;
        }
        let (outcome, error) = match refusal {
            Refusal::Passing => (ProviderTokenOutcome::Kept, TokenError::TryLater),
            Refusal::Grant | Refusal::Client => {
                (ProviderTokenOutcome::Refused, TokenError::NotLinked)
            }
        };
        self.give_back(&account, until, outcome).await?;
        Err(error)
    }

    async fn give_back(
        &self,
        account: &Account,
        until: Timestamp,
        outcome: ProviderTokenOutcome<'_>,
    ) -> Result<(), TokenError> {
        let names = (&account.user, account.server.as_str());
        let given = self
            .store
            .return_linked_account(&account.tenant, names, until, outcome);
        given.await.map_err(|_| TokenError::TryLater)
    }
}
