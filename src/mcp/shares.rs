//! How much of this process one client may hold for one person at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{ClientId, Principal, TenantSlug, UserId};

type Owner = (TenantSlug, UserId, ClientId);

/// Shares of something, counted by who holds them.
#[derive(Debug)]
pub(super) struct Shares {
    limit: u32,
    held: Mutex<HashMap<Owner, u32>>,
}

/// A share that is held as long as this is kept.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    owner: Owner,
}

impl Shares {
    /// At most `limit` for each.
    pub(super) fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: Mutex::default(),
        })
    }

    /// A share for `principal`, unless it holds as many as it may.
    pub(super) fn take(self: &Arc<Self>, principal: &Principal) -> Option<Share> {
        let owner = (
            principal.tenant.clone(),
            principal.user.clone(),
            principal.client.clone(),
        );
        let mut held = self.lock();
        let count = held.entry(owner.clone()).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        drop(held);
        let shares = Arc::clone(self);
        Some(Share { shares, owner })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Owner, u32>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.lock();
        if let Some(count) = held.get_mut(&self.owner) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.owner);
            }
        }
    }
}
