//! What all replicas together have used of a limit.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::model::{Digest, RateLimit};

/// The limits that replicas keep together.
#[async_trait]
pub trait RateStore: Send + Sync {
    /// Adds what this replica has used, and says how long each of the limits needs to be whole
    /// again; in the order of `uses`, whose keys are distinct. `None` where there are no other
    /// replicas.
    async fn add_uses(&self, uses: &[Use]) -> Result<Option<Vec<Duration>>, StoreError>;
}

/// What was used of a limit.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// What is limited, for whom.
    pub key: Digest,
    /// The limit.
    pub limit: RateLimit,
    /// How many requests.
    pub requests: u32,
}

impl Use {
    /// How much longer the limit needs for them, in microseconds.
    pub(super) fn cost(&self) -> i64 {
        micros(self.limit.interval().saturating_mul(self.requests))
    }

    /// The longest time that it is believed to need, in microseconds: twice what it needs when it
    /// is used up. A clock that was set back would make it wait for longer.
    pub(super) fn most(&self) -> i64 {
        let whole = self.limit.interval() * self.limit.burst().get();
        micros(whole.saturating_mul(2))
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(i64::MAX)
}
