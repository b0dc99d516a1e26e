//! The weather server and its client, against a fake of api.weather.gov.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support"
)]

#[path = "../fake_nws/mod.rs"]
mod fake_nws;

mod asking;
mod bad_answers;
mod bad_days;
mod cache;
mod client;
mod documentation;
mod export;
mod failures;
mod house;
mod places;
mod points;
mod recordings;
mod resources_and_prompts;
mod sample;
mod tolerance;
mod tools;
mod written;
