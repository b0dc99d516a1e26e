//! People with a local account.

use std::fmt;

use super::Timestamp;

/// The stable identifier of a person within a tenant; the `sub` of their tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

/// An Argon2id hash in PHC string form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A local account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its identifier; it stays when the user name changes.
    pub id: UserId,
    /// What the person types to sign in; unique within the tenant.
    pub username: String,
    /// The name of the role that decides on scopes.
    pub role: String,
    /// The password's hash.
    pub password: PasswordHash,
    /// A disabled account can neither sign in nor refresh.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

impl UserId {
    /// An identifier from a token or a row.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PasswordHash {
    /// A hash in PHC string form.
    #[must_use]
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string, for verification and for the database.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
