//! Validation of access tokens (RFC 9068 §4), ours and those of an external authorization server,
//! remembered for a short while.

use std::sync::Arc;
use std::time::Duration;

use super::external_token::{self, Circumstances};
use super::revocations::Revocations;
use crate::jose::{AccessTokenClaims, IssuerKeys, KeyRings};
use crate::model::{
    Authorization, Clock, Digest, ExternalAuthorization, Principal, ScopeCatalogue, Tenant,
    Timestamp,
};

/// Turns access tokens into principals.
#[derive(Debug)]
pub struct AccessTokens {
    key_rings: Arc<KeyRings>,
    issuer_keys: Arc<IssuerKeys>,
    catalogue: ScopeCatalogue,
    clock: Arc<dyn Clock>,
    revocations: Arc<Revocations>,
    verified: moka::sync::Cache<Digest, Verified>,
}

/// A token that was verified.
#[derive(Clone, Debug)]
struct Verified {
    principal: Arc<Principal>,
    /// What the tenant said of the server that issued it.
    external: Option<Arc<ExternalAuthorization>>,
}

/// Why a token is refused; the log says it, the wire says `invalid_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessToken {
    /// The keys of the tenant's issuer are not to be had.
    #[error("there are no keys to verify with")]
    NoKeys,
    /// The issuer has no such key.
    #[error("the token names a key that its issuer does not have")]
    UnknownKey,
    /// It is a token for another purpose.
    #[error("the token is none for access")]
    Type,
    /// It was issued to a client that the tenant does not know.
    #[error("the token was issued to another client")]
    Client,
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
        (key_rings, issuer_keys): (Arc<KeyRings>, Arc<IssuerKeys>),
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
            issuer_keys,
            catalogue,
            clock,
            revocations,
            verified,
        }
    }

    /// The principal that `token` speaks for at `tenant`. Only for a key that nobody here has seen
    /// is anybody asked, and that rarely.
    pub async fn authenticate(
        &self,
        tenant: &Tenant,
        token: &str,
    ) -> Result<Arc<Principal>, InvalidAccessToken> {
        let outcome = self.verify(tenant, token);
        let Authorization::External(external) = &tenant.authorization else {
            return outcome;
        };
        match outcome {
            Err(InvalidAccessToken::UnknownKey | InvalidAccessToken::NoKeys) => {
                self.issuer_keys.look(&external.keys).await;
                self.verify(tenant, token)
            }
            outcome => {
                self.issuer_keys.look_beside(&external.keys);
                outcome
            }
        }
    }

    /// The same with what is known.
    pub fn verify(
        &self,
        tenant: &Tenant,
        token: &str,
    ) -> Result<Arc<Principal>, InvalidAccessToken> {
        let now = self.clock.now();
        let digest = Digest::of(token.as_bytes());
        if let Some(verified) = self.verified.get(&digest) {
            // The same bytes presented to another tenant, or after a change of who issues its
            // tokens, take the long way.
            if verified.holds_at(tenant) {
                let principal = verified.principal;
                not_expired(principal.expires_at, now)?;
                self.not_revoked(tenant, &principal)?;
                return Ok(principal);
            }
        }
        let (principal, external) = match &tenant.authorization {
            Authorization::BuiltIn => (self.verify_ours(tenant, token, now)?, None),
            Authorization::External(external) => {
                let principal = self.verify_external(tenant, external, token)?;
                (principal, Some(Arc::clone(external)))
            }
        };
        let principal = Arc::new(principal);
        self.not_revoked(tenant, &principal)?;
        let verified = Verified {
            principal: Arc::clone(&principal),
            external,
        };
        self.verified.insert(digest, verified);
        Ok(principal)
    }

    fn verify_ours(
        &self,
        tenant: &Tenant,
        token: &str,
        now: Timestamp,
    ) -> Result<Principal, InvalidAccessToken> {
        let ring = self
            .key_rings
            .get(&tenant.slug)
            .ok_or(InvalidAccessToken::NoKeys)?;
        let claims = ring
            .verify(token)
            .map_err(|_| InvalidAccessToken::Signature)?;
        self.principal(tenant, claims, now)
    }

    fn verify_external(
        &self,
        tenant: &Tenant,
        external: &ExternalAuthorization,
        token: &str,
    ) -> Result<Principal, InvalidAccessToken> {
        let keys = self.issuer_keys.held(&external.keys);
        let circumstances = Circumstances {
            tenant,
            catalogue: &self.catalogue,
            keys: keys.as_deref(),
            now: self.clock.now(),
            leeway: LEEWAY,
        };
        external_token::verify(external, &circumstances, token)
    }

    /// True as long as the token of `principal` would still be taken: what goes on for long asks
    /// again and again.
    #[must_use]
    pub fn still_speaks_for(&self, principal: &Principal) -> bool {
        not_expired(principal.expires_at, self.clock.now()).is_ok()
            && !self.revocations.end(&principal.tenant, principal)
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

impl Verified {
    fn holds_at(&self, tenant: &Tenant) -> bool {
        let same = match (&self.external, &tenant.authorization) {
            (None, Authorization::BuiltIn) => true,
            (Some(then), Authorization::External(now)) => Arc::ptr_eq(then, now),
            (Some(_), Authorization::BuiltIn) | (None, Authorization::External(_)) => false,
        };
        same && self.principal.tenant == tenant.slug
    }
}

fn not_expired(expires_at: Timestamp, now: Timestamp) -> Result<(), InvalidAccessToken> {
    if expires_at.after(LEEWAY) > now {
        Ok(())
    } else {
        Err(InvalidAccessToken::Expired)
    }
}
