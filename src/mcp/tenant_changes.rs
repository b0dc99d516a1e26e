//! Tenants that somebody listens at, and what becomes of them while they do: whoever runs the process
//! says when one is no longer what it was. What its people see may be something else then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::dispatch::Dispatcher;
use super::edge::Edge;
use super::listing::Listing;
use crate::backends::ListChange;
use crate::model::{Principal, Tenant, TenantSlug};
use crate::resource_server::Operation;

/// A tenant as it is now; `None` once it is gone.
pub(super) type Present = Option<Arc<Tenant>>;

/// The tenants that somebody listens at.
#[derive(Debug, Default)]
pub(super) struct TenantChanges(Mutex<HashMap<TenantSlug, watch::Sender<Present>>>);

impl TenantChanges {
    /// Tells when `tenant` is no longer what it is.
    pub(super) fn follow(&self, tenant: &Arc<Tenant>) -> watch::Receiver<Present> {
        let mut followed = self.lock();
        let present = followed
            .entry(tenant.slug.clone())
            .or_insert_with(|| watch::Sender::new(Some(Arc::clone(tenant))));
        let mut present = present.subscribe();
        // It may have become another one since the caller had it.
        present.mark_changed();
        present
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantSlug, watch::Sender<Present>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Edge {
    /// The tenants that somebody listens at.
    #[must_use]
    pub fn followed_tenants(&self) -> Vec<TenantSlug> {
        let mut followed = self.tenants.lock();
        followed.retain(|_, present| present.receiver_count() > 0);
        followed.keys().cloned().collect()
    }

    /// Says what the tenant of that name is now, `None` where it is gone. That it is what it was is
    /// said to nobody.
    pub fn tenant_is(&self, slug: &TenantSlug, now: Option<&Arc<Tenant>>) {
        if let Some(present) = self.tenants.lock().get(slug) {
            present.send_if_modified(|present| {
                let same = present.as_ref().map(Arc::as_ptr) == now.map(Arc::as_ptr);
                *present = now.cloned();
                !same
            });
        }
    }
}

impl Dispatcher {
    /// The lists of which `principal` sees something else once its tenant is `new`.
    pub(super) async fn lists_that_change(
        &self,
        principal: &Arc<Principal>,
        (old, new): (&Arc<Tenant>, &Arc<Tenant>),
    ) -> Vec<ListChange> {
        let permit = |tenant| self.policy().permit(tenant, principal, Operation::Converse);
        let (Ok(old), Ok(new)) = (permit(old), permit(new)) else {
            return Vec::new();
        };
        let had = self.catalogues(old.tenant(), Some(&principal.user)).await;
        let has = self.catalogues(new.tenant(), Some(&principal.user)).await;
        let differs = |listing: Listing| {
            let policy = self.policy();
            listing.shown(&had, policy, &old) != listing.shown(&has, policy, &new)
        };
        [
            (ListChange::Tools, differs(Listing::Tools)),
            (
                ListChange::Resources,
                differs(Listing::Resources) || differs(Listing::ResourceTemplates),
            ),
            (ListChange::Prompts, differs(Listing::Prompts)),
        ]
        .into_iter()
        .filter_map(|(list, differs)| differs.then_some(list))
        .collect()
    }
}
