//! `[registration]`: which clients may register themselves.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::database::SecretText;
use super::problem::KeyPath;
use crate::model::{RegistrationPolicy, RegistrationSettings, Secret};

/// Which clients may register themselves.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Who may, and how many clients.
    pub settings: RegistrationSettings,
    /// After what time a client is removed that nobody ever used.
    pub unused_ttl: Duration,
}

/// Which clients may register themselves.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RegistrationSection {
    policy: Policy,
    /// The token that the policy `initial_access_token` asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SecretText")]
    initial_access_token: Option<SecretText>,
    /// How many clients that registered themselves there may be. Beyond that, the oldest one that
    /// nobody ever used makes room.
    #[schemars(range(min = 1))]
    max_clients: u32,
    /// After what time a client is removed that nobody ever used.
    unused_ttl: String,
}

/// `open`: anyone; `initial_access_token`: whoever has the token; `closed`: nobody.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum Policy {
    #[default]
    Open,
    InitialAccessToken,
    Closed,
}

impl Default for RegistrationSection {
    fn default() -> Self {
        Self {
            policy: Policy::Open,
            initial_access_token: None,
            max_clients: 10_000,
            unused_ttl: "90d".to_owned(),
        }
    }
}

impl RegistrationSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Registration> {
        let path = |key| KeyPath::of(["registration", key]);
        let unused = checks.duration(&path("unused_ttl"), &self.unused_ttl, ("1h", "3650d"));
        let token_path = path("initial_access_token");
        let token = match &self.initial_access_token {
            Some(text) => Some(text.resolve(checks, &token_path)?),
            None => None,
        };
        let policy = policy(self.policy, token, checks, &KeyPath::of(["registration"]));
        Some(Registration {
            settings: RegistrationSettings {
                policy: policy?,
                max_clients: self.max_clients,
            },
            unused_ttl: unused?,
        })
    }
}

/// The policy with its token, as they stand in the table at `table`.
pub(super) fn policy(
    policy: Policy,
    token: Option<Secret>,
    checks: &mut Checks<'_>,
    table: &KeyPath,
) -> Option<RegistrationPolicy> {
    let path = table.join("initial_access_token");
    match (policy, token) {
        (Policy::Open, None) => Some(RegistrationPolicy::Open),
        (Policy::Closed, None) => Some(RegistrationPolicy::Closed),
        (Policy::InitialAccessToken, Some(token)) if token.expose().len() >= 16 => {
            Some(RegistrationPolicy::InitialAccessToken(token))
        }
        (Policy::InitialAccessToken, _) => {
            checks.refuse(&path, "a token of at least 16 characters");
            None
        }
        (Policy::Open | Policy::Closed, Some(_)) => {
            let expected = format!("no token, unless {table}.policy is \"initial_access_token\"");
            checks.refuse(&path, expected);
            None
        }
    }
}
