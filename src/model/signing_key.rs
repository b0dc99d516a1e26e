//! Keys that sign access tokens.

use super::{Secret, Timestamp};

/// A signature algorithm (RFC 7518 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

/// A tenant's signing key as it is stored.
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
}

impl SigningAlgorithm {
    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of that registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::Es256.as_str()).then_some(Self::Es256)
    }
}
