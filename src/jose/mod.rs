//! Signed access tokens, the keys that sign them, and what clients sign
//! (RFC 7515, RFC 7517, RFC 7523, RFC 9068).

mod claims;
mod client_assertion;
mod jwk_set;
mod key;
mod key_ring;
mod token;

pub use claims::AccessTokenClaims;
pub use client_assertion::{ClientAssertion, ClientAssertionClaims, InvalidAssertion};
pub use jwk_set::{InvalidJwkSet, JwkSet, client_signing_algorithms};
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
