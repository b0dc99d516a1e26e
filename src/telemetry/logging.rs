//! Logs: to stderr and nowhere else, for standard output belongs to the protocol or the command.

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// The text doesn't say what is to be logged, or something logs already.
#[derive(Debug, thiserror::Error)]
#[error("expected what to log, as in \"info\" or \"warn,gatehouse=debug\"")]
pub struct InvalidFilter;

/// Names the request in every line about it, whatever else is logged.
const SPANS: &str = "request=info";

/// Begins to log what `filter` lets pass, panics too.
pub fn init(format: LogFormat, filter: &str) -> Result<(), InvalidFilter> {
    let filter = if filter.is_empty() { "error" } else { filter };
    let filter = EnvFilter::builder()
        .parse(format!("{SPANS},{filter}"))
        .map_err(|_| InvalidFilter)?;
    let people = match format {
        LogFormat::Auto => stderr().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines = if people {
        lines.with_ansi(stderr().is_terminal()).boxed()
    } else {
        lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed()
    };
    registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|_| InvalidFilter)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(
            panic.place = place,
            panic.message = message,
            "a task panicked"
        );
    }));
    Ok(())
}
