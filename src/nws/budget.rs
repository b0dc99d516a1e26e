//! How fast requests go out to NWS: one budget for the whole process, whoever asks.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use tokio::sync::Semaphore;

use super::error::Reason;

/// A number of requests per second with some at once, and the queue of those who wait for a turn.
#[derive(Debug)]
pub(super) struct Budget {
    pace: DefaultDirectRateLimiter,
    queue: Semaphore,
}

/// Who would have to wait longer is told so instead.
const PATIENCE: Duration = Duration::from_secs(3);

impl Budget {
    pub(super) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let places = u64::from(per_second.get()) * PATIENCE.as_secs();
        Self {
            pace: DefaultDirectRateLimiter::direct(
                Quota::per_second(per_second).allow_burst(burst),
            ),
            queue: Semaphore::new(usize::try_from(places).unwrap_or(Semaphore::MAX_PERMITS)),
        }
    }

    /// Waits for the turn of one request, unless too many wait already.
    pub(super) async fn admit(&self) -> Result<(), Reason> {
        let clock = DefaultClock::default();
        let Err(mut not_yet) = self.pace.check() else {
            return Ok(());
        };
        let Ok(_place) = self.queue.try_acquire() else {
            return Err(Reason::Throttled {
                seconds: PATIENCE.as_secs(),
            });
        };
        loop {
            tokio::time::sleep(not_yet.wait_time_from(clock.now())).await;
            match self.pace.check() {
                Ok(()) => return Ok(()),
                Err(later) => not_yet = later,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_burst_goes_out_at_once_some_wait_and_the_rest_are_told() {
        let number = |number| NonZeroU32::new(number).unwrap();
        let budget = Budget::new(number(1), number(2));
        for _ in 0..2 {
            assert_eq!(budget.admit().now_or_never(), Some(Ok(())));
        }
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(budget.admit())).collect();
        for admission in &mut waiting {
            assert_eq!(admission.now_or_never(), None);
        }
        let refused = Reason::Throttled { seconds: 3 };
        assert_eq!(budget.admit().now_or_never(), Some(Err(refused)));
        waiting.pop();
        assert_eq!(budget.admit().now_or_never(), None);
    }
}
