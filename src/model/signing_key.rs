//! Keys that sign access tokens.

use std::time::Duration;

use super::{Secret, Timestamp};

/// The longest life that an access token can have.
pub const LONGEST_ACCESS_TOKEN: Duration = Duration::from_hours(24);

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[default]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// Ed25519.
    EdDsa,
}

/// A tenant's signing key, ready for use.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// The `kid`: the RFC 7638 thumbprint of the public key.
    pub id: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key, PKCS #8, base64.
    pub private_key: Secret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign; it is published from the beginning.
    pub signs_from: Timestamp,
}

/// A tenant's signing key as it is stored: nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSigningKey {
    /// The `kid`.
    pub id: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key, encrypted.
    pub sealed_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it begins to sign.
    pub signs_from: Timestamp,
}

impl SigningAlgorithm {
    const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::EdDsa];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of that registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}
