//! The configuration: what is read, what is refused, and how that is said.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test support: a failure is the test's failure"
)]

mod apis;
mod commands;
mod example;
mod keys;
mod overrides;
mod problems;
mod rate_limits;
mod servers;
mod tenants;

use gatehouse::config::{self, Config, Environment, Problem, Problems};

/// A key that is good enough for Postgres.
const ENCRYPTION_KEY: &str = "q7vXy1Kc0dJpFZ4m8TgqVt3l9EoNwRrYh2SbUiAaC6M=";

/// An environment with these variables and no others.
fn environment(variables: &[(&str, &str)]) -> Environment {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The configuration that `text` stands for, in an empty environment.
fn parse(text: &str) -> Result<Config, Problems> {
    config::parse(text, "gatehouse.toml", &Environment::new())
}

/// The problem with the key at `path`, which must be the only one with that key.
fn problem_at<'a>(problems: &'a Problems, path: &str) -> &'a Problem {
    let mut found = problems.iter().filter(|problem| problem.path == path);
    match (found.next(), found.next()) {
        (Some(problem), None) => problem,
        _ => panic!("not one problem at {path} in:\n{problems}"),
    }
}
