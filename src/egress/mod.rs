//! Requests that leave the gateway: the only room with an HTTP client.

mod client;

pub use client::{Client, EgressError, Settings};
