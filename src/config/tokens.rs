//! `[tokens]`: for how long tokens are good.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::Checks;
use super::problem::KeyPath;

/// For how long tokens are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The life of an access token.
    pub access_ttl: Duration,
    /// The life of a refresh token that isn't used.
    pub refresh_ttl: Duration,
    /// For how long the answer to a refresh may be asked for again.
    pub refresh_grace: Duration,
}

/// For how long tokens are good.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TokensSection {
    /// The life of an access token.
    access_ttl: String,
    /// The life of a refresh token that isn't used; each use begins it anew.
    refresh_ttl: String,
    /// For how long a client whose connection broke may ask for the answer to a refresh again.
    refresh_grace: String,
}

impl Default for TokensSection {
    fn default() -> Self {
        Self {
            access_ttl: "30m".to_owned(),
            refresh_ttl: "30d".to_owned(),
            refresh_grace: "30s".to_owned(),
        }
    }
}

impl TokensSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Tokens> {
        let path = |key| KeyPath::of(["tokens", key]);
        let access = checks.duration(&path("access_ttl"), &self.access_ttl, ("1s", "24h"));
        let refresh = checks.duration(&path("refresh_ttl"), &self.refresh_ttl, ("1s", "365d"));
        let grace = checks.duration(&path("refresh_grace"), &self.refresh_grace, ("0s", "5m"));
        let tokens = Tokens {
            access_ttl: access?,
            refresh_ttl: refresh?,
            refresh_grace: grace?,
        };
        if tokens.refresh_ttl < tokens.access_ttl {
            let expected = format!("no less than tokens.access_ttl, {:?}", self.access_ttl);
            checks.refuse(&path("refresh_ttl"), expected);
            return None;
        }
        Some(tokens)
    }
}
