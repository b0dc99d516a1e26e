//! Validation of access tokens (RFC 9068 §4), remembered for a short while.

use std::sync::Arc;
use std::time::Duration;

use super::revocations::Revocations;
use crate::jose::{AccessTokenClaims, KeyRings};
use crate::model::{Clock, Digest, Principal, ScopeCatalogue, Tenant, Timestamp};

/// Turns access tokens into principals.
#[derive(Debug)]
pub struct AccessTokens {
    key_rings: Arc<KeyRings>,
    catalogue: ScopeCatalogue,
    clock: Arc<dyn Clock>,
    revocations: Arc<Revocations>,
    verified: moka::sync::Cache<Digest, Arc<Principal>>,
}

/// Why a token is refused; the log says it, the wire says `invalid_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessToken {
    /// The tenant has no keys in this process.
    #[error("the tenant has no signing keys")]
    NoKeys,
    /// Form, header or signature is wrong.
    #[error("the token's form, header or signature is wrong")]
    Signature,
    /// `iss` is not the tenant's issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// `aud` is not the tenant's resource.
    #[error("the token is for another resource")]
    Audience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// What it came of has ended.
    #[error("its grant, person or client was revoked")]
    Revoked,
    /// A claim that names somebody is empty.
    #[error("the token names nobody")]
    Claims,
}

/// How far two replicas' clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(10);
/// For how long a verified token is remembered; its own end comes first.
const REMEMBERED: Duration = Duration::from_mins(1);
/// How many verified tokens are remembered.
const CAPACITY: u64 = 100_000;

impl AccessTokens {
    /// A validator with nothing remembered.
    #[must_use]
    pub fn new(
        key_rings: Arc<KeyRings>,
        catalogue: ScopeCatalogue,
        clock: Arc<dyn Clock>,
        revocations: Arc<Revocations>,
    ) -> Self {
        let verified = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(REMEMBERED)
            .build();
        Self {
            key_rings,
            catalogue,
            clock,
            revocations,
            verified,
        }
    }

    /// The principal that `token` speaks for at `tenant`.
    pub fn verify(
        &self,
        tenant: &Tenant,
        token: &str,
    ) -> Result<Arc<Principal>, InvalidAccessToken> {
        let now = self.clock.now();
        let digest = Digest::of(token.as_bytes());
        if let Some(principal) = self.verified.get(&digest) {
            // The same bytes presented to another tenant take the long way, and fail there.
            if principal.tenant == tenant.slug {
                not_expired(principal.expires_at, now)?;
                self.not_revoked(tenant, &principal)?;
                return Ok(principal);
            }
        }
        let ring = self
            .key_rings
            .get(&tenant.slug)
            .ok_or(InvalidAccessToken::NoKeys)?;
        let claims = ring
            .verify(token)
            .map_err(|_| InvalidAccessToken::Signature)?;
        let principal = Arc::new(self.principal(tenant, claims, now)?);
        self.not_revoked(tenant, &principal)?;
        self.verified.insert(digest, Arc::clone(&principal));
        Ok(principal)
    }

    fn not_revoked(
        &self,
        tenant: &Tenant,
        principal: &Principal,
    ) -> Result<(), InvalidAccessToken> {
        if self.revocations.end(&tenant.slug, principal) {
            Err(InvalidAccessToken::Revoked)
        } else {
            Ok(())
        }
    }

    fn principal(
        &self,
        tenant: &Tenant,
        claims: AccessTokenClaims,
        now: Timestamp,
    ) -> Result<Principal, InvalidAccessToken> {
        // RFC 9068 §4: iss, aud and exp, compared without any normalisation.
        if claims.iss != tenant.issuer() {
            return Err(InvalidAccessToken::Issuer);
        }
        if claims.aud != tenant.resource.as_str() {
            return Err(InvalidAccessToken::Audience);
        }
        not_expired(claims.exp, now)?;
        // RFC 7519 §4.1.5
        let latest = now.after(LEEWAY);
        if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(InvalidAccessToken::NotYetValid);
        }
        if claims.sub.as_str().is_empty() || claims.client_id.as_str().is_empty() {
            return Err(InvalidAccessToken::Claims);
        }
        Ok(Principal {
            tenant: tenant.slug.clone(),
            user: claims.sub,
            refusals: claims
                .refusals
                .unwrap_or_else(|| tenant.refusals.of(claims.client_id.as_str())),
            client: claims.client_id,
            grant: claims.grant_id,
            key: claims.key,
            scopes: self.catalogue.expand(&claims.scope),
            issued_at: claims.iat,
            expires_at: claims.exp,
        })
    }
}

fn not_expired(expires_at: Timestamp, now: Timestamp) -> Result<(), InvalidAccessToken> {
    if expires_at.after(LEEWAY) > now {
        Ok(())
    } else {
        Err(InvalidAccessToken::Expired)
    }
}
