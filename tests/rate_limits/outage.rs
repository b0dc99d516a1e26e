//! The database goes away, does not answer, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gatehouse::store::{RateStore, StoreError, Use};
use tokio::sync::Notify;

use crate::{count, limiter, tenant};

/// A database that others use as well, and that may be away.
#[derive(Default)]
struct Database {
    away: AtomicBool,
    silent: AtomicBool,
    asked: Notify,
}

#[async_trait]
impl RateStore for Database {
    async fn add_uses(&self, uses: &[Use]) -> Result<Option<Vec<Duration>>, StoreError> {
        self.asked.notify_one();
        if self.silent.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        let waits = uses.iter().map(|one| one.limit.interval() * one.requests);
        Ok(Some(waits.collect()))
    }
}

#[tokio::test]
async fn while_the_database_is_away_a_replica_counts_by_itself() {
    for silent in [false, true] {
        let database = Arc::new(Database::default());
        let (limiter, tenant) = (limiter(), tenant("50/h"));
        tokio::spawn(Arc::clone(&limiter).share(Arc::clone(&database) as Arc<_>));
        database.asked.notified().await;
        assert_eq!(count(&limiter, &tenant, 20).await, 20);
        assert!(limiter.is_shared());
        database.away.store(true, Ordering::SeqCst);
        database.silent.store(silent, Ordering::SeqCst);
        // Nobody is refused for the outage, and nobody gets more than the limit.
        assert_eq!(count(&limiter, &tenant, 100).await, 30);
        assert!(!limiter.is_shared());
        database.away.store(false, Ordering::SeqCst);
        database.silent.store(false, Ordering::SeqCst);
        while !limiter.is_shared() {
            database.asked.notified().await;
            tokio::task::yield_now().await;
        }
        assert_eq!(count(&limiter, &tenant, 100).await, 0);
    }
}

/// A database that nobody else uses.
struct Alone;

#[async_trait]
impl RateStore for Alone {
    async fn add_uses(&self, _: &[Use]) -> Result<Option<Vec<Duration>>, StoreError> {
        Ok(None)
    }
}

#[tokio::test]
async fn where_there_is_one_process_nobody_is_told() {
    let (limiter, tenant) = (limiter(), tenant("50/h"));
    // It ends by itself.
    Arc::clone(&limiter).share(Arc::new(Alone)).await;
    assert_eq!(count(&limiter, &tenant, 100).await, 50);
    assert_eq!((limiter.exchanges(), limiter.is_shared()), (1, false));
}
