//! Texts that leave the process and come back, or rest in the database: AES-256-GCM (NIST SP
//! 800-38D) under a key of their own for each purpose.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;

use super::JoseError;
use crate::model::{EncryptionKey, Secret};

/// Seals texts for one purpose; those of another one do not open.
#[derive(Debug)]
pub struct TextCipher(RandomizedNonceKey);

impl TextCipher {
    /// The cipher for `purpose`, whose key follows from `key`.
    pub fn new(key: &EncryptionKey, purpose: &str) -> Result<Self, JoseError> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        let derived = hmac::sign(&key, format!("gatehouse/{purpose}").as_bytes());
        RandomizedNonceKey::new(&AES_256_GCM, derived.as_ref())
            .map(Self)
            .map_err(|_| JoseError::Key)
    }

    /// Seals `text`; it opens in the same `place` only.
    pub fn seal(&self, place: &str, text: &[u8]) -> Result<Vec<u8>, JoseError> {
        let mut sealed = text.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(place), &mut sealed)
            .map_err(|_| JoseError::Key)?;
        let mut whole = nonce.as_ref().to_vec();
        whole.append(&mut sealed);
        Ok(whole)
    }

    /// Opens what was sealed in the same place; [`JoseError::Sealed`] for anything else.
    pub fn open(&self, place: &str, whole: &[u8]) -> Result<Secret, JoseError> {
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or(JoseError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| JoseError::Sealed)?;
        let mut buffer = sealed.to_vec();
        let text = self
            .0
            .open_in_place(nonce, Aad::from(place), &mut buffer)
            .map_err(|_| JoseError::Sealed)?;
        let text = std::str::from_utf8(text).map_err(|_| JoseError::Sealed)?;
        Ok(Secret::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    #[test]
    fn a_text_opens_for_its_purpose_and_place_only() {
        let key = EncryptionKey::generate(&SystemRandom);
        let cipher = TextCipher::new(&key, "a").unwrap();
        let sealed = cipher.seal("here", b"text").unwrap();
        assert_eq!(cipher.open("here", &sealed).unwrap().expose(), "text");
        assert!(cipher.open("there", &sealed).is_err());
        let other = TextCipher::new(&key, "b").unwrap();
        assert!(other.open("here", &sealed).is_err());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(cipher.open("here", &changed).is_err());
        }
        assert!(cipher.open("here", b"short").is_err());
    }
}
