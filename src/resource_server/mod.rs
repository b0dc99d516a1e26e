//! The resource server: who a token speaks for, and what they may do (OAuth 2.1 §5, RFC 9728).

mod permit;

pub use permit::{Operation, Permit, Policy, Refusal, local_principal};
