//! Who a request acts for, and through which client.

use super::{
    ClientId, GrantId, KeyThumbprint, RefusalDialect, ScopeSet, TenantSlug, Timestamp, UserId,
};

/// A caller whose access token was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The tenant whose resource the token is bound to.
    pub tenant: TenantSlug,
    /// The person.
    pub user: UserId,
    /// The client that the person lets act.
    pub client: ClientId,
    /// The grant behind the token; none for a caller on this machine's own stdin.
    pub grant: Option<GrantId>,
    /// The key whose holder alone may present the token (RFC 9449 §6).
    pub key: Option<KeyThumbprint>,
    /// What the token allows, with everything that its scopes imply.
    pub scopes: ScopeSet,
    /// How the client is told what the token lacks.
    pub refusals: RefusalDialect,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When the token ends.
    pub expires_at: Timestamp,
}
