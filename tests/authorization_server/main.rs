//! The authorization server at a socket, over a real database: the attack catalogue and what
//! clients in the field do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support"
)]

#[path = "../fake_issuer/mod.rs"]
mod fake_issuer;

mod access_tokens;
mod account;
mod authorization_code;
mod authorize;
mod client_authentication;
mod client_credentials;
mod consent;
mod dpop_proof;
mod identity_assertion;
mod introspect;
mod login;
mod metadata;
mod metadata_documents;
mod par;
mod private_key_jwt;
mod refresh_token;
mod register;
mod registration_management;
mod remembered_consent;
mod revoke;
mod signing_keys;
mod support;
mod token;
