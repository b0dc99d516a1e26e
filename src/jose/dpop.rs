//! DPoP proofs (RFC 9449 §4): who signed a request, and which one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use url::Url;

use super::claims::{NumericDate, present};
use super::jwk::{Jwk, client_algorithm};
use super::token::{is_present, read};
use crate::model::{Digest, KeyThumbprint, Timestamp};

/// A proof whose form and signature are good. What it is for is not judged yet.
#[derive(Debug)]
pub struct DpopProof {
    /// The key that signed it.
    pub key: KeyThumbprint,
    claims: Claims,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct ProvenRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its public address.
    pub address: &'a str,
    /// The access token that comes with it, if one does.
    pub access_token: Option<&'a str>,
    /// The present.
    pub now: Timestamp,
}

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// Longer than any proof, or not three parts.
    #[error("not a compact JWS")]
    Malformed,
    /// The header lacks a member, has one twice, or is not that of a proof.
    #[error("not the header of a DPoP proof")]
    Header,
    /// Not an algorithm that is offered, or not one for the key.
    #[error("not an algorithm for this key")]
    Algorithm,
    /// Not a public key of a kind that is offered.
    #[error("not a public key")]
    Key,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    Signature,
    /// A claim is missing, there twice, or of the wrong type.
    #[error("not the claims of a DPoP proof")]
    Claims,
    /// `htm` or `htu` are of another request.
    #[error("the proof is for another request")]
    OtherRequest,
    /// `ath` is missing, or of another token.
    #[error("the proof is for another access token")]
    OtherToken,
    /// `iat` is too far from the present.
    #[error("the proof is too old, or from the future")]
    Time,
}

/// RFC 9449 §4.2. The derived reader refuses a member that is there twice.
#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    #[serde(default, deserialize_with = "is_present")]
    crit: bool,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: NumericDate,
    #[serde(default, deserialize_with = "present")]
    ath: Option<String>,
    #[serde(default, deserialize_with = "present")]
    nonce: Option<String>,
}

/// How far the client's clock may be from ours, in seconds. A proof is young because of its nonce,
/// so that clocks need not agree well.
const CLOCK_DIFFERENCE: i64 = 5 * 60;
const MAX_PROOF: usize = 8 * 1024;
const MAX_JTI: usize = 256;

impl DpopProof {
    /// Checks the form and the signature of a proof (RFC 9449 §4.3, 2 to 7).
    pub fn read(text: &str) -> Result<Self, InvalidProof> {
        if text.len() > MAX_PROOF {
            return Err(InvalidProof::Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(InvalidProof::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(InvalidProof::Malformed)?;
        if payload.contains('.') {
            return Err(InvalidProof::Malformed);
        }
        let header: Header = read(header).ok_or(InvalidProof::Header)?;
        // RFC 7515 §4.1.11: we understand no extension, so none may be critical.
        if header.typ != "dpop+jwt" || header.crit {
            return Err(InvalidProof::Header);
        }
        let key = check_signature(&header, message, signature)?;
        let claims: Claims = read(payload).ok_or(InvalidProof::Claims)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
            return Err(InvalidProof::Claims);
        }
        Ok(Self { key, claims })
    }

    /// Judges whether the proof is for `request` (RFC 9449 §4.3, 8 to 12).
    pub fn check(&self, request: ProvenRequest<'_>) -> Result<(), InvalidProof> {
        let claims = &self.claims;
        if claims.htm != request.method || !is_same_address(&claims.htu, request.address) {
            return Err(InvalidProof::OtherRequest);
        }
        let distance = claims.iat.0.seconds().saturating_sub(request.now.seconds());
        if distance.saturating_abs() > CLOCK_DIFFERENCE {
            return Err(InvalidProof::Time);
        }
        // RFC 9449 §4.2: `ath` binds the proof to the token that comes with it.
        let bound = |token: &str| claims.ath.as_deref() == Some(digest_text(token).as_str());
        if request.access_token.is_none_or(bound) {
            Ok(())
        } else {
            Err(InvalidProof::OtherToken)
        }
    }

    /// The nonce that the client put in.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.claims.nonce.as_deref()
    }

    /// What tells this proof from the others of its key (RFC 9449 §11.1).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.claims.jti
    }
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims(…)")
    }
}

fn check_signature(
    header: &Header,
    message: &str,
    signature: &str,
) -> Result<KeyThumbprint, InvalidProof> {
    // RFC 9449 §4.3, 7: no private key.
    if header.jwk.is_private() {
        return Err(InvalidProof::Key);
    }
    let (key, able) = header.jwk.verifier().ok_or(InvalidProof::Key)?;
    // RFC 8725 §3.1: the kind of the key decides, the header has to agree.
    let algorithm = client_algorithm(&header.alg)
        .filter(|algorithm| able.contains(algorithm))
        .ok_or(InvalidProof::Algorithm)?;
    let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm);
    if !verified.unwrap_or(false) {
        return Err(InvalidProof::Signature);
    }
    header.jwk.thumbprint().ok_or(InvalidProof::Key)
}

/// RFC 9449 §4.3, 9: compared after normalisation, without query and fragment.
fn is_same_address(claimed: &str, address: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(claimed).is_some_and(|url| Some(url) == normal(address))
}

fn digest_text(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes())
}
