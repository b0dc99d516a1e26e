//! Requests that leave the gateway: the only room with an HTTP client.

mod address;
mod channel;
mod client;
mod dial;
mod guard;
mod limiter;
mod resolver;
mod tls;
mod watch;

/// How the gateway calls itself (RFC 9110 §10.1.5).
pub const USER_AGENT: &str = concat!("gatehouse/", env!("CARGO_PKG_VERSION"));

pub use address::is_public;
pub use channel::{Channel, ChannelSettings, Streamed};
pub use client::{Client, EgressError, Settings};
pub use guard::{GuardError, GuardSettings, GuardedClient};
pub use resolver::{Lookup, SystemLookup};
pub use watch::Watched;
