//! What was used of every limit in this process: a table of fixed size, whatever number of keys comes.
//!
//! Keys are hashed into sets of eight slots. A key that finds its set full takes the place of the one
//! that is whole again first, mostly one that is whole already, so that nothing is forgotten. Where
//! it is not, the newcomer takes over what that one had used (as in the algorithm Space-Saving), but
//! for one request: to come with many keys gains nobody anything, and locks nobody out.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use crate::model::RateLimit;

/// The slots, in chunks that are made when the first key comes into them.
#[derive(Debug)]
pub(super) struct Table {
    chunks: Box<[OnceLock<Chunk>]>,
    displaced: AtomicU64,
}

type Chunk = Box<[Mutex<Set>; SETS]>;
type Set = [Slot; WAYS];

/// What one key has used.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The key's hash; zero where the slot is free.
    key: u64,
    /// When the limit is whole again, in nanoseconds since the table was made: the theoretical
    /// arrival time of GCRA.
    whole_at: u64,
    /// How many requests the other replicas don't know of.
    owed: u32,
    /// Whether somebody is about to tell them.
    noted: Urgency,
}

/// How soon other replicas should hear of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// There is nothing to tell, or it is on its way.
    #[default]
    None,
    /// With all the others.
    Soon,
    /// At once: much of the share is used.
    Now,
}

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It may go on; the other replicas should hear of it so soon.
    Yes(Urgency),
    /// It may not, for so long.
    No(Duration),
    /// The share is used up: first the other replicas should hear of it so soon.
    Owes(Urgency),
}

/// What other replicas are told of a key, and what is known when they have heard it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement {
    /// How many requests they know of now.
    pub(super) told: u32,
    /// When the limit is whole again after the requests of all.
    pub(super) whole_at: Duration,
}

/// Slots of a set. All of them are looked at, so that few must do.
const WAYS: usize = 8;
const SETS: usize = 16;
const CHUNKS: usize = 4096;

/// How many keys are remembered at most.
pub(super) const CAPACITY: usize = CHUNKS * SETS * WAYS;

impl Table {
    pub(super) fn new() -> Self {
        Self {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            displaced: AtomicU64::new(0),
        }
    }

    /// Takes one request off the limit of `key`, unless it is used up. Where the limit is `shared`
    /// with other replicas, they must know of all but the share first.
    pub(super) fn take(&self, key: u64, limit: RateLimit, now: Duration, shared: bool) -> Taken {
        let now = nanos(now);
        let mut set = self.set(key);
        let slot = self.slot(&mut set, key, (limit, now));
        let share = limit.share();
        if shared && slot.owed >= share {
            return Taken::Owes(slot.note(Urgency::Now));
        }
        match decide(limit, slot.whole_at, now) {
            Ok(whole_at) => {
                slot.whole_at = whole_at;
                slot.owed = (slot.owed + 1).min(share);
                let half = slot.owed >= share.div_ceil(2);
                let urgency = match (shared, half) {
                    (false, _) => Urgency::None,
                    (true, false) => Urgency::Soon,
                    (true, true) => Urgency::Now,
                };
                Taken::Yes(slot.note(urgency))
            }
            Err(wait) => Taken::No(wait),
        }
    }

    /// How many requests of `key` other replicas don't know of.
    pub(super) fn owed(&self, key: u64) -> u32 {
        let set = self.set(key);
        let slot = set.iter().find(|slot| slot.key == key);
        slot.map_or(0, |slot| slot.owed)
    }

    /// The others have heard of `key`; true where there is more to tell.
    pub(super) fn settle(&self, key: u64, limit: RateLimit, settlement: Settlement) -> bool {
        let mut set = self.set(key);
        let Some(slot) = set.iter_mut().find(|slot| slot.key == key) else {
            return false;
        };
        slot.owed = slot.owed.saturating_sub(settlement.told);
        let untold = nanos(limit.interval()).saturating_mul(slot.owed.into());
        let whole_at = nanos(settlement.whole_at).saturating_add(untold);
        slot.whole_at = slot.whole_at.max(whole_at);
        let more = slot.owed > 0;
        slot.noted = if more { Urgency::Soon } else { Urgency::None };
        more
    }

