//! Who a person is: local accounts with a password, people who sign in at an identity provider, and
//! the accounts that they link at mounted servers.

mod accounts;
mod federated;
pub mod linked;
pub mod oidc;
mod password;
mod recognition;

pub use accounts::{Accounts, SignInError, Visitor};
pub use federated::{AdmissionError, FederatedAccounts, RenewalError};
pub use linked::LinkedAccounts;
pub use password::{PasswordError, hash_password};
