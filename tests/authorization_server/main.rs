//! The authorization server over a real database, in this process: the attack catalogue and what
//! clients in the field do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support"
)]

mod access_tokens;
mod authorization_code;
mod authorize;
mod client_authentication;
mod consent;
mod introspect;
mod login;
mod metadata;
mod metadata_documents;
mod par;
mod private_key_jwt;
mod refresh_token;
mod register;
mod revoke;
mod signing_keys;
mod support;
mod token;
