//! Signing keys: how they are made, read and published (RFC 7517, RFC 7518 §6, RFC 7638, RFC 8037).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{JoseError, rsa};
use crate::model::{Digest, Secret, SigningAlgorithm, SigningKey, Timestamp};

/// One key of a ring, ready for use.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) verifying: DecodingKey,
    pub(super) signs_from: Timestamp,
    /// What the nonces for DPoP are made of.
    pub(super) nonces: Secret,
    pair: Pair,
    public: PublicKey,
}

/// The private half, which holds the public one.
#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    EdDsa(Ed25519KeyPair),
}

/// The numbers of a public key, base64url.
#[derive(Debug)]
enum PublicKey {
    P256 { x: String, y: String },
    Rsa { n: String, e: String },
    Ed25519 { x: String },
}

/// A new key that signs from `now` on. The backend draws it from its own generator, so there is no
/// [`Random`](crate::model::Random) to pass.
pub fn generate_signing_key(
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<SigningKey, JoseError> {
    let (pair, document) = Pair::generate(algorithm)?;
    Ok(SigningKey {
        id: pair.public_key()?.thumbprint(),
        algorithm,
        private_key: Secret::new(STANDARD.encode(document.as_slice())),
        created_at: now,
        signs_from: now,
    })
}

impl Key {
    pub(super) fn read(key: &SigningKey) -> Result<Self, JoseError> {
        let document = STANDARD
            .decode(key.private_key.expose())
            .map(Zeroizing::new)
            .map_err(|_| JoseError::Key)?;
        let pair = Pair::read(key.algorithm, &document)?;
        Ok(Self {
            id: key.id.clone(),
            algorithm: key.algorithm,
            verifying: pair.verifying(),
            signs_from: key.signs_from,
            nonces: key.private_key.derive(b"dpop nonces"),
            public: pair.public_key()?,
            pair,
        })
    }

    /// The signature of `message`, as it stands in a JWS.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, JoseError> {
        self.pair
            .sign(message)
            .map(|signature| URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public half as a JWK (RFC 7517 §4).
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = match &self.public {
            PublicKey::P256 { x, y } => json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
            PublicKey::Rsa { n, e } => json!({ "kty": "RSA", "n": n, "e": e }),
            PublicKey::Ed25519 { x } => json!({ "kty": "OKP", "crv": "Ed25519", "x": x }),
        };
        let members = [
            ("use", "sig"),
            ("alg", self.algorithm.as_str()),
            ("kid", self.id.as_str()),
        ];
        if let Some(jwk) = jwk.as_object_mut() {
            jwk.extend(members.map(|(name, value)| (name.to_owned(), Value::from(value))));
        }
        jwk
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl Pair {
    /// A new pair, and its private key as PKCS #8.
    fn generate(algorithm: SigningAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), JoseError> {
        let (pair, document) = match algorithm {
            SigningAlgorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                let pair = pair.map_err(|_| JoseError::Key)?;
                let document = pair.to_pkcs8v1().map_err(|_| JoseError::Key)?;
                (Self::Es256(pair), document.as_ref().to_vec())
            }
            SigningAlgorithm::Rs256 => {
                // RFC 7518 §3.3: 2048 bits or more.
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| JoseError::Key)?;
                let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| JoseError::Key)?;
                let document = document.as_ref().to_vec();
                (Self::Rs256(Box::new(pair)), document)
            }
            SigningAlgorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(|_| JoseError::Key)?;
                let document = pair.to_pkcs8().map_err(|_| JoseError::Key)?;
                (Self::EdDsa(pair), document.as_ref().to_vec())
            }
        };
        Ok((pair, Zeroizing::new(document)))
    }

    fn read(algorithm: SigningAlgorithm, document: &[u8]) -> Result<Self, JoseError> {
        let pair = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document)
                    .map(Self::Es256)
            }
            SigningAlgorithm::Rs256 => {
                RsaKeyPair::from_pkcs8(document).map(|pair| Self::Rs256(Box::new(pair)))
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(document).map(Self::EdDsa),
        };
        pair.map_err(|_| JoseError::Key)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map(|()| signature)
            }
            Self::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
        .map_err(|_| JoseError::Signing)
    }

    fn verifying(&self) -> DecodingKey {
        match self {
            Self::Es256(pair) => DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Self::Rs256(pair) => DecodingKey::from_rsa_der(pair.public_key().as_ref()),
            Self::EdDsa(pair) => DecodingKey::from_ed_der(pair.public_key().as_ref()),
        }
    }

    fn public_key(&self) -> Result<PublicKey, JoseError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            // SEC 1 §2.3.3: an uncompressed point is 0x04, x, y.
            Self::Es256(pair) => match pair.public_key().as_ref().split_first() {
                Some((4, coordinates)) if coordinates.len() == 64 => {
                    let (x, y) = coordinates.split_at(32);
                    Ok(PublicKey::P256 {
                        x: encode(x),
                        y: encode(y),
                    })
                }
                _ => Err(JoseError::Key),
            },
            Self::Rs256(pair) => {
                let components = rsa::Components::read(pair.public_key().as_ref());
                let components = components.ok_or(JoseError::Key)?;
                Ok(PublicKey::Rsa {
                    n: encode(components.modulus),
                    e: encode(components.exponent),
                })
            }
            Self::EdDsa(pair) => Ok(PublicKey::Ed25519 {
                x: encode(pair.public_key().as_ref()),
            }),
        }
    }
}

impl PublicKey {
    fn thumbprint(&self) -> String {
        // RFC 7638 §3.2: the required members in lexicographic order, without white space.
        let members = match self {
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(Digest::of(members.as_bytes()).as_bytes())
    }
}
