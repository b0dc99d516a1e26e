//! The servers of a tenant, and which of them has what.

use std::sync::Arc;

use futures_util::future::join_all;

use super::dispatch::Dispatcher;
use super::error::Fault;
use super::method::Target;
use super::revision::Revision;
use crate::backends::{Backend, Catalogue};
use crate::model::Tenant;
use crate::resource_server::Operation;

impl Dispatcher {
    /// The servers of the tenant, in the order of their listings.
    pub(super) fn servers(&self, tenant: &Tenant) -> Arc<[Arc<dyn Backend>]> {
        match &self.mounts {
            Some(mounts) => mounts.of(tenant),
            None => Arc::clone(&self.backends),
        }
    }

    /// The tenant's servers that it had not when it was as `before`.
    pub(super) fn further_servers(&self, before: &Tenant, now: &Tenant) -> Vec<Arc<dyn Backend>> {
        let had = self.servers(before);
        let is_new = |one: &&Arc<dyn Backend>| !had.iter().any(|known| Arc::ptr_eq(known, one));
        let servers = self.servers(now);
        servers.iter().filter(is_new).cloned().collect()
    }

    /// True when one of the tenant's servers has what `operation` is about.
    pub async fn offers(&self, tenant: &Tenant, operation: &Operation) -> bool {
        let target = Target::of_operation(operation);
        let catalogues = self.catalogues(tenant).await;
        catalogues.iter().any(|catalogue| target.is_in(catalogue))
    }

    /// The tenant's server that has `target`, with all that it has.
    pub(super) async fn find(
        &self,
        tenant: &Tenant,
        target: Target<'_>,
        revision: Revision,
    ) -> Result<(Arc<dyn Backend>, Arc<Catalogue>), Fault> {
        let mut is_unreachable = false;
        for backend in self.servers(tenant).iter() {
            if !target.may_be_of(backend.prefix()) {
                continue;
            }
            let catalogue = backend.catalogue().await;
            if target.is_in(&catalogue) {
                return Ok((Arc::clone(backend), catalogue));
            }
            is_unreachable |= catalogue.unreachable.is_some();
        }
        Err(if is_unreachable {
            Fault::Unavailable("the server that may have this can't be reached: try again later")
        } else {
            target.unknown(revision)
        })
    }

    /// What each of the tenant's servers has. They are asked together, so that a slow one is
    /// waited for once.
    pub(super) async fn catalogues(&self, tenant: &Tenant) -> Vec<Arc<Catalogue>> {
        let servers = self.servers(tenant);
        join_all(servers.iter().map(|backend| backend.catalogue())).await
    }
}
