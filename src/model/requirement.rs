//! What an operator asks of those who use a tool.

use super::ScopeSet;

/// Whether those who may not use a tool know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It is listed, and refused with the scopes that it needs.
    #[default]
    Discoverable,
    /// It is not listed, and unknown when called.
    Hidden,
}

/// What a tool asks for beyond the scope of all tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    /// The scopes.
    pub scopes: ScopeSet,
    /// What callers without them see.
    pub visibility: Visibility,
}
