//! Signing keys at rest: AES-256-GCM (NIST SP 800-38D), bound to the tenant and the key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::JoseError;
use crate::model::{EncryptionKey, SealedSigningKey, Secret, SigningKey, TenantSlug};

/// Encrypts signing keys for the database, and decrypts them.
#[derive(Debug)]
pub struct KeyCipher(RandomizedNonceKey);

impl KeyCipher {
    /// A cipher with this key.
    pub fn new(key: &EncryptionKey) -> Result<Self, JoseError> {
        RandomizedNonceKey::new(&AES_256_GCM, key.expose())
            .map(Self)
            .map_err(|_| JoseError::Key)
    }

    /// Encrypts a signing key of `tenant`.
    pub fn seal(
        &self,
        tenant: &TenantSlug,
        key: &SigningKey,
    ) -> Result<SealedSigningKey, JoseError> {
        let mut text = key.private_key.expose().as_bytes().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(binding(tenant, &key.id), &mut text)
            .map_err(|_| JoseError::Key)?;
        let mut sealed_key = nonce.as_ref().to_vec();
        sealed_key.append(&mut text);
        Ok(SealedSigningKey {
            id: key.id.clone(),
            algorithm: key.algorithm,
            sealed_key,
            created_at: key.created_at,
            signs_from: key.signs_from,
        })
    }

    /// Decrypts a signing key of `tenant`; [`JoseError::Sealed`] where it was encrypted with
    /// another key, or is not what was written for this tenant and `kid`.
    pub fn open(
        &self,
        tenant: &TenantSlug,
        key: &SealedSigningKey,
    ) -> Result<SigningKey, JoseError> {
        let (nonce, sealed) = key
            .sealed_key
            .split_at_checked(NONCE_LEN)
            .ok_or(JoseError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| JoseError::Sealed)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let text = self
            .0
            .open_in_place(nonce, binding(tenant, &key.id), &mut buffer)
            .map_err(|_| JoseError::Sealed)?;
        let text = std::str::from_utf8(text).map_err(|_| JoseError::Sealed)?;
        Ok(SigningKey {
            id: key.id.clone(),
            algorithm: key.algorithm,
            private_key: Secret::new(text.to_owned()),
            created_at: key.created_at,
            signs_from: key.signs_from,
        })
    }
}

impl KeyCipher {
    /// What shows that the public key `jwk` was the tenant's: only the holder of the encryption key
    /// can make it.
    pub fn vouch(&self, tenant: &TenantSlug, jwk: &str) -> Result<Vec<u8>, JoseError> {
        let mut text = Vec::new();
        let nonce = self
            .0
            .seal_in_place_append_tag(public_binding(tenant, jwk), &mut text)
            .map_err(|_| JoseError::Key)?;
        let mut seal = nonce.as_ref().to_vec();
        seal.append(&mut text);
        Ok(seal)
    }

    /// True when [`KeyCipher::vouch`] made `seal` for this key of this tenant.
    #[must_use]
    pub fn vouches(&self, tenant: &TenantSlug, jwk: &str, seal: &[u8]) -> bool {
        let Some((nonce, tag)) = seal.split_at_checked(NONCE_LEN) else {
            return false;
        };
        let Ok(nonce) = Nonce::try_assume_unique_for_key(nonce) else {
            return false;
        };
        let mut tag = tag.to_vec();
        let opened = self
            .0
            .open_in_place(nonce, public_binding(tenant, jwk), &mut tag);
        opened.is_ok_and(|text| text.is_empty())
    }
}

fn public_binding(tenant: &TenantSlug, jwk: &str) -> Aad<String> {
    Aad::from(format!("gatehouse audit key/{tenant}/{jwk}"))
}

/// What a ciphertext is good for: a row that is copied to another tenant doesn't open there. A
/// slug has no slash, so that no two pairs look alike.
fn binding(tenant: &TenantSlug, id: &str) -> Aad<String> {
    Aad::from(format!("gatehouse signing key/{tenant}/{id}"))
}
