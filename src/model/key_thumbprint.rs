//! Thumbprints of the keys that tokens are bound to (RFC 7638, RFC 9449 §6.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Digest;

/// The thumbprint of a client's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyThumbprint(Digest);

impl KeyThumbprint {
    /// Reads a thumbprint, as `dpop_jkt` and `jkt` carry it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Digest::from_bytes(&bytes).map(Self)
    }

    /// The thumbprint whose SHA-256 digest this is.
    #[must_use]
    pub const fn from_digest(digest: Digest) -> Self {
        Self(digest)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.as_bytes()))
    }
}
