//! The rules that live in the domain values themselves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: a surprise ends the test"
)]

mod pkce;
mod public_url;
mod redirect_uri;
mod scope;
