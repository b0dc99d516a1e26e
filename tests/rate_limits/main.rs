//! Budgets in the memory of a process, and of several processes together.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "test support: a surprise ends the test"
)]

mod memory;
mod outage;
mod replicas;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gatehouse::model::{RateLimits, Rule, Subject, Tenant};
use gatehouse::rate_limits::RateLimiter;
use gatehouse::telemetry::Figures;

/// A tenant with this limit for registrations from one address.
pub(crate) fn tenant(limit: &str) -> Tenant {
    let url = "https://mcp.example.com".parse().unwrap();
    let tenant = Tenant::new("acme".parse().unwrap(), url, BTreeMap::new());
    Tenant {
        rate_limits: RateLimits {
            rules: BTreeMap::from([(Rule::Register, limit.parse().unwrap())]),
            ..RateLimits::default()
        },
        ..tenant
    }
}

pub(crate) fn limiter() -> Arc<RateLimiter> {
    Arc::new(RateLimiter::new(Arc::new(Figures::default())))
}

/// An address of this number.
pub(crate) fn address(number: u32) -> Subject<'static> {
    Subject::Address(IpAddr::V4(Ipv4Addr::from_bits(number)))
}

/// Whether one more request from there goes through.
pub(crate) async fn admits(limiter: &RateLimiter, tenant: &Tenant, number: u32) -> bool {
    let admitted = limiter.admit(tenant, Rule::Register, address(number));
    admitted.await.is_ok()
}

/// How many of `count` requests from one address go through.
pub(crate) async fn count(limiter: &RateLimiter, tenant: &Tenant, count: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..count {
        admitted += u32::from(admits(limiter, tenant, 1).await);
    }
    admitted
}
