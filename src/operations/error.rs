//! Why an operation was not done.

use crate::audit::CheckpointError;
use crate::authorization_server::SigningKeysError;
use crate::config::Problems;
use crate::identity::PasswordError;
use crate::store::StoreError;

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// What it is about is not there.
    #[error("there is no {kind} {name:?}")]
    Missing {
        /// What kind of thing.
        kind: &'static str,
        /// How it was called.
        name: String,
    },
    /// What was to be added is there already; the text says what is where.
    #[error("{0}")]
    Taken(String),
    /// A value breaks a rule.
    #[error("{rule}")]
    Invalid {
        /// Which value.
        field: &'static str,
        /// The rule.
        rule: String,
    },
    /// It can't be done to this one; the text says why, and what to do instead.
    #[error("{0}")]
    Protected(String),
    /// A tenant's document has mistakes.
    #[error(transparent)]
    Document(#[from] Problems),
    /// The database can't do it.
    #[error("the database did not do it")]
    Store(#[source] StoreError),
    /// The signing keys can't be had.
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    /// A password can't be hashed.
    #[error("the password can't be hashed")]
    Password(#[source] PasswordError),
}

impl OperationError {
    pub(super) fn missing(kind: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        let name = name.to_string();
        Self::Missing { kind, name }
    }

    pub(super) fn invalid(field: &'static str, rule: impl Into<String>) -> Self {
        let rule = rule.into();
        Self::Invalid { field, rule }
    }
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CheckpointError> for OperationError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Store(error) => Self::Store(error),
            CheckpointError::Key(error) => Self::Keys(error.into()),
        }
    }
}

impl From<PasswordError> for OperationError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Length => Self::invalid("password", error.to_string()),
            PasswordError::Hash => Self::Password(error),
        }
    }
}
