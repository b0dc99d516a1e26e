//! Whether whoever presents a token holds its key (RFC 9449 §7.1).

use std::sync::Arc;

use http::{HeaderMap, Method};

use super::credential::{Credential, Scheme};
use crate::jose::{DPOP_NONCE_END, DpopProof, InvalidProof, KeyRings, ProvenRequest};
use crate::model::{Clock, Digest, Principal, SingleUse, Tenant};
use crate::web::DPOP;

/// Checks the proofs that come with tokens.
#[derive(Debug)]
pub struct Possession {
    key_rings: Arc<KeyRings>,
    clock: Arc<dyn Clock>,
    used: moka::sync::Cache<Digest, ()>,
}

/// Why a token is refused although it is good itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPossession {
    /// A token that is bound to a key came as a bearer token, or the other way round.
    #[error("the token is not one for this authentication scheme")]
    Scheme,
    /// There is no proof, or more than one.
    #[error("there is not exactly one DPoP header")]
    Count,
    /// The proof is not good, or for something else.
    #[error(transparent)]
    Invalid(#[from] InvalidProof),
    /// The proof is of another key.
    #[error("the proof is of another key than the token's")]
    OtherKey,
    /// The proof has no nonce of ours, or an old one.
    #[error("the proof has no nonce that is good now")]
    Nonce,
    /// The proof was used before.
    #[error("the proof was used before")]
    Replayed,
}

/// How many proofs are remembered. Beyond that the oldest are forgotten, some of which might still
/// be good.
const CAPACITY: u64 = 1_000_000;

impl Possession {
    /// A check that has seen no proof yet.
    #[must_use]
    pub fn new(key_rings: Arc<KeyRings>, clock: Arc<dyn Clock>) -> Self {
        let used = moka::sync::Cache::builder()
            .max_capacity(CAPACITY)
            // Any other policy might rather keep old proofs than take a new one in.
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .time_to_live(DPOP_NONCE_END)
            .build();
        Self {
            key_rings,
            clock,
            used,
        }
    }

    /// Checks that `credential`, whose token speaks for `principal`, was presented by the holder of
    /// its key, if it is bound to one.
    pub fn check(
        &self,
        tenant: &Tenant,
        principal: &Principal,
        credential: Credential<'_>,
        (method, headers): (&Method, &HeaderMap),
    ) -> Result<(), NoPossession> {
        let key = match (credential.scheme, principal.key) {
            (Scheme::Bearer, None) => return Ok(()),
            (Scheme::Dpop, Some(key)) => key,
            // RFC 9449 §7.2: a bound token is never taken as a bearer token.
            (Scheme::Bearer, Some(_)) | (Scheme::Dpop, None) => return Err(NoPossession::Scheme),
        };
        let proof = read_proof(headers)?;
        let now = self.clock.now();
        proof.check(ProvenRequest {
            method: method.as_str(),
            address: tenant.resource.as_str(),
            access_token: Some(credential.token),
            now,
        })?;
        if proof.key != key {
            return Err(NoPossession::OtherKey);
        }
        let ring = self.key_rings.get(&tenant.slug);
        let knows = |nonce| ring.is_some_and(|ring| ring.knows_dpop_nonce(nonce, now));
        if !proof.nonce().is_some_and(knows) {
            return Err(NoPossession::Nonce);
        }
        // RFC 9449 §11.1: used once; remembered last, so that a forgery takes no room.
        let end = now.after(DPOP_NONCE_END);
        let id = SingleUse::new(tenant.slug.as_str(), &key.to_string(), proof.id(), end);
        if self.used.entry(id.digest).or_insert(()).is_fresh() {
            Ok(())
        } else {
            Err(NoPossession::Replayed)
        }
    }

    /// The nonce for the next proof (RFC 9449 §9).
    #[must_use]
    pub fn nonce(&self, tenant: &Tenant) -> Option<String> {
        let ring = self.key_rings.get(&tenant.slug)?;
        ring.dpop_nonce(self.clock.now()).ok()
    }
}

impl NoPossession {
    /// The error code of RFC 9449 §7.1 and §9.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Scheme | Self::OtherKey => "invalid_token",
            Self::Count | Self::Invalid(_) | Self::Replayed => "invalid_dpop_proof",
            Self::Nonce => "use_dpop_nonce",
        }
    }
}

fn read_proof(headers: &HeaderMap) -> Result<DpopProof, NoPossession> {
    let mut values = headers.get_all(&DPOP).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(NoPossession::Count);
    };
    let text = value.to_str().map_err(|_| InvalidProof::Malformed)?;
    Ok(DpopProof::read(text)?)
}
