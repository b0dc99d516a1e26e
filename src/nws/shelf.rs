//! What was fetched, kept in memory for as long as its sender allows, within bounds.

use std::fmt;
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use super::error::NwsError;

/// Parsed answers of one kind.
///
/// Those who miss the same key at the same time wait for one of them to fetch it; an error is
/// handed to those who waited and forgotten.
pub(super) struct Shelf<K, V>(Cache<K, Kept<V>>);

/// A parsed answer.
#[derive(Debug)]
pub(super) struct Kept<V> {
    /// The answer.
    pub(super) value: Arc<V>,
    /// For how long it may be used.
    pub(super) ttl: Duration,
    /// Its size in bytes as it was sent, which its size in memory follows.
    pub(super) size: usize,
}

/// For how long answers of one kind are kept.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    /// The least and the most, whatever the answer says.
    pub(super) bounds: RangeInclusive<Duration>,
    /// When the answer says nothing.
    pub(super) usual: Duration,
}

struct ByEntry;

impl<K, V> Shelf<K, V>
where
    K: Clone + fmt::Debug + Eq + Hash + Send + Sync + 'static,
    V: fmt::Debug + Send + Sync + 'static,
{
    /// An empty shelf that holds `capacity` bytes.
    pub(super) fn new(capacity: u64) -> Self {
        let weigh = |_: &K, kept: &Kept<V>| u32::try_from(kept.size).unwrap_or(u32::MAX);
        let cache = Cache::builder().max_capacity(capacity).weigher(weigh);
        Self(cache.expire_after(ByEntry).build())
    }

    /// What is kept under `key`, else what `fetch` yields.
    pub(super) async fn get(
        &self,
        key: &K,
        fetch: impl Future<Output = Result<Kept<V>, NwsError>>,
    ) -> Result<Arc<V>, NwsError> {
        match self.0.try_get_with_by_ref(key, fetch).await {
            Ok(kept) => Ok(kept.value),
            Err(error) => Err(*error),
        }
    }

    /// Forgets what is kept under `key`.
    pub(super) async fn forget(&self, key: &K) {
        self.0.invalidate(key).await;
    }
}

impl Lifetime {
    /// For how long to keep an answer whose `Cache-Control` says `max_age`.
    pub(super) fn of(&self, max_age: Option<Duration>) -> Duration {
        let (least, most) = (*self.bounds.start(), *self.bounds.end());
        max_age.unwrap_or(self.usual).max(least).min(most)
    }
}

impl<K, V> fmt::Debug for Shelf<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

impl<V> Clone for Kept<V> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            ttl: self.ttl,
            size: self.size,
        }
    }
}

impl<K, V> Expiry<K, Kept<V>> for ByEntry {
    fn expire_after_create(&self, _: &K, kept: &Kept<V>, _: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(
        &self,
        _: &K,
        kept: &Kept<V>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.ttl)
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
        };
        assert_eq!(lifetime.of(Some(seconds(5))), seconds(30));
        assert_eq!(lifetime.of(Some(seconds(50))), seconds(50));
        assert_eq!(lifetime.of(Some(seconds(600))), seconds(60));
        assert_eq!(lifetime.of(None), seconds(45));
    }
}
