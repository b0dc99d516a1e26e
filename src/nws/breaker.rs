//! The pause after the edge in front of NWS said that it limits: for the whole process, and ended
//! by one request that tries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{NwsError, Reason, Reference};
use crate::model::{Clock, Timestamp};

/// The gate that every request passes.
#[derive(Debug)]
pub(super) struct Breaker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// Leave to send one request, and to say what came of it. One that says nothing leaves the gate as
/// it found it.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    /// The pause that this request may end.
    probes: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open(Pause),
    /// The pause is over, and one request is under way to find out whether that helped.
    Probing(Pause),
}

#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Timestamp,
    /// How often in a row requests were refused.
    refusals: u32,
    reference: Reference,
}

/// NWS says that a limit typically clears within this time.
const SHORTEST: Duration = Duration::from_secs(5);

/// How long the pause may grow when nobody says how long it should be.
const LONGEST_UNASKED: Duration = Duration::from_secs(20);

/// However long an edge asks to wait, it is asked again after this time.
const LONGEST: Duration = Duration::from_mins(5);

impl Breaker {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::new(State::Closed),
        }
    }

    /// Leave to send a request; after a pause, for one at a time.
    pub(super) fn admit(&self) -> Result<Pass<'_>, NwsError> {
        let mut state = self.state();
        let probes = match *state {
            State::Closed => None,
            State::Open(pause) if pause.until <= self.clock.now() => {
                *state = State::Probing(pause);
                Some(pause)
            }
            State::Open(pause) | State::Probing(pause) => return Err(self.refusal(pause)),
        };
        drop(state);
        Ok(Pass {
            breaker: self,
            probes,
        })
    }

    /// The refusal that a request would get now, if any.
    pub(super) fn refuses(&self) -> Result<(), NwsError> {
        match *self.state() {
            State::Open(pause) if pause.until > self.clock.now() => Err(self.refusal(pause)),
            State::Closed | State::Open(_) | State::Probing(_) => Ok(()),
        }
    }

    fn refusal(&self, pause: Pause) -> NwsError {
        let seconds = pause.until.since(self.clock.now()).as_secs();
        let seconds = seconds.max(1);
        NwsError::logged(Reason::Throttled { seconds }, pause.reference)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The request was answered, by data or otherwise: there is no limit any more.
    pub(super) fn answered(mut self) {
        if self.probes.take().is_some() {
            *self.breaker.state() = State::Closed;
        }
    }

    /// The request was refused by a limit: lets none out for `stated`, else for a time that grows,
    /// with a few seconds of `jitter`.
    pub(super) fn limited(
        mut self,
        stated: Option<Duration>,
        jitter: Duration,
        reference: Reference,
    ) -> Reason {
        let probed = self.probes.take();
        let refusals = probed.map_or(0, |pause| pause.refusals);
        let grown = (SHORTEST * 2_u32.pow(refusals.min(8))).min(LONGEST_UNASKED) + jitter;
        let length = stated.unwrap_or(grown).clamp(SHORTEST, LONGEST);
        let until = self.breaker.clock.now().after(length);
        let mut state = self.breaker.state();
        *state = State::Open(match *state {
            // Requests that were under way together are refused together: that counts once.
            State::Open(earlier) | State::Probing(earlier) if probed.is_none() => Pause {
                until: until.max(earlier.until),
                ..earlier
            },
            State::Closed | State::Open(_) | State::Probing(_) => Pause {
                until,
                refusals: refusals + 1,
                reference,
            },
        });
        Reason::Throttled {
            seconds: length.as_secs(),
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if let Some(pause) = self.probes {
            *self.breaker.state() = State::Open(pause);
        }
    }
}
