//! Password hashes: Argon2id (RFC 9106) in PHC string form.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash as PhcHash};

use crate::model::{PasswordHash, Random, Secret};

/// A password that can't be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than anyone should use, or longer than a form takes.
    #[error("a password has 8 to 1024 bytes")]
    Length,
    /// The hash function refused.
    #[error("the password can't be hashed")]
    Hash,
}

/// What unknown users are checked against, so that they take as long as known ones. Nothing
/// hashes to it, and a match would count for nothing.
pub(super) const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                                AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a new password. It takes a core for some milliseconds: not for an async task.
pub fn hash_password(
    password: &Secret,
    random: &dyn Random,
) -> Result<PasswordHash, PasswordError> {
    // NIST SP 800-63B §5.1.1: at least eight, and room for a passphrase.
    if !(8..=1024).contains(&password.expose().len()) {
        return Err(PasswordError::Length);
    }
    let mut salt = [0_u8; 16];
    random.fill(&mut salt);
    // The crate's parameters, 19 MiB and two passes, are the ones that OWASP asks for.
    let hash: PhcHash = Argon2::default()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map_err(|_| PasswordError::Hash)?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// True when `password` is the one that was hashed.
pub(super) fn verify_password(password: &Secret, hash: &PasswordHash) -> bool {
    Argon2::default()
        .verify_password(password.expose().as_bytes(), hash.expose())
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let password = Secret::new("correct horse".to_owned());
        let hash = hash_password(&password, &SystemRandom).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password(&password, &hash));
        assert!(!verify_password(&Secret::new("other".to_owned()), &hash));
    }

    #[test]
    fn b07_unknown_users_are_checked_against_a_hash_of_the_same_cost() {
        // A text that can't be read would be refused at once.
        let decoy = PhcHash::new(DECOY).unwrap();
        let hash = hash_password(&Secret::new("12345678".to_owned()), &SystemRandom).unwrap();
        let real = PhcHash::new(hash.expose()).unwrap();
        assert_eq!(decoy.params, real.params);
        assert_eq!(decoy.hash.unwrap().len(), real.hash.unwrap().len());
    }

    #[test]
    fn a_password_that_is_too_short_or_too_long_is_not_hashed() {
        for password in ["1234567".to_owned(), "x".repeat(1025)] {
            let refused = hash_password(&Secret::new(password), &SystemRandom);
            assert_eq!(refused, Err(PasswordError::Length));
        }
    }
}
