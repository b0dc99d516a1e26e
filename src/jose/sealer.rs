//! Values that clients carry for us and can neither read nor change: AES-256-GCM (NIST SP 800-38D),
//! each under a key and a nonce of its own that HKDF (RFC 5869) derives from a random salt.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::JoseError;
use crate::model::{EncryptionKey, Random};

/// Seals and opens values. All replicas with the same encryption key open what one of them sealed.
pub struct Sealer(hkdf::Prk);

/// So long that no two values share a salt by chance, however many there are: with the nonces of
/// GCM alone, 2³² values under one key would be too many (NIST SP 800-38D §8.3).
const SALT: usize = 24;

const KEY: usize = 32;

/// What is derived for each value: its key and its nonce.
struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        KEY + NONCE_LEN
    }
}

impl Sealer {
    /// A sealer whose key follows from `key`, and is good for nothing else.
    #[must_use]
    pub fn new(key: &EncryptionKey) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"gatehouse sealed values");
        Self(salt.extract(key.expose()))
    }

    /// Seals `value`. It opens only with the same `binding`; base64url.
    pub fn seal(
        &self,
        random: &dyn Random,
        binding: &[u8],
        value: &[u8],
    ) -> Result<String, JoseError> {
        let mut sealed = vec![0_u8; SALT];
        random.fill(&mut sealed);
        let (key, nonce) = self.key(&sealed)?;
        let mut text = value.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(binding), &mut text)
            .map_err(|_| JoseError::Key)?;
        sealed.append(&mut text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed with the same `binding`; [`JoseError::Sealed`] for everything else.
    pub fn open(&self, binding: &[u8], sealed: &str) -> Result<Vec<u8>, JoseError> {
        let mut sealed = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| JoseError::Sealed)?;
        let (salt, text) = sealed.split_at_mut_checked(SALT).ok_or(JoseError::Sealed)?;
        let (key, nonce) = self.key(salt)?;
        let value = key
            .open_in_place(nonce, Aad::from(binding), text)
            .map_err(|_| JoseError::Sealed)?;
        Ok(value.to_vec())
    }

    fn key(&self, salt: &[u8]) -> Result<(LessSafeKey, Nonce), JoseError> {
        let mut derived = Zeroizing::new([0_u8; KEY + NONCE_LEN]);
        self.0
            .expand(&[salt], Length)
            .and_then(|output| output.fill(derived.as_mut_slice()))
            .map_err(|_| JoseError::Key)?;
        let (key, nonce) = derived.split_at(KEY);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| JoseError::Key)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| JoseError::Key)?;
        Ok((LessSafeKey::new(key), nonce))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    fn sealer() -> Sealer {
        Sealer::new(&EncryptionKey::generate(&SystemRandom))
    }

    #[test]
    fn what_is_sealed_opens_under_its_own_key_and_binding_only() {
        let ours = sealer();
        let sealed = ours.seal(&SystemRandom, b"ada", b"value").unwrap();
        assert_eq!(ours.open(b"ada", &sealed).unwrap(), b"value");
        assert!(ours.open(b"bob", &sealed).is_err());
        assert!(sealer().open(b"ada", &sealed).is_err());
        let again = ours.seal(&SystemRandom, b"ada", b"value").unwrap();
        assert_ne!(again, sealed);
    }

    #[test]
    fn g13_what_was_tampered_with_does_not_open() {
        let ours = sealer();
        let sealed = ours.seal(&SystemRandom, b"ada", b"value").unwrap();
        for place in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(bytes).unwrap();
            assert!(ours.open(b"ada", &tampered).is_err(), "{place}");
        }
        for tampered in ["", "AAAA", &sealed[1..], &format!("{sealed}-TAMPERED")] {
            assert!(ours.open(b"ada", tampered).is_err(), "{tampered}");
        }
    }
}
