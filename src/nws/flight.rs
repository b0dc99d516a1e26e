//! Single flight: those who want the same at the same time wait for one task that fetches it.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::telemetry::origin;

/// The flights that are under way, by what they fetch.
pub(super) struct Flights<K, T>(Mutex<HashMap<K, Flight<T>>>);

/// A flight under way: nothing comes of it when its task ended without an outcome.
pub(super) type Flight<T> = Shared<BoxFuture<'static, Option<T>>>;

/// Takes a flight off the list when its task ends, however it ends.
struct Landing<K: Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    /// The flight for `key`: the one under way, else what `arrived` finds to be there already, else
    /// a new one. It is a task of its own, so that it goes on when the caller that began it leaves.
    pub(super) fn join<F>(
        self: &Arc<Self>,
        key: &K,
        arrived: impl FnOnce() -> Option<T>,
        begin: impl FnOnce() -> F,
    ) -> Flight<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(key) {
            return flight.clone();
        }
        // A flight that landed since the caller looked has left its outcome behind.
        if let Some(outcome) = arrived() {
            return std::future::ready(Some(outcome)).boxed().shared();
        }
        let landing = Landing {
            flights: Arc::clone(self),
            key: key.clone(),
        };
        let work = begin();
        let task = tokio::spawn(origin::carried(async move {
            let _landing = landing;
            work.await
        }));
        let flight = task.map(Result::ok).boxed().shared();
        flights.insert(key.clone(), flight.clone());
        flight
    }
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        let mut flights = self
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.key);
    }
}

impl<K, T> fmt::Debug for Flights<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_leaves_no_flight_behind() {
        let flights = Flights::<u8, u8>::new();
        let first = flights.join(&1, || None, || async { panic!("on purpose") });
        assert_eq!(first.await, None);
        let second = flights.join(&1, || None, || async { 2 });
        assert_eq!(second.await, Some(2));
    }
}
