//! Accounts at mounted servers that people link: the gateway is a client of the server's
//! authorization server, and keeps the tokens of each person (MCP basic/authorization).

mod attempt;
mod client;
mod discovery;
mod fetch;
mod metadata;
mod revocation;
mod token_request;
mod tokens;

use std::sync::Arc;

use url::Url;

use crate::egress::Lookup;
use crate::jose::TextCipher;
use crate::model::{
    Change, Clock, Linkable, Random, Secret, SingleUse, Tenant, TenantSlug, UserId, new_identifier,
};
use crate::store::{Store, StoreError};
use attempt::Attempt;
use tokens::Link;

pub use attempt::LIFETIME;
pub use tokens::{LinkedToken, TokenError};

/// The accounts that people have linked.
#[derive(Debug)]
pub struct LinkedAccounts {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// What seals them there, and what goes through browsers.
    pub cipher: TextCipher,
    /// Where names are looked up.
    pub lookup: Arc<dyn Lookup>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Entropy for identifiers.
    pub random: Arc<dyn Random>,
}

/// Why an account is not linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// What was asked does not answer, or not as it should.
    #[error("{0}")]
    Unavailable(&'static str),
    /// What it says can't be believed.
    #[error("{0}")]
    Untrusted(&'static str),
    /// The gateway is no client there, and can't become one.
    #[error("the authorization server registers no clients, and none is configured")]
    NoClient,
    /// The way back is unknown, expired or spent, or of another person or browser.
    #[error("the way back is unknown, expired, spent, or of somebody else")]
    UnknownState,
    /// The person, or the authorization server, said no.
    #[error("the authorization server gave no access")]
    Declined,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a browser brought back from an authorization server (RFC 6749 §4.1.2).
#[derive(Clone, Copy, Debug)]
pub struct Return<'a> {
    /// The state, sealed.
    pub state: &'a str,
    /// Who answered (RFC 9207).
    pub issuer: Option<&'a str>,
    /// The code.
    pub code: Option<&'a str>,
    /// The error.
    pub error: Option<&'a str>,
    /// The browser's cookie.
    pub browser: &'a Secret,
    /// Who is signed in there.
    pub user: &'a UserId,
}

impl LinkedAccounts {
    /// Begins to link an account of `user`: where their browser is to go.
    pub async fn begin(
        &self,
        tenant: &Tenant,
        user: &UserId,
        at: Linkable<'_>,
        browser: &Secret,
    ) -> Result<Url, LinkError> {
        let found = self.discover(at).await?;
        let client = self.client(tenant, at, &found.metadata).await?;
        let attempt = Attempt {
            id: new_identifier(&*self.random),
            server: at.server.to_owned(),
            server_url: at.address.url.to_string(),
            user: user.as_str().to_owned(),
            browser: attempt::digest_of(browser),
            begun_at: self.clock.now().seconds(),
            issuer: found.metadata.issuer.clone(),
            names_issuer: found.metadata.names_issuer,
            token_endpoint: found.metadata.token_endpoint.clone(),
            revocation_endpoint: found.metadata.revocation_endpoint.clone(),
            client_id: client.id.clone(),
            resource: found.resource,
        };
        let state = attempt.seal(&self.cipher, tenant)?;
        let mut url = found.metadata.authorization_endpoint;
        let redirect_uri = redirect_uri(tenant);
        let challenge = attempt.challenge(browser);
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &attempt.resource);
        if !found.scopes.is_empty() {
            query.append_pair("scope", &found.scopes.join(" "));
        }
        drop(query);
        Ok(url)
    }

    /// Finishes what was begun, in the same browser and for the same person; the server's name.
    pub async fn finish(
        &self,
        change: &Change,
        tenant: &Tenant,
        back: Return<'_>,
    ) -> Result<String, LinkError> {
        let attempt = Attempt::open(&self.cipher, tenant, back.state)?;
        let now = self.clock.now();
        if attempt.is_over(now) || !attempt.is_of(back.browser, back.user) {
            return Err(LinkError::UnknownState);
        }
        let mut servers = tenant.servers.linkable();
        let at = servers.find(|at| attempt.is_about(*at));
        let at = at.ok_or(LinkError::UnknownState)?;
        // RFC 9207 §2.4: an answer of another server is none, whether it has a code or not.
        let is_named = back.issuer == Some(attempt.issuer.as_str());
        if !is_named && (back.issuer.is_some() || attempt.names_issuer) {
            return Err(LinkError::Untrusted("the answer is of another issuer"));
        }
        let once = SingleUse::new("link", at.server, &attempt.id, attempt.ends_at());
        if !self.store.spend(&tenant.slug, &once).await? {
            return Err(LinkError::UnknownState);
        }
        let code = back.code.filter(|_| back.error.is_none());
        let code = code.ok_or(LinkError::Declined)?;
        let client = self.known_client(tenant, at, &attempt).await?;
        let link = self.redeem(at, tenant, (&attempt, client), (code, back.browser));
        let link = link.await?;
        let place = place(&tenant.slug, back.user, at.server);
        let sealed = link.seal(&self.cipher, &place)?;
        let account = (back.user, at.server);
        self.store.link_account(change, account, &sealed).await?;
        Ok(attempt.server)
    }

    /// Forgets what a person linked, and has its tokens ended where they are from; false when there
    /// was nothing. The person does not wait for somebody else's server.
    pub async fn unlink(
        self: &Arc<Self>,
        change: &Change,
        tenant: &Tenant,
        (user, server): (&UserId, &str),
    ) -> Result<bool, LinkError> {
        let given_up = self.given_up(tenant, user, server).await;
        let was_linked = self.store.unlink_account(change, user, server).await?;
        if let Some((address, link)) = given_up.filter(|_| was_linked) {
            let accounts = Arc::clone(self);
            tokio::spawn(async move { accounts.revoke(&address, &link).await });
        }
        Ok(was_linked)
    }

    /// The account as it is kept, where it is of the server as it is described now.
    fn read(&self, place: &str, at: Linkable<'_>, sealed: &[u8]) -> Option<Link> {
        let link = Link::open(&self.cipher, place, sealed);
        let link = link.filter(|link| link.server_url == at.address.url.as_str());
        if link.is_none() {
            tracing::warn!(
                server = at.server,
                "a linked account is of another address or was sealed with another key"
            );
        }
        link
    }
}

/// Where authorization servers send browsers back to.
fn redirect_uri(tenant: &Tenant) -> String {
    tenant.public_url.join("/account/callback")
}

/// Where a linked account opens: that of another tenant, person or server doesn't. Neither a slug
/// nor a server's name has a slash.
fn place(tenant: &TenantSlug, user: &UserId, server: &str) -> String {
    format!("linked/{tenant}/{server}/{user}")
}
