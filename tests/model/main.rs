//! The rules that live in the domain values themselves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test support: a surprise ends the test"
)]

mod openapi;
mod openapi_schemas;
mod pkce;
mod public_url;
mod redirect_uri;
mod scope;
