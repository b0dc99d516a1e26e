//! The `gatehouse` program: takes arguments and environment from the process, once.

use std::process::ExitCode;

use gatehouse::{cli, config::Environment};

fn main() -> ExitCode {
    // A variable that isn't Unicode is none of ours.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    cli::run(std::env::args_os(), &environment)
}
