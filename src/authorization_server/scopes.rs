//! Which scopes a client gets: what it asks for, as far as it exists and the person has it
//! (RFC 6749 §3.3).

use super::Context;
use crate::model::{Client, InvalidScope, ScopeSet, Tenant, User};

/// The scope that clients ask for to get a refresh token. Here the grant type decides on that, so
/// it is never granted and never an error.
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// Reads a `scope` parameter.
pub(super) fn parse(text: &str) -> Result<ScopeSet, InvalidScope> {
    let scopes: ScopeSet = text.parse()?;
    let named = scopes
        .iter()
        .filter(|scope| scope.as_str() != OFFLINE_ACCESS);
    Ok(named.cloned().collect())
}

/// What `client` may ask for of what it asks for. Too much is narrowed in silence, since clients
/// ask for everything that the metadata names; nothing is read as what everyone has.
pub(super) fn narrow_to_client(
    context: &Context,
    tenant: &Tenant,
    client: &Client,
    asked: ScopeSet,
) -> ScopeSet {
    let asked = if asked.is_empty() {
        tenant.basic_scopes().union(&context.initial_scopes)
    } else {
        asked
    };
    let existing = asked.intersection(&context.catalogue.all());
    match &client.scopes {
        Some(limit) => existing.intersection(&context.catalogue.expand(limit)),
        None => existing,
    }
}

/// What `user` may give away of `scopes`, by the roles of this moment.
pub(super) fn narrow_to_user(
    context: &Context,
    tenant: &Tenant,
    user: &User,
    scopes: &ScopeSet,
) -> ScopeSet {
    let roles = tenant.scopes_of_roles(&user.roles);
    scopes.intersection(&context.catalogue.expand(&roles))
}
