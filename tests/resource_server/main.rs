//! The resource server: which tokens and requests it takes, and how it refuses the others.

mod access_token;
mod challenge;
mod permit;
mod support;
