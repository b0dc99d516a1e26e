//! What the operating system knows of the process.

use std::time::Instant;

use super::figures::number;
use super::logging;
use super::meters::{Meters, Tell};

/// How many ticks a second of processor time has: Linux tells user programs so on every machine
/// (proc(5), `USER_HZ`).
const TICKS: f64 = 100.0;

/// Has `meters` read it whenever somebody looks.
pub(super) fn observe(meters: &Meters) {
    let start = Instant::now();
    let uptime = ("process.uptime", "s", "How long the process has run");
    meters.gauge(uptime, move |tell| tell(start.elapsed().as_secs_f64(), &[]));
    let panics = ("gatehouse.panics", "{panic}", "Tasks that panicked");
    meters.total(panics, |tell| tell(number(logging::panics()), &[]));
    let memory = ("process.memory.usage", "By", "Memory that is resident");
    meters.gauge(memory, |tell| tell_if(resident(), tell));
    let time = ("process.cpu.time", "s", "Processor time that was used");
    meters.total(time, |tell| tell_if(processor_time(), tell));
    let files = (
        "process.open_file_descriptor.count",
        "{descriptor}",
        "File descriptors that are open, connections among them",
    );
    meters.gauge(files, |tell| tell_if(open_files(), tell));
}

fn tell_if(value: Option<f64>, tell: Tell<'_>) {
    if let Some(value) = value {
        tell(value, &[]);
    }
}

/// In bytes.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// In seconds.
fn processor_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in the second field may have anything in it, but ends with the last parenthesis.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn open_files() -> Option<f64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(number(u64::try_from(count).ok()?))
}
