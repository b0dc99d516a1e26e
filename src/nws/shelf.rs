//! What was fetched, kept in memory: fresh for as long as its sender allows within bounds, then
//! still good while a newer one is fetched, then a stand-in for one that can't be had.

use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use moka::sync::Cache;

use super::error::{NwsError, Reason};
use super::flight::{Flight, Flights};
use crate::model::{Clock, Timestamp};

/// Parsed answers of one kind.
///
/// Those who miss the same key at the same time wait for one fetch. An error goes to those who
/// waited and is not kept.
pub(super) struct Shelf<K, V> {
    kept: Cache<K, Arc<Kept<V>>>,
    /// Keys whose last fetch failed, and for how long that one isn't repeated.
    holds: Cache<K, Hold>,
    flights: Arc<Flights<K, Outcome<V>>>,
    lifetime: Lifetime,
    clock: Arc<dyn Clock>,
}

/// An answer as it was fetched.
#[derive(Debug)]
pub(super) struct Fetched<V> {
    /// The answer.
    pub(super) value: V,
    /// For how long it may be used, as far as it says so.
    pub(super) max_age: Option<Duration>,
    /// Its size in bytes as it was sent, which its size in memory follows.
    pub(super) size: usize,
}

/// An answer, and whether it is one of old.
#[derive(Debug)]
pub struct Found<V> {
    /// The answer.
    pub value: Arc<V>,
    /// How old it is, when it stands in for a current one that can't be had.
    pub age: Option<Duration>,
}

/// For how long answers of one kind are good.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// The least and the most, whatever the answer says.
    pub(super) bounds: RangeInclusive<Duration>,
    /// When the answer says nothing.
    pub(super) usual: Duration,
    /// For how long after that it is handed out while a newer one is fetched (RFC 5861 §3).
    pub(super) revalidate: Duration,
    /// For how long it stands in for one that can't be had (RFC 5861 §4), counted from the start.
    pub(super) on_error: Duration,
}

#[derive(Debug)]
struct Kept<V> {
    value: Arc<V>,
    fetched_at: Timestamp,
    ttl: Duration,
    size: usize,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    until: Timestamp,
    error: NwsError,
}

type Outcome<V> = Result<Arc<Kept<V>>, NwsError>;

/// How long a caller waits for a newer answer when there is an older one to give.
const PATIENCE: Duration = Duration::from_secs(3);

/// What failed just now isn't tried again for a while where there is an older answer to give.
const PAUSE: Duration = Duration::from_secs(10);

/// A forecast that is late stays late for a while: the one failure that is told again unasked.
const LATE: Duration = Duration::from_mins(1);

const MOST_HOLDS: u64 = 1_024;

