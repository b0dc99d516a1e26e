//! The resource server: which tokens and requests it takes, and how it refuses the others.

#![expect(clippy::unwrap_used, reason = "test support: a surprise ends the test")]

mod access_token;
mod challenge;
mod explain;
mod permit;
mod revocations;
mod support;