    /// Nobody is about to tell the others of `key` any more.
    pub(super) fn forget_note(&self, key: u64) {
        let mut set = self.set(key);
        if let Some(slot) = set.iter_mut().find(|slot| slot.key == key) {
            slot.noted = Urgency::None;
        }
    }

    /// How often a key lost its place while its limit was not whole.
    pub(super) fn displaced(&self) -> u64 {
        self.displaced.load(Ordering::Relaxed)
    }

    fn set(&self, key: u64) -> MutexGuard<'_, Set> {
        // The numbers are below the lengths that they index.
        let number = usize::try_from(key >> 16).unwrap_or(usize::MAX);
        let (chunk, set) = (number / SETS % CHUNKS, number % SETS);
        #[expect(
            clippy::indexing_slicing,
            reason = "both are remainders of the lengths"
        )]
        let set = &self.chunks[chunk].get_or_init(Chunk::default)[set];
        set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of `key`, its own or that of the key that needs it least.
    fn slot<'a>(&self, set: &'a mut Set, key: u64, (limit, now): (RateLimit, u64)) -> &'a mut Slot {
        let own = set.iter().position(|slot| slot.key == key);
        let position = own.unwrap_or_else(|| {
            let ways = set.iter().enumerate();
            let least = ways.min_by_key(|(_, slot)| slot.whole_at);
            least.map_or(0, |(position, _)| position)
        });
        #[expect(clippy::indexing_slicing, reason = "the position is one of the set")]
        let slot = &mut set[position];
        if own.is_none() {
            let mut whole_at = 0;
            if slot.whole_at > now {
                self.displaced.fetch_add(1, Ordering::Relaxed);
                let all_but_one = limit.interval() * (limit.burst().get() - 1);
                whole_at = slot.whole_at.min(now.saturating_add(nanos(all_but_one)));
            }
            *slot = Slot {
                key,
                whole_at,
                ..Slot::default()
            };
        }
        slot
    }
}

impl Slot {
    /// Notes that others should hear of this, unless somebody is about to tell them.
    fn note(&mut self, urgency: Urgency) -> Urgency {
        if urgency > self.noted {
            self.noted = urgency;
            urgency
        } else {
            Urgency::None
        }
    }
}

/// Whether one more request fits into the limit: when it is whole again after it, or how long it
/// must wait.
///
/// The decision is governor's (GCRA). What it decides about is in our table, so that its limiter
/// is made for one decision.
fn decide(limit: RateLimit, whole_at: u64, now: u64) -> Result<u64, Duration> {
    let Some(quota) = Quota::with_period(limit.interval()) else {
        return Err(limit.interval());
    };
    let quota = quota.allow_burst(limit.burst());
    let state = Remembered(Cell::new(whole_at));
    let clock = Moment {
        now: Nanos::new(now),
        begun: Cell::new(false),
    };
    let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(quota, &state, clock);
    match limiter.check() {
        Ok(()) => Ok(state.0.get()),
        Err(not_until) => Err(not_until.wait_time_from(Nanos::new(now))),
    }
}

/// The state of one slot, in governor's hands.
struct Remembered(Cell<u64>);

impl StateStore for &Remembered {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let before = self.0.get();
        let (outcome, after) = decide((before > 0).then(|| Nanos::new(before)))?;
        self.0.set(after.as_u64());
        Ok(outcome)
    }
}

/// The moment of a decision. A limiter asks at its making for the time from which it counts, which
/// here is the table's beginning, and then for the present.
struct Moment {
    now: Nanos,
    begun: Cell<bool>,
}

