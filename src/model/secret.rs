//! Secrets that are compared and stored by digest, and never printed.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

use super::Random;

/// A value that only its holder may know: a code, a token, a client secret, a cookie.
///
/// It has no `Display` and no `Serialize`, its `Debug` is redacted, and its memory is wiped on drop.
#[derive(Clone)]
pub struct Secret(String);

/// The SHA-256 digest of a [`Secret`], which is all that the database holds of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Secret {
    /// A new secret of 256 bits, base64url.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0_u8; 32];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A secret received from outside.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that hands it to its holder.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored and looked up.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// A secret that follows from this one and a public `context`; without this one it can't be
    /// computed.
    #[must_use]
    pub fn derive(&self, context: &[u8]) -> Self {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, self.0.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, context)))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Digest {
    /// What stands for the digest of nothing that came before.
    pub(super) const ZERO: Self = Self([0; 32]);

    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut value = [0_u8; 32];
        value.copy_from_slice(digest.as_ref());
        Self(value)
    }

    /// The digest that a database row holds; `None` when it isn't 32 bytes long.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes as people compare them.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, byte| {
            // Writing into a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The digest that [`Digest::to_hex`] wrote.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut value = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in value.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(value))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}
