//! Requests that leave the gateway: the only room with an HTTP client.

mod address;
mod channel;
mod client;
mod guard;
mod limiter;
mod resolver;

pub use address::is_public;
pub use channel::{Channel, ChannelSettings, Streamed};
pub use client::{Client, EgressError, Settings};
pub use guard::{GuardError, GuardSettings, GuardedClient};
pub use resolver::{Lookup, SystemLookup};
