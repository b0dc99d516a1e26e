//! What a serving process does by itself: it removes what has ended, and looks at what others did.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::audit;
use crate::audit::Checkpoints;
use crate::backends::remote::Mounts;
use crate::mcp::Edge;
use crate::model::Clock;
use crate::resource_server::Revocations;
use crate::store::{Store, within};
use crate::telemetry::{self, History};
use crate::tenants::Tenants;

/// How often what has ended is removed from the database.
const REMOVAL_INTERVAL: Duration = Duration::from_mins(10);

/// When that is done for the first time. The first to be served are those who wait for the start.
const FIRST_REMOVAL: Duration = Duration::from_secs(5);

/// How often a replica looks at what others did: tenants, keys, revocations.
const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// For how long the database may take to tell it. Whoever waits longer waits for a connection that is
/// dead, while a new one might be had.
const REFRESH_DEADLINE: Duration = Duration::from_secs(4);

/// Removes what has ended, for as long as the process serves.
pub(super) async fn remove_expired(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    unused_client_ttl: Duration,
    retention: Option<(Arc<Checkpoints>, Duration)>,
) {
    let mut interval = tokio::time::interval_at(Instant::now() + FIRST_REMOVAL, REMOVAL_INTERVAL);
    loop {
        interval.tick().await;
        match within(REMOVAL_INTERVAL, store.remove_expired(clock.now())).await {
            Ok(rows) => tracing::debug!(rows, "removed what has ended"),
            Err(error) => tracing::warn!(%error, "could not remove what has ended"),
        }
        let unused = clock.now().before(unused_client_ttl);
        let removed = store.remove_unused_clients(unused, clock.now());
        match within(REMOVAL_INTERVAL, removed).await {
            Ok(clients) => tracing::debug!(clients, "removed clients that nobody used"),
            Err(error) => tracing::warn!(%error, "could not remove clients that nobody used"),
        }
        if let Some((checkpoints, retention)) = &retention
            && let Err(error) = audit::trim(&*store, checkpoints, &*clock, *retention).await
        {
            tracing::warn!(%error, "could not cut off the audit logs");
        }
    }
}

/// Notes the counters again and again.
pub(super) async fn sample(history: Arc<History>) {
    let mut interval = tokio::time::interval(telemetry::INTERVAL);
    loop {
        interval.tick().await;
        history.sample();
    }
}

/// Tells those who listen what became of their tenant.
async fn tell_listeners(tenants: &Tenants, edge: &Edge) {
    for slug in edge.followed_tenants() {
        // What can't be said now is said at the next look.
        if let Ok(tenant) = tenants.present(&slug).await {
            edge.tenant_is(&slug, tenant.as_ref());
        }
    }
}

/// Learns of revocations, of ended sessions, of changes of tenants, of decisions about tools, and of
/// new keys well before they sign. While the database is away, what is known stays.
pub(super) async fn watch(
    tenants: Arc<Tenants>,
    revocations: Arc<Revocations>,
    edge: Arc<Edge>,
    mounts: Arc<Mounts>,
    store: Arc<dyn Store>,
) {
    let mut interval = tokio::time::interval(REFRESH_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reached = true;
    loop {
        interval.tick().await;
        // Side by side: a revocation does not wait for a key.
        let refreshed = tokio::join!(
            within(REFRESH_DEADLINE, revocations.refresh(&*store)),
            within(REFRESH_DEADLINE, edge.refresh_sessions()),
            within(REFRESH_DEADLINE, tenants.refresh()),
            within(REFRESH_DEADLINE, mounts.refresh())
        );
        // Those who are not told in time are told at the next look.
        let _ = tokio::time::timeout(REFRESH_DEADLINE, tell_listeners(&tenants, &edge)).await;
        let error: Option<anyhow::Error> = match refreshed {
            (Err(error), ..) | (_, Err(error), ..) | (.., Err(error)) => Some(error.into()),
            (_, _, Err(error), _) => Some(error.into()),
            (Ok(()), Ok(()), Ok(()), Ok(())) => None,
        };
        match &error {
            Some(error) if reached => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "could not look for revocations, tenants and new keys: until that works again, what is known counts"
                );
            }
            None if !reached => {
                tracing::info!("looking for revocations, tenants and new keys works again");
            }
            Some(_) | None => {}
        }
        reached = error.is_none();
    }
}
