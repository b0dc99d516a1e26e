//! What ended before the access tokens that came of it.

use super::{ClientId, GrantId, TenantSlug, Timestamp, UserId};

/// The end of a grant, a person or a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Where it was.
    pub tenant: TenantSlug,
    /// What ended.
    pub subject: Revoked,
    /// When, by the clock of the database.
    pub at: Timestamp,
}

/// What ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// What a person allowed a client.
    Grant(GrantId),
    /// A person, whose account was disabled or removed.
    User(UserId),
    /// A client that was removed.
    Client(ClientId),
}
