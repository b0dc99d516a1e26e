//! What a gateway does with the audit log by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{CheckpointError, Checkpoints, Recorder, WriterTask};
use crate::config::Config;
use crate::model::{Actor, Change, Clock};
use crate::store::Store;

/// Begins to write the audit log.
pub(super) fn start(config: &Config, checkpoints: &Arc<Checkpoints>) -> (Recorder, WriterTask) {
    let Checkpoints { store, clock, .. } = &**checkpoints;
    let (store, clock) = (Arc::clone(store), Arc::clone(clock));
    let (recorder, writer) = Recorder::new(store, clock, config.audit.arguments);
    (recorder, writer.signing(Arc::clone(checkpoints)).start())
}

/// Cuts off what is older than `retention` in the logs of all tenants.
pub(super) async fn trim(
    store: &dyn Store,
    checkpoints: &Arc<Checkpoints>,
    clock: &dyn Clock,
    retention: Duration,
) -> Result<(), CheckpointError> {
    let age = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let before_ms = clock.now_ms().saturating_sub(age);
    for tenant in store.list_tenants().await? {
        let change = Change::new(&tenant.slug, Actor::System, clock);
        checkpoints.trim(&change, before_ms).await?;
    }
    Ok(())
}
