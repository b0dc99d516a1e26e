//! The gateway as a process: started, asked over TCP, killed, started again.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "test support: a surprise ends the test"
)]

mod admin;
mod apis;
mod audit;
mod certificates;
#[path = "../fake_issuer/mod.rs"]
mod fake_issuer;

#[path = "../fake_upstream/mod.rs"]
#[expect(dead_code, reason = "what the tests of single servers need of it")]
mod fake_upstream;

mod claims;
#[path = "../fake_collector/mod.rs"]
mod fake_collector;
#[path = "../fake_nws/mod.rs"]
#[expect(dead_code, reason = "what the tests of the weather server need of it")]
mod fake_nws;

mod client;
mod demo;
mod dpop;
mod edge;
mod external;
mod federation;
mod isolation;
mod key_rotation;
mod lifetime;
mod linking;
mod logs;
mod panics;
mod policy;
mod process;
mod rate_limits;
mod references;
mod refresh_ledger;
mod reload;
mod revocation;
mod scim;
mod scim_refusals;
mod server_tools;
mod stdio;
mod streams;
mod telemetry;
mod tenants;
mod tenants_live;
mod upstreams;
mod weather;
