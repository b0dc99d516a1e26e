//! Who may register clients, and how many (RFC 7591 §3).

use super::Secret;

/// Which clients a tenant lets register themselves.
#[derive(Clone, Debug)]
pub struct RegistrationSettings {
    /// Who may.
    pub policy: RegistrationPolicy,
    /// How many clients that registered themselves a tenant may have.
    pub max_clients: u32,
}

/// Who may register clients.
#[derive(Clone, Debug)]
pub enum RegistrationPolicy {
    /// Anyone.
    Open,
    /// Whoever holds this initial access token.
    InitialAccessToken(Secret),
    /// Nobody but the operator.
    Closed,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            policy: RegistrationPolicy::Open,
            max_clients: 10_000,
        }
    }
}
