//! Who a person is: local accounts with a password.

mod accounts;
mod password;

pub use accounts::{Accounts, SignInError};
pub use password::{PasswordError, hash_password};
