//! The time of a test, and the changes that it makes by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use gatehouse::model::{Change, Clock, TenantSlug, Timestamp};

/// When every test begins.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_seconds(1_800_000_000);

#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    pub(super) fn new() -> Self {
        Self(AtomicI64::new(BEGINNING.seconds()))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A change that an operator makes at the beginning of a test.
pub(crate) fn change(tenant: &TenantSlug) -> Change {
    change_at(tenant, BEGINNING)
}

/// A change that an operator makes at that moment.
pub(crate) fn change_at(tenant: &TenantSlug, at: Timestamp) -> Change {
    Change::by_system(tenant, at)
}
