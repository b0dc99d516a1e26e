//! The `gatehouse` program: takes arguments and environment from the process, once.

use std::process::ExitCode;

use gatehouse::{cli, config::Environment};

/// A call takes and gives back some two hundred pieces of memory, and ten thousand streams take small ones for long: the
/// allocator of the C library takes three times the instructions for the first, and more memory for the second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A variable that isn't Unicode is none of ours.
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    cli::run(std::env::args_os(), &environment)
}
