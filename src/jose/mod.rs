//! Signed access tokens and the keys that sign them (RFC 7515, RFC 7517, RFC 9068).

mod claims;
mod key;
mod key_ring;
mod token;

pub use claims::AccessTokenClaims;
pub use key::generate_signing_key;
pub use key_ring::{KeyRing, KeyRings};
pub use token::InvalidToken;

/// A key can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The tenant has no key to sign with.
    #[error("there is no signing key")]
    NoKey,
    /// A stored key is not what its algorithm takes.
    #[error("a signing key can't be read")]
    Key,
    /// The signature could not be made.
    #[error("signing failed")]
    Signing,
}
