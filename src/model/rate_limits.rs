//! How often something may be asked for: limits, the rules that have one, and who is counted.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

/// So many at once, and one more each interval after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    burst: NonZeroU32,
    interval: Duration,
}

/// The text is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit is a count and a period, as in \"120/m\" or \"120/m burst 20\"")]
pub struct InvalidRateLimit;

/// What is limited, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Everything that one address asks for.
    PerAddress,
    /// Requests of all verified callers of the tenant to the MCP endpoint.
    PerTenant,
    /// Requests of one client.
    PerClient,
    /// Requests of one person to the MCP endpoint.
    PerPrincipal,
    /// Tool calls of one person.
    ToolCalls,
    /// Calls of one tool by one person.
    PerTool,
    /// Registrations from one address.
    Register,
    /// Registrations from everywhere.
    RegisterPerTenant,
    /// Sign-in pages and pushed requests, from one address.
    Authorize,
    /// Requests to the token endpoint and its like, from one address.
    Token,
    /// Tokens for one person.
    TokenPerPrincipal,
}

/// The limits of a tenant; a rule without one lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// By rule; [`Rule::PerTool`] has none here.
    pub rules: BTreeMap<Rule, RateLimit>,
    /// By the name of the tool.
    pub per_tool: BTreeMap<String, RateLimit>,
    /// Networks where many people share an address, so that the address says nothing about one.
    pub shared_addresses: Vec<IpNet>,
}

/// Whose requests are counted together, within a tenant and a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// Everyone's.
    Everyone,
    /// Those that come from there.
    Address(IpAddr),
    /// Those of the client of this identifier.
    Client(&'a str),
    /// Those of the person of this identifier.
    Person(&'a str),
    /// The person's calls of the tool of this name.
    Tool(&'a str, &'a str),
}

/// The longest time after which a limit that was used up is whole again.
const LONGEST: Duration = Duration::from_hours(30 * 24);

impl RateLimit {
    /// `burst` at once, and one more each `interval`; none where that is too fast or too slow to
    /// count.
    #[must_use]
    pub fn new(burst: NonZeroU32, interval: Duration) -> Option<Self> {
        let whole = interval.checked_mul(burst.get())?;
        let countable = interval >= Duration::from_micros(1) && whole <= LONGEST;
        countable.then_some(Self { burst, interval })
    }

    /// How many there may be at once.
    #[must_use]
    pub const fn burst(self) -> NonZeroU32 {
        self.burst
    }

    /// After which time there may be one more.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// How many of them a replica lets through before it has told the others: a tenth of what may
    /// come at once, and one at least.
    #[must_use]
    pub fn share(self) -> u32 {
        (self.burst.get() / 10).max(1)
    }
}

impl FromStr for RateLimit {
    type Err = InvalidRateLimit;

    fn from_str(text: &str) -> Result<Self, InvalidRateLimit> {
        let (rate, burst) = match text.split_once(" burst ") {
            Some((rate, burst)) => (rate, Some(number(burst)?)),
            None => (text, None),
        };
        let (count, period) = rate.split_once('/').ok_or(InvalidRateLimit)?;
        let count = number(count)?;
        let period = match period {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            "d" => Duration::from_hours(24),
            _ => return Err(InvalidRateLimit),
        };
        let burst = burst.unwrap_or(count);
        Self::new(burst, period / count.get()).ok_or(InvalidRateLimit)
    }
}

fn number(text: &str) -> Result<NonZeroU32, InvalidRateLimit> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or(InvalidRateLimit)
}

impl RateLimits {
    /// The limit that holds by `rule` for `subject`.
    #[must_use]
    pub fn find(&self, rule: Rule, subject: Subject<'_>) -> Option<RateLimit> {
        let limit = match subject {
            Subject::Tool(_, tool) => self.per_tool.get(tool),
            Subject::Address(address) if self.is_shared(address) => None,
            Subject::Everyone | Subject::Address(_) | Subject::Client(_) | Subject::Person(_) => {
                self.rules.get(&rule)
            }
        };
        limit.copied()
    }

    fn is_shared(&self, address: IpAddr) -> bool {
        self.shared_addresses
            .iter()
            .any(|network| network.contains(&address))
    }
}

impl Subject<'_> {
    /// The subject as it is counted: of an IPv6 address, whoever has one has the 2⁶⁴ of its
    /// network.
    #[must_use]
    pub fn counted(self) -> Self {
        match self {
            Self::Address(IpAddr::V6(address)) => {
                let network = address.to_bits() >> 64 << 64;
                Self::Address(Ipv6Addr::from_bits(network).into())
            }
            Self::Everyone
            | Self::Address(IpAddr::V4(_))
            | Self::Client(_)
            | Self::Person(_)
            | Self::Tool(_, _) => self,
        }
    }
}

impl Rule {
    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerAddress => "per_address",
            Self::PerTenant => "per_tenant",
            Self::PerClient => "per_client",
            Self::PerPrincipal => "per_principal",
            Self::ToolCalls => "tool_calls",
            Self::PerTool => "per_tool",
            Self::Register => "register",
            Self::RegisterPerTenant => "register_per_tenant",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::TokenPerPrincipal => "token_per_principal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Result<(u32, Duration), InvalidRateLimit> {
        let limit: RateLimit = text.parse()?;
        Ok((limit.burst().get(), limit.interval()))
    }

    #[test]
    fn a_limit_is_a_count_and_a_period() {
        assert_eq!(limit("120/m"), Ok((120, Duration::from_millis(500))));
        assert_eq!(limit("30/h burst 5"), Ok((5, Duration::from_mins(2))));
        assert_eq!(limit("1/d"), Ok((1, Duration::from_hours(24))));
        assert_eq!(
            limit("1000000/s"),
            Ok((1_000_000, Duration::from_micros(1)))
        );
        for text in [
            "",
            "120",
            "/m",
            "120/",
            "0/m",
            "-1/m",
            "+1/m",
            "1/w",
            "1.5/s",
            "1/m burst",
            "1/m burst 0",
            "1/m burst x",
            "1/m  burst 2",
            "10000000/s",
            "1/d burst 31",
            " 1/m",
            "99999999999/s",
        ] {
            assert_eq!(limit(text), Err(InvalidRateLimit), "{text:?}");
        }
    }

    #[test]
    fn whoever_has_an_ipv6_address_has_its_network() {
        let counted = |text: &str| Subject::Address(text.parse().unwrap()).counted();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), counted("2001:db8:1:2::9"));
        assert_ne!(counted("2001:db8:1:2::1"), counted("2001:db8:1:3::1"));
        assert_ne!(counted("192.0.2.1"), counted("192.0.2.2"));
    }
}
