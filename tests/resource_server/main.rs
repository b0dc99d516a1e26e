//! The resource server: which tokens and requests it takes, and how it refuses the others.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "test support: a surprise ends the test"
)]

#[path = "../fake_issuer/mod.rs"]
mod fake_issuer;

mod access_token;
mod challenge;
mod explain;
mod external;
mod permit;
mod revocations;
mod support;
