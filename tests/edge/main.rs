//! The protocol face, driven through its HTTP handlers and its stdio transport.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test support"
)]

mod desk;
mod gate;

mod envelope;
mod headers;
mod methods;
mod revisions;
mod stdio;
mod streaming;
