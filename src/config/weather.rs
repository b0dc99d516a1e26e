//! `[weather]`: the weather server and the service that it asks.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::checks::{Checks, web_address};
use super::problem::KeyPath;

/// The weather server and the service that it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Where the service is.
    pub base_url: Url,
    /// Whom the service may write to; it goes into the User-Agent.
    pub contact: Option<String>,
    /// For how long alerts are kept at least.
    pub cache_ttl: Duration,
}

/// The weather server and the service that it asks.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WeatherSection {
    /// Where the National Weather Service is: https, or http on this machine.
    base_url: String,
    /// A mail or web address by which the service can reach you. It asks every caller for one, and
    /// it goes into the User-Agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    contact: Option<String>,
    /// For how long alerts are kept at least.
    cache_ttl: String,
}

impl Default for WeatherSection {
    fn default() -> Self {
        Self {
            base_url: "https://api.weather.gov".to_owned(),
            contact: None,
            cache_ttl: "30s".to_owned(),
        }
    }
}

impl WeatherSection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Weather> {
        let path = |key| KeyPath::of(["weather", key]);
        let base_url = checks.require(
            web_address(&self.base_url),
            &path("base_url"),
            "an https URL (http on a loopback host only) without query",
        );
        let cache_ttl = checks.duration(&path("cache_ttl"), &self.cache_ttl, ("1s", "1h"));
        self.check_contact(checks, &path("contact"));
        Some(Weather {
            base_url: base_url?,
            contact: self.contact.clone(),
            cache_ttl: cache_ttl?,
        })
    }

    fn check_contact(&self, checks: &mut Checks<'_>, path: &KeyPath) {
        let Some(contact) = &self.contact else {
            return;
        };
        // It stands in a comment of the User-Agent (RFC 9110 §5.6.5).
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'\\');
        let valid = !contact.is_empty() && contact.len() <= 200 && contact.bytes().all(allowed);
        if !valid {
            checks.refuse(path, "a mail or web address, as in \"ops@example.com\"");
        }
    }
}
