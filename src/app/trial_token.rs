//! Access tokens to try things out with, without a grant.

use std::time::Duration;

use anyhow::Context as _;

use super::Gateway;
use crate::jose::AccessTokenClaims;
use crate::model::{ClientId, Event, ScopeSet, Secret, Tenant, User, new_identifier};
use crate::operations::By;

impl Gateway {
    /// An access token for trying things out, signed for `user` without a grant.
    pub async fn issue_token(
        &self,
        tenant: &Tenant,
        user: &User,
        scopes: ScopeSet,
        ttl: Duration,
    ) -> anyhow::Result<Secret> {
        let now = self.ground.clock.now();
        self.ground.signing_keys.load(&tenant.slug).await?;
        let ring = self
            .ground
            .key_rings
            .get(&tenant.slug)
            .context("there is no signing key")?;
        let mut change = self.operations.change(&By::CommandLine, &tenant.slug);
        change.user = Some(user.id.clone());
        let event = Event::TokenIssued("by_hand").entry(&change);
        self.ground
            .store
            .chain_audit(&tenant.slug, &[event])
            .await?;
        let claims = AccessTokenClaims {
            iss: tenant.issuer().to_owned(),
            sub: user.id.clone(),
            aud: tenant.resource.as_str().to_owned(),
            exp: now.after(ttl),
            iat: now,
            nbf: None,
            jti: new_identifier(&*self.ground.random),
            client_id: ClientId::new("gatehouse-cli"),
            scope: scopes,
            grant_id: None,
            key: None,
            refusals: None,
        };
        Ok(ring.sign(&claims)?)
    }
}
