//! Leaves a server alone that failed several times in a row: one request finds out from time to
//! time whether that is over.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::health::Health;

/// The breaker of one server.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the last request ended.
    noted_at: Option<Instant>,
    /// Until when nothing goes out; then one request does.
    closed_until: Option<Instant>,
}

/// After how many failures in a row.
const PATIENCE: u32 = 5;
/// For how long, the first time and at most.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(1);

impl Breaker {
    /// True when a request may go out. Of several that ask while nothing is known, one may.
    pub(super) fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match state.closed_until {
            Some(until) if now < until => false,
            Some(_) => {
                // Whoever asks now finds out; the others wait as long as that may take.
                state.closed_until = Some(now + FIRST);
                true
            }
            None => true,
        }
    }

    /// Notes what came of a request.
    pub(super) fn note(&self, failed: bool, now: Instant) {
        let mut state = self.lock();
        if !failed {
            *state = State::default();
            state.noted_at = Some(now);
            return;
        }
        state.noted_at = Some(now);
        state.failures = state.failures.saturating_add(1);
        if let Some(more) = state.failures.checked_sub(PATIENCE) {
            let pause = FIRST.saturating_mul(1 << more.min(8)).min(LONGEST);
            state.closed_until = Some(now + pause);
        }
    }

    /// How the server did at the last request, and when that was; none before the first.
    pub(super) fn health(&self) -> Option<(Instant, Health)> {
        let state = self.lock();
        let health = match (state.failures, state.closed_until) {
            (0, _) => Health::Answers,
            (_, None) => Health::Fails,
            (_, Some(_)) => Health::LeftAlone,
        };
        Some((state.noted_at?, health))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r23_a_server_that_fails_again_and_again_is_left_alone_and_tried() {
        let breaker = Breaker::default();
        let health = |breaker: &Breaker| breaker.health().map(|(_, health)| health);
        let mut now = Instant::now();
        assert_eq!(health(&breaker), None);
        for _ in 0..PATIENCE {
            assert!(breaker.admits(now));
            breaker.note(true, now);
        }
        assert_eq!(health(&breaker), Some(Health::LeftAlone));
        assert!(!breaker.admits(now));
        now += FIRST;
        assert!(breaker.admits(now));
        assert!(!breaker.admits(now), "one request finds out");
        breaker.note(true, now);
        now += FIRST;
        assert!(!breaker.admits(now), "the pause grows");
        now += FIRST;
        assert!(breaker.admits(now));
        breaker.note(false, now);
        assert!(breaker.admits(now) && breaker.admits(now));
    }
}
