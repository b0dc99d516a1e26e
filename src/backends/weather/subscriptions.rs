//! Subscriptions to the alerts of a state: told when the list of active alerts is another one.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use super::super::Updates;
use crate::nws::{Area, Nws};

/// What tells lists of alerts apart. A message that replaces another has an id of its own.
type Identity = Vec<Option<String>>;

/// An item each time that the alerts of `area` are others than before.
///
/// Every subscriber looks for itself: the answer is kept for as long as the wait between two looks,
/// so that many subscribers cost NWS no more than one. What can't be had now is looked for again.
pub(super) async fn watch(nws: Arc<Nws>, area: Area) -> Updates {
    let seen = identity(&nws, area).await;
    let changes = stream::unfold((nws, seen), move |(nws, mut seen)| async move {
        loop {
            tokio::time::sleep(nws.alerts_ttl()).await;
            let now = identity(&nws, area).await;
            if now.is_some() && now != seen {
                return Some(((), (nws, now)));
            }
            seen = seen.or(now);
        }
    });
    changes.boxed()
}

async fn identity(nws: &Nws, area: Area) -> Option<Identity> {
    let active = nws.active_alerts(area).await.ok()?;
    let mut ids: Identity = active.iter().map(|alert| alert.id.clone()).collect();
    ids.sort();
    Some(ids)
}
