//! The key that signing keys are encrypted with at rest: 256 random bits, from outside the database.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Random, Secret};

/// A key for AES-256. It is never printed, and its memory is wiped on drop.
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

/// Why a text is no encryption key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEncryptionKey {
    /// Not base64, or not of 32 bytes.
    #[error("not the base64 of 32 bytes")]
    Form,
    /// A password, an example or a pattern: whoever guesses it can read the signing keys.
    #[error("not random")]
    Weak,
}

/// With fewer different bytes among its 32, a key wasn't drawn at random.
const DIFFERENT_BYTES: usize = 16;

impl EncryptionKey {
    /// A new key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// Reads base64 as `openssl rand -base64 32` writes it.
    pub fn parse(text: &Secret) -> Result<Self, InvalidEncryptionKey> {
        let mut decoded = STANDARD
            .decode(text.expose().trim())
            .map_err(|_| InvalidEncryptionKey::Form)?;
        let bytes = <[u8; 32]>::try_from(decoded.as_slice()).map(Zeroizing::new);
        decoded.zeroize();
        let bytes = bytes.map_err(|_| InvalidEncryptionKey::Form)?;
        if is_weak(&bytes) {
            return Err(InvalidEncryptionKey::Weak);
        }
        Ok(Self(bytes))
    }

    /// The base64 that [`EncryptionKey::parse`] reads.
    #[must_use]
    pub fn encode(&self) -> Secret {
        Secret::new(STANDARD.encode(self.0.as_slice()))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

/// True for what no generator draws in the life of the universe: few different bytes, text, or
/// the counting bytes of examples.
fn is_weak(bytes: &[u8; 32]) -> bool {
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    let text = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let steps: BTreeSet<u8> = bytes
        .iter()
        .zip(bytes.iter().skip(1))
        .map(|(one, next)| next.wrapping_sub(*one))
        .collect();
    different.len() < DIFFERENT_BYTES || text || steps.len() == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    fn parse(bytes: &[u8]) -> Result<(), InvalidEncryptionKey> {
        EncryptionKey::parse(&Secret::new(STANDARD.encode(bytes))).map(drop)
    }

    #[test]
    fn a_random_key_is_read_back() {
        let key = EncryptionKey::generate(&SystemRandom);
        let again = EncryptionKey::parse(&key.encode()).unwrap();
        assert_eq!(again.expose(), key.expose());
        assert_eq!(format!("{key:?}"), "EncryptionKey(…)");
    }

    #[test]
    fn h05_a_key_that_can_be_guessed_is_refused() {
        let counting: Vec<u8> = (0..32).collect();
        for weak in [
            [0; 32].as_slice(),
            b"changemechangemechangemechangeme",
            b"The quick brown fox jumps over 1",
            &counting,
        ] {
            assert_eq!(parse(weak), Err(InvalidEncryptionKey::Weak));
        }
        for length in [0, 16, 31, 33] {
            let bytes: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37)).collect();
            assert_eq!(parse(&bytes), Err(InvalidEncryptionKey::Form));
        }
        let text = Secret::new("changeme".to_owned());
        let refused = EncryptionKey::parse(&text).err();
        assert_eq!(refused, Some(InvalidEncryptionKey::Form));
    }
}
