//! The resource server: who a token speaks for, and what they may do (OAuth 2.1 §5, RFC 9728).

mod access_token;
mod challenge;
mod credential;
mod explain;
mod external_token;
pub mod metadata;
mod permit;
mod possession;
mod revocations;

pub use access_token::{AccessTokens, InvalidAccessToken};
pub use challenge::Challenge;
pub use credential::{AmbiguousCredential, Credential, Scheme, credential};
pub use explain::{ExplainedClient, ExplainedGroups, Explanation, Question, Verdict};
pub use permit::{Operation, Permit, Policy, Refusal, local_principal};
pub use possession::{NoPossession, Possession};
pub use revocations::Revocations;
