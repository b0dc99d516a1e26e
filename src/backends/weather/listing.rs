//! Entries of listings.

use serde_json::Value;

use super::super::Definition;

/// The entry called `name` with these members.
pub(super) fn definition<const N: usize>(name: &str, members: [(&str, Value); N]) -> Definition {
    let members = members.map(|(member, value)| (member.to_owned(), value));
    Definition::new(name.to_owned(), members.into_iter().collect())
}
