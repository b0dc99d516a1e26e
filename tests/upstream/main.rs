//! Servers elsewhere, mounted behind the gate: what passes, what is refused, what fails.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "test support: a surprise ends the test"
)]

#[path = "../fake_upstream/mod.rs"]
mod fake_upstream;
mod house;
mod pet_shop;
mod rooms;
mod session_client;
mod shifty;

mod across;
mod api_walls;
mod apis;
mod beside;
mod changing;
mod failures;
mod hostile;
mod parking;
mod processes;
mod relay;
mod sessions;
mod supply;
mod tokens;
mod watching;
