//! Operators: people and programs that work with the gateway itself.

use std::fmt;
use std::str::FromStr;

use super::{Digest, Random, Secret, TenantSlug, Timestamp};

/// The name of an operator, and their key in the database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorName(String);

/// The text is no name of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 characters of a-z, 0-9, '-', '_' and '.', a letter or digit first")]
pub struct InvalidOperatorName;

/// What an operator may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperatorRole {
    /// Looks at everything and changes nothing.
    Viewer,
    /// Changes users, clients and grants.
    Operator,
    /// Changes tenants, keys and operators.
    Admin,
}

/// Someone who works with the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What the log and other operators know them by.
    pub name: OperatorName,
    /// What they may do.
    pub role: OperatorRole,
    /// The one tenant that exists for them; none for an operator of all of them.
    pub tenant: Option<TenantSlug>,
    /// When they were added.
    pub created_at: Timestamp,
    /// From when on their token is refused.
    pub expires_at: Option<Timestamp>,
}

/// A browser that an operator signed in with at the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSession {
    /// The digest of its cookie.
    pub digest: Digest,
    /// Whose it is.
    pub operator: OperatorName,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What every operator token begins with: it is told from other tokens at a glance, and found where
/// it was left lying about.
const PREFIX: &str = "gatehouse_op_";

/// A new operator token.
#[must_use]
pub fn new_operator_token(random: &dyn Random) -> Secret {
    let secret = Secret::generate(random);
    Secret::new(format!("{PREFIX}{}", secret.expose()))
}

/// True for what looks like an operator token; no access token does.
#[must_use]
pub fn is_operator_token(token: &Secret) -> bool {
    token.expose().starts_with(PREFIX)
}

impl OperatorName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = InvalidOperatorName;

    fn from_str(text: &str) -> Result<Self, InvalidOperatorName> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| first(byte) || matches!(byte, b'-' | b'_' | b'.');
        let valid = (1..=64).contains(&text.len())
            && text.bytes().all(allowed)
            && text.bytes().next().is_some_and(first);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidOperatorName)
        }
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl OperatorRole {
    /// Every role, the smallest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The name that operators know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

impl Operator {
    /// True when that tenant exists for them.
    #[must_use]
    pub fn sees(&self, tenant: &TenantSlug) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }
}
