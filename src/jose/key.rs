//! ES256 keys: how they are made, read and published (RFC 7517, RFC 7518 §6.2, RFC 7638).

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::JoseError;
use crate::model::{Digest, Secret, SigningAlgorithm, SigningKey, Timestamp};

/// One key of a ring, ready for use.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    point: Point,
}

/// The coordinates of a P-256 public key, base64url.
#[derive(Debug)]
struct Point {
    x: String,
    y: String,
}

/// A new key. The backend draws it from its own generator, so there is no
/// [`Random`](crate::model::Random) to pass.
pub fn generate_signing_key(now: Timestamp) -> Result<SigningKey, JoseError> {
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| JoseError::Key)?;
    let document = pair.to_pkcs8v1().map_err(|_| JoseError::Key)?;
    Ok(SigningKey {
        id: Point::of(&pair)?.thumbprint(),
        algorithm: SigningAlgorithm::Es256,
        private_key: Secret::new(STANDARD.encode(document.as_ref())),
        created_at: now,
    })
}

impl Key {
    pub(super) fn read(key: &SigningKey) -> Result<Self, JoseError> {
        let document = STANDARD
            .decode(key.private_key.expose())
            .map(Zeroizing::new)
            .map_err(|_| JoseError::Key)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document)
            .map_err(|_| JoseError::Key)?;
        Ok(Self {
            id: key.id.clone(),
            algorithm: key.algorithm,
            signing: EncodingKey::from_ec_der(&document),
            verifying: DecodingKey::from_ec_der(pair.public_key().as_ref()),
            point: Point::of(&pair)?,
        })
    }

    /// The public half as a JWK (RFC 7517 §4).
    pub(super) fn jwk(&self) -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": self.point.x,
            "y": self.point.y,
            "use": "sig",
            "alg": self.algorithm.as_str(),
            "kid": self.id,
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
        }
    }
}

impl Point {
    fn of(pair: &EcdsaKeyPair) -> Result<Self, JoseError> {
        // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
        match pair.public_key().as_ref().split_first() {
            Some((4, coordinates)) if coordinates.len() == 64 => {
                let (x, y) = coordinates.split_at(32);
                Ok(Self {
                    x: URL_SAFE_NO_PAD.encode(x),
                    y: URL_SAFE_NO_PAD.encode(y),
                })
            }
            _ => Err(JoseError::Key),
        }
    }

    fn thumbprint(&self) -> String {
        // RFC 7638 §3.2: the required members in lexicographic order, without white space.
        let Self { x, y } = self;
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Digest::of(members.as_bytes()).as_bytes())
    }
}
