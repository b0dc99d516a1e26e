//! `[rate_limits]`: how often callers may ask. A tenant may have such a table as well, over that of
//! the whole configuration.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::checks::{Checks, network};
use super::problem::KeyPath;
use crate::model::{RateLimit, RateLimits, Rule};

/// How often callers may ask: "count/period" with s, m, h or d, as in "120/m". So many may come at
/// once unless it says how many, as in "120/m burst 20". "off" is no limit.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RateLimitsEntry {
    /// Everything that one address asks for, of IPv6 one network of /64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    per_address: Option<String>,
    /// Requests of all callers of the tenant to the MCP endpoint, once their tokens are verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    per_tenant: Option<String>,
    /// Requests of one client: to the MCP endpoint, and to the OAuth endpoints where it has proven
    /// who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    per_client: Option<String>,
    /// Requests of one person to the MCP endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    per_principal: Option<String>,
    /// Tool calls of one person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    tool_calls: Option<String>,
    /// Calls of single tools by one person, by the tool's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    per_tool: BTreeMap<String, String>,
    /// Registrations of clients from one address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    register: Option<String>,
    /// Registrations of clients from everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    register_per_tenant: Option<String>,
    /// Signing in and consent from one address: /authorize, /login, /consent, /account, /par.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    authorize: Option<String>,
    /// Requests from one address to /token, /revoke, /introspect and `/register/{client_id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    token: Option<String>,
    /// Tokens for one person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    token_per_principal: Option<String>,
    /// Networks where many people share an address: no limit of an address holds there, all others
    /// do. Those of the vendors whose servers connect for all of their users, and of offices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    shared_addresses: Option<Vec<String>>,
}

/// What is no limit.
const OFF: &str = "off";

const EXPECTED: &str = "a count and a period, as in \"120/m\" or \"120/m burst 20\" with s, m, h or \
                        d, whole again within 30 days; or \"off\"";

/// The limits where the configuration says nothing: far above what people and their agents do.
const DEFAULTS: [(Rule, &str); 10] = [
    (Rule::PerAddress, "6000/m"),
    (Rule::PerTenant, "60000/m"),
    (Rule::PerClient, "12000/m"),
    (Rule::PerPrincipal, "600/m"),
    (Rule::ToolCalls, "300/m"),
    (Rule::Register, "120/h"),
    (Rule::RegisterPerTenant, "1200/h"),
    (Rule::Authorize, "300/m"),
    (Rule::Token, "600/m"),
    (Rule::TokenPerPrincipal, "60/m"),
];

/// A call of this one comes to many requests to NWS.
const DEFAULT_TOOL: (&str, &str) = ("export_observations", "6/m");

/// Where Claude's servers connect from, for all of its users.
const DEFAULT_SHARED: &str = "160.79.104.0/21";

/// The limits of a configuration that says nothing.
fn built_in() -> RateLimits {
    let limit = |text: &str| text.parse::<RateLimit>().ok();
    let (tool, calls) = DEFAULT_TOOL;
    RateLimits {
        rules: DEFAULTS
            .into_iter()
            .filter_map(|(rule, text)| Some((rule, limit(text)?)))
            .collect(),
        per_tool: limit(calls)
            .map(|calls| (tool.to_owned(), calls))
            .into_iter()
            .collect(),
        shared_addresses: network(DEFAULT_SHARED).into_iter().collect(),
    }
}

impl RateLimitsEntry {
    /// The limits of the whole configuration.
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> RateLimits {
        self.over(&built_in(), checks, &KeyPath::of(["rate_limits"]))
    }

    /// These limits where there are any, and those of `base`.
    pub(super) fn over(
        &self,
        base: &RateLimits,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> RateLimits {
        let mut limits = base.clone();
        for (rule, text) in self.rules() {
            let place = path.join(rule.name());
            read(&mut limits.rules, rule, text, checks, &place);
        }
        let place = path.join(Rule::PerTool.name());
        for (tool, text) in &self.per_tool {
            let place = place.join(tool);
            read(&mut limits.per_tool, tool.clone(), text, checks, &place);
        }
        if let Some(networks) = &self.shared_addresses {
            limits.shared_addresses = checks.networks(networks, &path.join("shared_addresses"));
        }
        limits
    }

    fn rules(&self) -> impl Iterator<Item = (Rule, &str)> {
        [
            (Rule::PerAddress, &self.per_address),
            (Rule::PerTenant, &self.per_tenant),
            (Rule::PerClient, &self.per_client),
            (Rule::PerPrincipal, &self.per_principal),
            (Rule::ToolCalls, &self.tool_calls),
            (Rule::Register, &self.register),
            (Rule::RegisterPerTenant, &self.register_per_tenant),
            (Rule::Authorize, &self.authorize),
            (Rule::Token, &self.token),
            (Rule::TokenPerPrincipal, &self.token_per_principal),
        ]
        .into_iter()
        .filter_map(|(rule, text)| Some((rule, text.as_deref()?)))
    }
}

fn read<K: Ord>(
    limits: &mut BTreeMap<K, RateLimit>,
    key: K,
    text: &str,
    checks: &mut Checks<'_>,
    path: &KeyPath,
) {
    if text == OFF {
        limits.remove(&key);
    } else if let Some(limit) = checks.require(text.parse().ok(), path, EXPECTED) {
        limits.insert(key, limit);
    }
}