impl<K, V> Shelf<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// An empty shelf that holds `capacity` bytes.
    pub(super) fn new(capacity: u64, lifetime: Lifetime, clock: &Arc<dyn Clock>) -> Self {
        let weigh = |_: &K, kept: &Arc<Kept<V>>| u32::try_from(kept.size).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .max_capacity(capacity)
            .weigher(weigh)
            .time_to_live(lifetime.useful());
        let holds = Cache::builder()
            .max_capacity(MOST_HOLDS)
            .time_to_live(LATE.max(PAUSE));
        Self {
            kept: kept.build(),
            holds: holds.build(),
            flights: Flights::new(),
            lifetime,
            clock: Arc::clone(clock),
        }
    }

    /// What is kept under `key`, else what `fetch` yields.
    pub(super) async fn get<F>(
        &self,
        key: &K,
        fetch: impl FnOnce() -> F,
    ) -> Result<Found<V>, NwsError>
    where
        F: Future<Output = Result<Fetched<V>, NwsError>> + Send + 'static,
    {
        let kept = self.kept.get(key);
        let age = |kept: &Kept<V>| self.clock.now().since(kept.fetched_at);
        let stand_in = kept
            .clone()
            .filter(|kept| age(kept) <= self.lifetime.on_error);
        if let Some(kept) = kept.filter(|kept| age(kept) < kept.ttl) {
            return Ok(Found::current(&kept));
        }
        if let Some(hold) = self.hold(key) {
            match stand_in {
                Some(kept) => return Ok(Found::old(&kept, age(&kept))),
                None if hold.error.reason == Reason::ForecastLate => return Err(hold.error),
                None => {}
            }
        }
        let flight = self.join(key, fetch);
        let Some(kept) = stand_in else {
            return landed(flight.await).map(|kept| Found::current(&kept));
        };
        if age(&kept) < kept.ttl + self.lifetime.revalidate {
            return Ok(Found::current(&kept));
        }
        match tokio::time::timeout(PATIENCE, flight).await.map(landed) {
            Ok(Ok(newer)) => Ok(Found::current(&newer)),
            Ok(Err(error)) if !error.reason.is_passing() => Err(error),
            Ok(Err(_)) | Err(_) => Ok(Found::old(&kept, age(&kept))),
        }
    }

    /// Forgets what is kept under `key`.
    pub(super) fn forget(&self, key: &K) {
        self.kept.invalidate(key);
    }

    fn hold(&self, key: &K) -> Option<Hold> {
        let hold = self.holds.get(key)?;
        (self.clock.now() < hold.until).then_some(hold)
    }

    fn join<F>(&self, key: &K, fetch: impl FnOnce() -> F) -> Flight<Outcome<V>>
    where
        F: Future<Output = Result<Fetched<V>, NwsError>> + Send + 'static,
    {
        let fresh = || {
            let kept = self.kept.get(key)?;
            let age = self.clock.now().since(kept.fetched_at);
            (age < kept.ttl).then_some(Ok(kept))
        };
        self.flights.join(key, fresh, || {
            let (this, key) = (self.clone(), key.clone());
            fetch().map(move |fetched| this.take_in(&key, fetched))
        })
    }

    fn take_in(&self, key: &K, fetched: Result<Fetched<V>, NwsError>) -> Outcome<V> {
        let fetched = fetched.inspect_err(|error| self.note(key, *error))?;
        let kept = Arc::new(Kept {
            value: Arc::new(fetched.value),
            fetched_at: self.clock.now(),
            ttl: self.lifetime.of(fetched.max_age),
            size: fetched.size,
        });
        self.kept.insert(key.clone(), Arc::clone(&kept));
        self.holds.invalidate(key);
        Ok(kept)
    }

    /// What a failure means for what is kept.
    fn note(&self, key: &K, error: NwsError) {
        if !error.reason.is_passing() {
            return self.kept.invalidate(key);
        }
        let late = error.reason == Reason::ForecastLate;
        let pause = if late { LATE } else { PAUSE };
        let until = self.clock.now().after(pause);
        self.holds.insert(key.clone(), Hold { until, error });
    }
}

fn landed<V>(outcome: Option<Outcome<V>>) -> Outcome<V> {
    outcome.unwrap_or(Err(NwsError::from(Reason::Unexpected)))
}

impl<V> Found<V> {
    fn current(kept: &Kept<V>) -> Self {
        Self {
            value: Arc::clone(&kept.value),
            age: None,
        }
    }

    fn old(kept: &Kept<V>, age: Duration) -> Self {
        Self {
            value: Arc::clone(&kept.value),
            age: Some(age),
        }
    }
}

impl Lifetime {
    /// For how long to keep an answer whose `Cache-Control` says `max_age`.
    fn of(&self, max_age: Option<Duration>) -> Duration {
        let (least, most) = (*self.bounds.start(), *self.bounds.end());
        max_age.unwrap_or(self.usual).max(least).min(most)
    }

    /// After what time an answer is good for nothing.
    fn useful(&self) -> Duration {
        (*self.bounds.end() + self.revalidate).max(self.on_error)
    }
}

impl<K, V> Clone for Shelf<K, V> {
    fn clone(&self) -> Self {
        Self {
            kept: self.kept.clone(),
            holds: self.holds.clone(),
            flights: Arc::clone(&self.flights),
            lifetime: self.lifetime.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<K, V> fmt::Debug for Shelf<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_follows_the_answer_within_its_bounds() {
        let seconds = Duration::from_secs;
        let lifetime = Lifetime {
            bounds: seconds(30)..=seconds(60),
            usual: seconds(45),
            revalidate: seconds(30),
            on_error: seconds(600),
        };
        assert_eq!(lifetime.of(Some(seconds(5))), seconds(30));
        assert_eq!(lifetime.of(Some(seconds(50))), seconds(50));
        assert_eq!(lifetime.of(Some(seconds(600))), seconds(60));
        assert_eq!(lifetime.of(None), seconds(45));
        assert_eq!(lifetime.useful(), seconds(600));
    }
}
