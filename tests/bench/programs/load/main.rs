//! Asks one server over some connections for some time, as fast as it answers, and prints what came of it as JSON.
//!
//! `bench-load PORT CONNECTIONS SECONDS REQUEST [VALUES MODE] [COLLECT MEMBER FILE]`
//!
//! `REQUEST` is a file with the head of a request, an empty line, and its body. `VALUES` is a file of values, one a line, for the
//! `{}` in it: with the mode `each`, every value is used once, and the run ends with them; with `turns`, they come again; any
//! other mode is the name of a member of the answers, whose text is the connection's next value, and the last ones are written back. With the mode
//! `expected`, the file has the body that every answer must have instead. `COLLECT` writes a member of every answer to a file.
//!
//! It looks for answers all the time, unless the environment has `BENCH_LOAD_SLEEPS`: then it sleeps until there are some.

mod answer;
mod connection;
mod plan;

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use serde_json::json;

use crate::connection::{Connection, Step};
use crate::plan::{Plan, Source};

/// For how long a run may go on without an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What has come of a run so far.
#[derive(Default)]
struct Seen {
    /// In nanoseconds.
    latencies: Vec<u32>,
    bad: u64,
    first_bad: Option<String>,
    collected: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan::of_arguments()?;
    let mut source = Source::new(&plan);
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(plan.connections);
    for number in 0..plan.connections {
        connections.push(Connection::open(plan.port, poll.registry(), Token(number))?);
    }
    let mut seen = Seen::default();
    let began = Instant::now();
    let end = began + plan.time;
    let mut open = 0;
    for (number, connection) in connections.iter_mut().enumerate() {
        if let Some(request) = source.next(number, None) {
            connection.ask(request)?;
            open += 1;
        }
    }
    let sleeps = std::env::var_os("BENCH_LOAD_SLEEPS").is_some();
    let mut events = Events::with_capacity(1024);
    let mut last = began;
    while open > 0 {
        // To wake a process on another core costs more than an answer of the fastest server, and only those would pay
        // it that are slow enough for this one to fall asleep.
        let patience = if sleeps { PATIENCE } else { Duration::ZERO };
        poll.poll(&mut events, Some(patience))?;
        if events.is_empty() {
            if last.elapsed() > PATIENCE {
                return Err(format!("no answer within {} s", PATIENCE.as_secs()).into());
            }
            // Mounted servers are on this core as well.
            std::thread::yield_now();
            continue;
        }
        for event in &events {
            let number = event.token().0;
            let connection = &mut connections[number];
            let Step::Answered = connection.go_on()? else {
                continue;
            };
            last = Instant::now();
            seen.note(&plan, connection, last);
            let goes_on = last < end;
            let request = goes_on.then(|| source.next(number, Some(connection.body())));
            match request.flatten() {
                // Nothing comes that was not asked for: its answer is the connection's next event.
                Some(request) => connection.ask(request)?,
                None => {
                    source.keep(number, connection.body())?;
                    connection.rest();
                    open -= 1;
                }
            }
        }
    }
    seen.report(&plan, last - began)
}

impl Seen {
    fn note(&mut self, plan: &Plan, connection: &Connection, now: Instant) {
        let took = (now - connection.asked_at()).as_nanos();
        self.latencies.push(u32::try_from(took).unwrap_or(u32::MAX));
        let body = connection.body();
        let is_expected = plan
            .expected
            .as_ref()
            .is_none_or(|expected| expected == body);
        if connection.status() != 200 || !is_expected || answer::tells_of_failure(body) {
            self.bad += 1;
            self.first_bad.get_or_insert_with(|| {
                let body = String::from_utf8_lossy(body);
                format!("{} {body:.500}", connection.status())
            });
        } else if let Some((member, _)) = &plan.collect
            && let Some(text) = answer::member(body, member)
        {
            self.collected.extend_from_slice(text);
            self.collected.push(b'\n');
        }
    }

    fn report(mut self, plan: &Plan, took: Duration) -> Result<(), Box<dyn Error>> {
        if let Some((_, file)) = &plan.collect {
            std::fs::write(file, &self.collected)?;
        }
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let last = self.latencies.len().checked_sub(1)?;
            let index = (last as f64 * share).round() as usize;
            Some(f64::from(self.latencies[index]) / 1e9)
        };
        let report = json!({
            "answers": self.latencies.len(),
            "seconds": took.as_secs_f64(),
            "bad": self.bad,
            "first_bad": self.first_bad,
            "p50": at(0.5),
            "p99": at(0.99),
            "max": at(1.0),
        });
        writeln!(std::io::stdout(), "{report}")?;
        Ok(())
    }
}
