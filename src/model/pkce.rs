//! Proof Key for Code Exchange, S256 only (RFC 7636 §4).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Random;
use super::secret::{Digest, Secret};

/// The S256 code challenge of an authorization request (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(Digest);

/// The code verifier of a token request (RFC 7636 §4.1).
pub struct CodeVerifier(String);

/// The text is not what RFC 7636 §4 allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPkce {
    /// Not the base64url of 32 bytes.
    #[error("a code challenge is the unpadded base64url of a SHA-256 digest")]
    Challenge,
    /// Not 43 to 128 unreserved characters.
    #[error("a code verifier has 43 to 128 unreserved characters")]
    Verifier,
}

impl CodeChallenge {
    /// Reads the `code_challenge` parameter.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| InvalidPkce::Challenge)?;
        Digest::from_bytes(&bytes)
            .map(Self)
            .ok_or(InvalidPkce::Challenge)
    }

    /// The challenge that a database row holds.
    #[must_use]
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The digest for the database.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// True when `verifier` is the one that this challenge was made from (RFC 7636 §4.6).
    #[must_use]
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        self.0.matches(&Digest::of(verifier.0.as_bytes()))
    }
}

impl CodeVerifier {
    /// Reads the `code_verifier` parameter.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        // RFC 7636 §4.1: 43*128unreserved
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(InvalidPkce::Verifier);
        }
        Ok(Self(text.to_owned()))
    }

    /// A new verifier of 256 bits.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(Secret::generate(random).expose().to_owned())
    }

    /// The text, for the token request.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The S256 challenge of this verifier, base64url.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Digest::of(self.0.as_bytes()).as_bytes())
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(…)")
    }
}
