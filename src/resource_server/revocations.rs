//! What was revoked lately, so that no access token of it is taken until it ends by itself.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use crate::model::{
    ClientId, GrantId, Principal, Revocation, Revoked, TenantSlug, Timestamp, UserId,
};
use crate::store::{Store, StoreError};

/// The revocations that this process knows.
#[derive(Debug, Default)]
pub struct Revocations(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    tenants: HashMap<TenantSlug, Ended>,
    /// When the latest one was noted.
    latest: Option<Timestamp>,
    /// How often the latest ones were read since all of them were.
    reads: u32,
    /// When they were read last.
    read_at: Option<Instant>,
}

/// What ended at one tenant, and when.
#[derive(Debug, Default)]
struct Ended {
    grants: HashMap<GrantId, Timestamp>,
    users: HashMap<UserId, Timestamp>,
    clients: HashMap<ClientId, Timestamp>,
}

/// For how many seconds a transaction may have noted a revocation before it ended and made that
/// visible. What is read anew so often does no harm.
const OVERLAP: Duration = Duration::from_secs(30);
/// After how many reads of the latest ones all are read: that takes out what is of no use any more,
/// and finds what a clock that was set back would hide.
const READS: u32 = 60;
/// How far the clock of whoever issues tokens may be ahead of the database's.
const LEEWAY: Duration = Duration::from_secs(10);

impl Revocations {
    /// Reads what was revoked since the last time.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let since = self.read().since();
        let start = since.unwrap_or(Timestamp::from_seconds(0));
        let found = store.list_revocations(start).await?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if since.is_none() {
            *known = Known::default();
        }
        known.add(found);
        known.read_at = Some(Instant::now());
        Ok(())
    }

    /// For how long they have not been read.
    #[must_use]
    pub fn age(&self) -> Duration {
        let read_at = self.read().read_at;
        read_at.map_or(Duration::ZERO, |read_at| read_at.elapsed())
    }

    /// True when they end a token of `principal`: when what it came of has ended since.
    pub(super) fn end(&self, tenant: &TenantSlug, principal: &Principal) -> bool {
        let known = self.read();
        let Some(ended) = known.tenants.get(tenant) else {
            return false;
        };
        let ends = [
            principal
                .grant
                .as_ref()
                .and_then(|grant| ended.grants.get(grant)),
            ended.users.get(&principal.user),
            ended.clients.get(&principal.client),
        ];
        ends.into_iter()
            .flatten()
            .any(|end| principal.issued_at <= end.after(LEEWAY))
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// From when on revocations are to be read; none when it is all of them.
    fn since(&self) -> Option<Timestamp> {
        let latest = self.latest.filter(|_| self.reads < READS);
        latest.map(|latest| latest.before(OVERLAP))
    }

    fn add(&mut self, revocations: Vec<Revocation>) {
        self.reads += 1;
        for Revocation {
            tenant,
            subject,
            at,
        } in revocations
        {
            self.latest = self.latest.max(Some(at));
            let ended = self.tenants.entry(tenant).or_default();
            match subject {
                Revoked::Grant(id) => ended.grants.insert(id, at),
                Revoked::User(id) => ended.users.insert(id, at),
                Revoked::Client(id) => ended.clients.insert(id, at),
            };
        }
    }
}
