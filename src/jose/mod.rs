//! Signed access tokens, the keys that sign them, and what clients
//! and identity providers sign (RFC 7515, RFC 7517, RFC 7523, RFC 9068, RFC 9449).

mod claims;
mod client_assertion;
mod dpop;
mod issuer_keys;
mod issuer_token;
mod jwk;
mod jwk_set;
mod key;
mod key_cipher;
mod key_file;
mod key_ring;
mod provider_token;
mod rsa;
mod sealer;
mod statement;
mod text_cipher;
mod token;

use std::path::PathBuf;

pub use claims::AccessTokenClaims;
pub use client_assertion::{ClientAssertion, ClientAssertionClaims, InvalidAssertion};
pub use dpop::{DpopProof, InvalidProof, ProvenRequest};
pub use issuer_keys::IssuerKeys;
pub use issuer_token::{InvalidIssuerToken, IssuerClaims, IssuerToken};
pub use jwk::{client_signing_algorithms, provider_signing_algorithms};
pub use jwk_set::{InvalidJwkSet, JwkSet};
pub use key::generate_signing_key;
pub use key_cipher::KeyCipher;
pub use key_file::read_key_file;
pub use key_ring::{DPOP_NONCE_END, KeyRing, KeyRings};
pub use provider_token::{InvalidProviderToken, ProviderClaims, ProviderToken};
pub use sealer::Sealer;
pub use statement::{read_statement, statement_key};
pub use text_cipher::TextCipher;
pub use token::InvalidToken;

/// A key can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The tenant has no key to sign with.
    #[error("there is no signing key")]
    NoKey,
    /// A stored key is not what its algorithm takes.
    #[error("a signing key can't be read")]
    Key,
    /// A stored key was encrypted with another key, or was changed.
    #[error(
        "the signing keys in the database were encrypted with another key: start with the one that \
         they were encrypted with"
    )]
    Sealed,
    /// The file beside the database holds no key, or is gone while the database holds keys.
    #[error(
        "{} holds no key that opens the signing keys in the database: restore it, or set \
         keys.encryption_key", .0.display()
    )]
    KeyFile(PathBuf),
    /// The signature could not be made.
    #[error("signing failed")]
    Signing,
}
