//! Who a person is: local accounts with a password, and people who sign in at an identity provider.

mod accounts;
mod federated;
pub mod oidc;
mod password;
mod recognition;

pub use accounts::{Accounts, SignInError, Visitor};
pub use federated::{AdmissionError, FederatedAccounts, RenewalError};
pub use password::{PasswordError, hash_password};
