//! How fast requests go out, and the pause after NWS asked for one: both for the whole process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::NwsError;
use crate::model::{Clock, Timestamp};

/// The gate that every request to NWS passes.
#[derive(Debug)]
pub(super) struct Throttle {
    clock: Arc<dyn Clock>,
    paused_until: Mutex<Timestamp>,
    pace: Mutex<Pace>,
}

/// A number of requests per second with some at once (the generic cell rate algorithm).
#[derive(Debug)]
struct Pace {
    interval: Duration,
    burst: Duration,
    next: Option<Instant>,
}

/// Who would have to wait longer is told so instead.
const PATIENCE: Duration = Duration::from_secs(3);

impl Throttle {
    pub(super) fn new(clock: Arc<dyn Clock>, per_second: u32, burst: u32) -> Self {
        Self {
            paused_until: Mutex::new(clock.now()),
            clock,
            pace: Mutex::new(Pace::new(per_second, burst)),
        }
    }

    /// Waits for the turn of one request.
    pub(super) async fn admit(&self) -> Result<(), NwsError> {
        let paused_until = *self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let pause = paused_until.since(self.clock.now());
        if !pause.is_zero() {
            return Err(NwsError::Throttled {
                seconds: pause.as_secs(),
            });
        }
        let turn = self
            .pace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reserve(Instant::now());
        match turn {
            Ok(wait) if wait.is_zero() => Ok(()),
            Ok(wait) => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
            Err(wait) => Err(NwsError::Throttled {
                seconds: wait.as_secs(),
            }),
        }
    }

    /// Lets no request out for `pause`.
    pub(super) fn pause(&self, pause: Duration) -> NwsError {
        let until = self.clock.now().after(pause);
        let mut paused_until = self
            .paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *paused_until = until.max(*paused_until);
        NwsError::Throttled {
            seconds: pause.as_secs(),
        }
    }
}

impl Pace {
    fn new(per_second: u32, burst: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            burst: interval * burst.saturating_sub(1),
            next: None,
        }
    }

    /// Takes the next turn and says how long to wait for it; or, when that is too long, takes none.
    fn reserve(&mut self, now: Instant) -> Result<Duration, Duration> {
        let due = self.next.unwrap_or(now).max(now);
        let wait = due.duration_since(now).saturating_sub(self.burst);
        if wait > PATIENCE {
            return Err(wait);
        }
        self.next = Some(due + self.interval);
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_out_at_once_and_the_rest_at_the_pace() {
        let (mut pace, start) = (Pace::new(5, 3), Instant::now());
        let millis = |count| Ok(Duration::from_millis(count));
        let waits: Vec<_> = (0..6).map(|_| pace.reserve(start)).collect();
        assert_eq!(waits, [0, 0, 0, 200, 400, 600].map(millis));
        assert_eq!(pace.reserve(start + Duration::from_secs(9)), millis(0));
    }

    #[test]
    fn a_turn_too_far_away_is_refused_and_not_taken() {
        let (mut pace, start) = (Pace::new(1, 1), Instant::now());
        let waits: Vec<_> = (0..6).map(|_| pace.reserve(start)).collect();
        let seconds = Duration::from_secs;
        let expected: Vec<_> = (0..4).map(|n| Ok(seconds(n))).collect();
        assert_eq!(waits[..4], expected);
        assert_eq!(waits[4..], [Err(seconds(4)), Err(seconds(4))]);
    }
}
