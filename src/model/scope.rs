//! Scopes (RFC 6749 §3.3) and what they imply.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One scope-token of RFC 6749 §3.3.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

/// A set of scopes; on the wire a space-delimited list, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

/// The text is not a scope: empty, or with a character that RFC 6749 §3.3 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope has printable ASCII characters only, without space, quote or backslash")]
pub struct InvalidScope;

/// What a scope means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeDefinition {
    /// What the scope lets a client do, in the words that the consent page shows.
    pub description: String,
    /// Scopes that a holder of this one has as well.
    pub implies: ScopeSet,
}

/// The scopes that exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeCatalogue(BTreeMap<Scope, ScopeDefinition>);

impl Scope {
    /// The scope as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || !text.bytes().all(allowed) {
            return Err(InvalidScope);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ScopeSet {
    /// True when no scope is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when `scope` itself is in the set, hierarchy aside.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// True when every scope of `other` is in the set.
    #[must_use]
    pub fn is_superset(&self, other: &Self) -> bool {
        self.0.is_superset(&other.0)
    }

    /// The scopes of both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The scopes that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromStr for ScopeSet {
    type Err = InvalidScope;

    /// Takes a space-delimited list; the empty text is the empty set.
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        text.split(' ')
            .filter(|token| !token.is_empty())
            .map(str::parse)
            .collect()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&scope.0)?;
        }
        Ok(())
    }
}

impl ScopeCatalogue {
    /// The catalogue of these definitions.
    #[must_use]
    pub fn new(definitions: BTreeMap<Scope, ScopeDefinition>) -> Self {
        Self(definitions)
    }

    /// What `scope` means, where it exists.
    #[must_use]
    pub fn get(&self, scope: &Scope) -> Option<&ScopeDefinition> {
        self.0.get(scope)
    }

    /// Every scope that exists.
    #[must_use]
    pub fn all(&self) -> ScopeSet {
        self.0.keys().cloned().collect()
    }

    /// `scopes` with everything that they imply, over any number of steps.
    #[must_use]
    pub fn expand(&self, scopes: &ScopeSet) -> ScopeSet {
        let mut expanded = scopes.clone();
        let mut pending: Vec<&Scope> = scopes.iter().collect();
        while let Some(scope) = pending.pop() {
            let implied = self
                .0
                .get(scope)
                .into_iter()
                .flat_map(|found| found.implies.iter());
            pending.extend(implied.filter(|scope| expanded.0.insert((*scope).clone())));
        }
        expanded
    }
}