impl Clock for Moment {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        if self.begun.replace(true) {
            self.now
        } else {
            Nanos::new(0)
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u64 = 7;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn limit(text: &str) -> RateLimit {
        text.parse().unwrap()
    }

    fn take(table: &Table, key: u64, text: &str, millis: u64) -> Taken {
        table.take(key, limit(text), at(millis), false)
    }

    #[test]
    fn a_burst_goes_through_and_then_one_at_a_time() {
        let table = Table::new();
        for _ in 0..3 {
            assert_eq!(
                take(&table, KEY, "60/m burst 3", 0),
                Taken::Yes(Urgency::None)
            );
        }
        assert_eq!(take(&table, KEY, "60/m burst 3", 400), Taken::No(at(600)));
        assert_eq!(
            take(&table, KEY, "60/m burst 3", 1000),
            Taken::Yes(Urgency::None)
        );
        assert_eq!(take(&table, KEY, "60/m burst 3", 1000), Taken::No(at(1000)));
        for _ in 0..3 {
            assert_eq!(
                take(&table, KEY, "60/m burst 3", 9000),
                Taken::Yes(Urgency::None)
            );
        }
        assert_eq!(take(&table, KEY, "60/m burst 3", 9000), Taken::No(at(1000)));
        assert_eq!(
            take(&table, KEY + 1, "60/m burst 3", 9000),
            Taken::Yes(Urgency::None)
        );
    }

    #[test]
    fn what_others_used_counts_and_the_share_is_told_first() {
        let table = Table::new();
        let shared = |millis| table.take(KEY, limit("40/s"), at(millis), true);
        assert_eq!(shared(0), Taken::Yes(Urgency::Soon));
        assert_eq!(shared(0), Taken::Yes(Urgency::Now));
        assert_eq!(shared(0), Taken::Yes(Urgency::None));
        assert_eq!(shared(0), Taken::Yes(Urgency::None));
        assert_eq!(shared(0), Taken::Owes(Urgency::None));
        assert_eq!(table.owed(KEY), 4);
        // Others have used all but one in the meantime.
        let settlement = Settlement {
            told: 4,
            whole_at: at(975),
        };
        assert!(!table.settle(KEY, limit("40/s"), settlement));
        assert_eq!(shared(0), Taken::Yes(Urgency::Soon));
        assert_eq!(shared(0), Taken::No(at(25)));
        // What was not told yet comes on top of what the others know.
        let settlement = Settlement {
            told: 0,
            whole_at: at(1000),
        };
        assert!(table.settle(KEY, limit("40/s"), settlement));
        assert_eq!(shared(25), Taken::No(at(25)));
        // What others don't know is never forgiven.
        let settlement = Settlement {
            told: 1,
            whole_at: at(0),
        };
        assert!(!table.settle(KEY, limit("40/s"), settlement));
        assert_eq!(shared(25), Taken::No(at(25)));
    }

    #[test]
    fn a_note_that_could_not_be_left_is_left_by_the_next_request() {
        let table = Table::new();
        let shared = || table.take(KEY, limit("10/s"), at(0), true);
        assert_eq!(shared(), Taken::Yes(Urgency::Now));
        assert_eq!(shared(), Taken::Owes(Urgency::None));
        table.forget_note(KEY);
        assert_eq!(shared(), Taken::Owes(Urgency::Now));
    }

    #[test]
    fn m03_a_newcomer_to_a_full_set_takes_over_what_was_used() {
        let table = Table::new();
        // Keys that differ above the bits of the set.
        let key = |number: u64| (number << 40) | 1;
        for number in 0..8 {
            for _ in 0..2 {
                let taken = take(&table, key(number), "2/h", number);
                assert_eq!(taken, Taken::Yes(Urgency::None));
            }
        }
        assert_eq!(table.displaced(), 0);
        // One request, as everybody has, and then it waits as the one did whose place it has.
        assert_eq!(take(&table, key(8), "2/h", 10), Taken::Yes(Urgency::None));
        assert_eq!(
            take(&table, key(8), "2/h", 10),
            Taken::No(at(30 * 60 * 1000))
        );
        assert_eq!(table.displaced(), 1);
        assert_eq!(
            take(&table, key(7), "2/h", 10),
            Taken::No(at(30 * 60 * 1000 - 3))
        );
        // A limit that is whole again is forgotten for nothing.
        let tomorrow = 24 * 60 * 60 * 1000;
        assert_eq!(
            take(&table, key(9), "2/h", tomorrow),
            Taken::Yes(Urgency::None)
        );
        assert_eq!(
            take(&table, key(9), "2/h", tomorrow),
            Taken::Yes(Urgency::None)
        );
        assert_eq!(table.displaced(), 1);
    }
}
