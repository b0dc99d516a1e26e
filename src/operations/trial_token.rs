//! Access tokens to try things out with, without a grant.

use std::time::Duration;

use super::{By, OperationError, Operations};
use crate::authorization_server::SigningKeysError;
use crate::jose::{AccessTokenClaims, JoseError};
use crate::model::{ClientId, Event, ScopeSet, Secret, Tenant, User, new_identifier};

impl Operations {
    /// An access token for trying things out, signed for `user` without a grant.
    pub async fn issue_token(
        &self,
        by: &By,
        tenant: &Tenant,
        user: &User,
        scopes: ScopeSet,
        ttl: Duration,
    ) -> Result<Secret, OperationError> {
        let now = self.clock.now();
        self.signing_keys.load(&tenant.slug).await?;
        let ring = self.signing_keys.rings.get(&tenant.slug);
        let ring = ring.ok_or(SigningKeysError::Key(JoseError::NoKey))?;
        let mut change = self.change(by, &tenant.slug);
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
        Ok(ring.sign(&claims).map_err(SigningKeysError::Key)?)
    }
}
