//! Tells an authorization server that the tokens of an account are not needed any more (RFC 7009).

use super::token_request::form_of;
use super::tokens::Link;
use super::{LinkedAccounts, place};
use crate::model::{Tenant, UpstreamAddress, UserId};
use crate::store::ProviderLease;

impl LinkedAccounts {
    /// The account that a person is about to give up, and the server that it is at, as far as they are known.
    pub(super) async fn given_up(
        &self,
        tenant: &Tenant,
        user: &UserId,
        server: &str,
    ) -> Option<(UpstreamAddress, Link)> {
        let mut described = tenant.servers.linkable();
        let at = described.find(|at| at.server == server)?;
        let found = self.store.find_linked_account(&tenant.slug, user, server);
        let Ok(ProviderLease::Leased(sealed)) = found.await else {
            return None;
        };
        let link = self.read(&place(&tenant.slug, user, server), at, &sealed)?;
        Some((at.address.clone(), link))
    }

    /// Asks for the end of the account's tokens. Here they are forgotten, whatever comes of it.
    pub(super) async fn revoke(&self, address: &UpstreamAddress, link: &Link) {
        let Some(endpoint) = &link.revocation_endpoint else {
            return;
        };
        // RFC 7009 §2.1: with a refresh token, what came of it ends as well.
        let (token, hint) = match &link.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&link.access_token, "access_token"),
        };
        let fields = vec![("token", token.as_str()), ("token_type_hint", hint)];
        let sent = form_of(&link.client, fields);
        let issuer = &link.issuer;
        match self.send(address, endpoint, sent).await {
            Ok(received) if received.status.is_success() => {
                tracing::info!(issuer, "the tokens of a linked account are revoked");
            }
            Ok(received) => tracing::warn!(
                issuer,
                status = received.status.as_u16(),
                "the tokens of a linked account could not be revoked"
            ),
            Err(error) => tracing::warn!(
                issuer,
                %error,
                "the tokens of a linked account could not be revoked"
            ),
        }
    }
}
