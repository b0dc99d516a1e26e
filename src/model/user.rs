//! People: with a local account, or known through an identity provider.

use std::collections::BTreeSet;
use std::fmt;

use super::Timestamp;

/// The stable identifier of a person within a tenant; the `sub` of their tokens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

/// An Argon2id hash in PHC string form.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Who a person is at an identity provider. Issuer and subject are the key to their account here;
/// nothing else ever is, an e-mail address least of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalIdentity {
    /// The name that the tenant gave the provider through which the person last signed in.
    pub provider: String,
    /// The issuer of their ID tokens.
    pub issuer: String,
    /// Who they are to that issuer.
    pub subject: String,
}

/// The groups that an identity provider named, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// Their names or identifiers, as the provider writes them.
    pub groups: BTreeSet<String>,
    /// When the provider said so.
    pub taken_at: Timestamp,
}

/// A person who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its identifier; it stays when the user name changes.
    pub id: UserId,
    /// What a person with a password types to sign in, and what operators call an account by;
    /// unique within the tenant.
    pub username: String,
    /// The names of the roles that decide on scopes: the person has those of all of them.
    pub roles: BTreeSet<String>,
    /// The password's hash; none for those who sign in elsewhere.
    pub password: Option<PasswordHash>,
    /// Who they are at an identity provider; none for a local account.
    pub identity: Option<ExternalIdentity>,
    /// An address that the identity provider has verified. It is shown, and decides on nothing.
    pub email: Option<String>,
    /// What they are called.
    pub display_name: Option<String>,
    /// What the identity provider last said about their groups.
    pub groups: Option<GroupSnapshot>,
    /// A disabled account can neither sign in nor refresh.
    pub disabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

impl User {
    /// A local account.
    #[must_use]
    pub fn local(
        id: UserId,
        username: &str,
        roles: BTreeSet<String>,
        password: PasswordHash,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            username: username.to_owned(),
            roles,
            password: Some(password),
            identity: None,
            email: None,
            display_name: None,
            groups: None,
            disabled: false,
            created_at,
        }
    }
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
