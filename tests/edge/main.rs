//! The protocol face, driven through its HTTP handlers and its stdio transport.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    reason = "test support"
)]

mod desk;
mod gate;

mod envelope;
mod headers;
mod house;
mod listening;
mod methods;
mod references;
mod replicas;
mod revisions;
mod rounds;
mod sessions;
mod stdio;
mod streaming;
mod structured;
mod talk;
mod tenant_changes;
