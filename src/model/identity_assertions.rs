//! Whose word about people a tenant takes without asking them (ID-JAG).

use super::{ClientId, IdentityProvider, KeySource};

/// An identity provider that may assert who a client acts for
/// (draft-ietf-oauth-identity-assertion-authz-grant).
#[derive(Clone, Debug)]
pub struct AssertionIssuer {
    /// Its issuer identifier, and where its keys are.
    pub keys: KeySource,
    /// The clients that may come with its assertions; all where there are none.
    pub clients: Vec<String>,
    /// How its people and their groups are known here.
    pub provider: IdentityProvider,
}

impl AssertionIssuer {
    /// True when `client` may come with its assertions.
    #[must_use]
    pub fn takes(&self, client: &ClientId) -> bool {
        self.clients.is_empty() || self.clients.iter().any(|known| known == client.as_str())
    }
}
