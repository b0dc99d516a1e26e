//! Logs: to stderr and nowhere else, for standard output belongs to the protocol or the command.
//! Each line has what is known of the request that it was written for.

use std::fmt;
use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::origin;
use crate::config::LogFormat;

/// The text doesn't say what is to be logged, or something logs already.
#[derive(Debug, thiserror::Error)]
#[error("expected what to log, as in \"info\" or \"warn,gatehouse=debug\"")]
pub struct InvalidFilter;

/// How a line looks.
enum Lines {
    /// One JSON object.
    Json,
    /// For people.
    Pretty(Format),
}

/// How many tasks have panicked in this process.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How many tasks have panicked since the logs began.
pub(super) fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Begins to log what `filter` lets pass, panics too.
pub fn init(format: LogFormat, filter: &str) -> Result<(), InvalidFilter> {
    let filter = if filter.is_empty() { "error" } else { filter };
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|_| InvalidFilter)?;
    let terminal = stderr().is_terminal();
    let pretty = match format {
        LogFormat::Auto => terminal,
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    };
    let lines = if pretty {
        Lines::Pretty(Format::default().with_ansi(terminal))
    } else {
        Lines::Json
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(pretty && terminal)
        .event_format(lines);
    registry()
        .with(filter)
        .with(layer)
        .try_init()
        .map_err(|_| InvalidFilter)?;
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
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

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self {
            Self::Json => writeln!(writer, "{}", Value::Object(object(event)?)),
            Self::Pretty(format) => {
                let mut line = String::new();
                format.format_event(context, Writer::new(&mut line), event)?;
                writer.write_str(line.trim_end_matches('\n'))?;
                let mut told = Ok(());
                origin::each_field(|name, value| {
                    told = told.and_then(|()| write!(writer, " {name}={value}"));
                });
                told?;
                writer.write_char('\n')
            }
        }
    }
}

/// The line of `event`. What the event says itself goes before what is known of its request.
fn object(event: &Event<'_>) -> Result<Map<String, Value>, fmt::Error> {
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    let metadata = event.metadata();
    let mut line = Map::new();
    line.insert("timestamp".to_owned(), time.into());
    line.insert("level".to_owned(), metadata.level().as_str().into());
    let mut fields = Fields(line);
    event.record(&mut fields);
    let Fields(mut line) = fields;
    line.insert("target".to_owned(), metadata.target().into());
    origin::each_field(|name, value| {
        if !line.contains_key(name) {
            line.insert(name.to_owned(), value.to_string().into());
        }
    });
    Ok(line)
}

struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
