//! How often addresses that strangers name are fetched: for each host, and in all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Counts requests by the minute.
#[derive(Debug)]
pub(super) struct Limiter {
    per_host: u32,
    in_all: u32,
    window: Mutex<Window>,
}

/// What was let through since the window opened. It holds no more hosts than requests.
#[derive(Debug)]
struct Window {
    opened: Instant,
    hosts: HashMap<String, u32>,
    in_all: u32,
}

const WINDOW: Duration = Duration::from_mins(1);

impl Limiter {
    pub(super) fn new(per_host: u32, in_all: u32) -> Self {
        Self {
            per_host,
            in_all,
            window: Mutex::new(Window::open()),
        }
    }

    /// True when one more request to `host` may go out.
    pub(super) fn admit(&self, host: &str) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.opened.elapsed() >= WINDOW {
            *window = Window::open();
        }
        let used = window.hosts.get(host).copied().unwrap_or_default();
        if used >= self.per_host || window.in_all >= self.in_all {
            return false;
        }
        window.in_all += 1;
        window.hosts.insert(host.to_owned(), used + 1);
        true
    }
}

impl Window {
    fn open() -> Self {
        Self {
            opened: Instant::now(),
            hosts: HashMap::new(),
            in_all: 0,
        }
    }
}
