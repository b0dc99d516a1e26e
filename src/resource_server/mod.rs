//! The resource server: who a token speaks for, and what they may do (OAuth 2.1 §5, RFC 9728).

mod access_token;
mod challenge;
pub mod metadata;
mod permit;

pub use access_token::{AccessTokens, InvalidAccessToken};
pub use challenge::{AmbiguousCredential, Challenge, bearer_token};
pub use permit::{Operation, Permit, Policy, Refusal, local_principal};
