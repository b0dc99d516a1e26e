//! DPoP at the endpoints that clients call (RFC 9449 §5, §8, §10.1).

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Context;
use crate::jose::{DPOP_NONCE_END, DpopProof, InvalidProof, JoseError, KeyRing, ProvenRequest};
use crate::model::{KeyThumbprint, SingleUse, Tenant};
use crate::store::StoreError;
use crate::web::{DPOP, DPOP_NONCE};

/// Why a proof is refused. The text is the `error_description`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofError {
    #[error("there is more than one DPoP header")]
    Repeated,
    #[error("the DPoP proof is refused: {0}")]
    Invalid(#[from] InvalidProof),
    #[error("the DPoP proof was used before")]
    Replayed,
    #[error("the DPoP proof needs the nonce of the DPoP-Nonce header")]
    Nonce,
    #[error("the server can't answer right now")]
    Store(#[from] StoreError),
    #[error("the server can't answer right now")]
    Keys(#[from] JoseError),
}

/// The key whose holder sent this POST to `path`; none where no proof came.
pub(super) async fn prove(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<KeyThumbprint>, ProofError> {
    let mut values = headers.get_all(&DPOP).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    // RFC 9449 §4.3, 1
    if values.next().is_some() {
        return Err(ProofError::Repeated);
    }
    let text = value.to_str().map_err(|_| InvalidProof::Malformed)?;
    let proof = DpopProof::read(text)?;
    let now = context.clock.now();
    proof.check(ProvenRequest {
        method: "POST",
        address: &tenant.public_url.join(path),
        access_token: None,
        now,
    })?;
    let ring = context.key_rings.get(&tenant.slug);
    let ring = ring.ok_or(JoseError::NoKey)?;
    // RFC 9449 §8: what makes a proof young is our nonce, not the client's clock.
    if !proof
        .nonce()
        .is_some_and(|nonce| ring.knows_dpop_nonce(nonce, now))
    {
        return Err(ProofError::Nonce);
    }
    // RFC 9449 §11.1: used once. Spent last, so that a forgery spends nothing.
    let end = now.after(DPOP_NONCE_END);
    let id = SingleUse::new("dpop", &proof.key.to_string(), proof.id(), end);
    if !context.store.spend(&tenant.slug, &id).await? {
        return Err(ProofError::Replayed);
    }
    Ok(Some(proof.key))
}

/// Whoever proves gets the next nonce with every answer (RFC 9449 §8.2).
pub(super) fn with_nonce(
    context: &Context,
    tenant: &Tenant,
    headers: &HeaderMap,
    mut response: Response,
) -> Response {
    if headers.contains_key(&DPOP)
        && let Some(nonce) = nonce(context, tenant)
    {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

fn nonce(context: &Context, tenant: &Tenant) -> Option<HeaderValue> {
    let ring = context.key_rings.get(&tenant.slug)?;
    let nonce = KeyRing::dpop_nonce(&ring, context.clock.now()).ok()?;
    HeaderValue::try_from(nonce).ok()
}

impl ProofError {
    /// RFC 9449 §5 and §8.
    pub(super) const fn wire(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Repeated | Self::Invalid(_) | Self::Replayed => {
                (StatusCode::BAD_REQUEST, "invalid_dpop_proof")
            }
            Self::Nonce => (StatusCode::BAD_REQUEST, "use_dpop_nonce"),
            Self::Store(_) | Self::Keys(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
        }
    }
}
