//! Records what changes nothing in the database: refusals, and calls of what is behind the gate.
//!
//! What changes something is recorded by the store, in the same transaction. What is recorded here
//! goes through a queue, so that no caller waits for the database. The queue is bounded and loses
//! nothing: where it is full, callers wait, and after a while new calls are refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::call::{Action, Call};
use super::writer::{Record, Writer};
use crate::model::{Actor, AuditEntry, Change, Clock, Event, Principal, TenantSlug};
use crate::store::Store;
use crate::telemetry::origin;

/// Where events are handed in.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Record>,
    clock: Arc<dyn Clock>,
    arguments: bool,
}

/// The queue is full, and has been for a while: what can't be written down isn't done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log can't be written at the moment")]
pub struct Overloaded;

/// How many records may wait: a second or more of all that one replica can do.
pub(super) const CAPACITY: usize = 16 * 1024;

/// For how long a call waits for room in the queue.
const PATIENCE: Duration = Duration::from_secs(2);

/// A change that `actor` makes now, for the request that this task works for.
#[must_use]
pub fn change(tenant: &TenantSlug, actor: Actor, clock: &dyn Clock) -> Change {
    Change::new(tenant, actor, clock).within(origin::current())
}

impl Recorder {
    /// A recorder, and the writer that takes what is recorded to `store`. With `arguments`, those
    /// of calls are written as well.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, arguments: bool) -> (Self, Writer) {
        let (queue, records) = mpsc::channel(CAPACITY);
        let recorder = Self {
            queue,
            clock,
            arguments,
        };
        (recorder, Writer::new(records, store))
    }

    /// Records something that changes nothing.
    pub async fn record(&self, tenant: &TenantSlug, actor: Actor, event: Event<'_>) {
        let change = change(tenant, actor, &*self.clock);
        self.record_as(&change, event).await;
    }

    /// Records something that changes nothing and that `principal` did, or was kept from doing.
    pub async fn record_of(&self, principal: &Principal, event: Event<'_>) {
        let mut change = change(&principal.tenant, actor_of(principal), &*self.clock);
        change.user = Some(principal.user.clone());
        change.client = Some(principal.client.clone());
        change.grant.clone_from(&principal.grant);
        self.record_as(&change, event).await;
    }

    /// Records something that changes nothing, as `change` describes it.
    pub async fn record_as(&self, change: &Change, event: Event<'_>) {
        self.push(event.entry(change)).await;
    }

    async fn push(&self, entry: AuditEntry) {
        if self
            .queue
            .send(Record::Entry(Box::new(entry)))
            .await
            .is_err()
        {
            tracing::error!("an event came after the end of the audit log's writer");
        }
    }

    /// Opens the record of a call that `principal` is about to make. Its place in the queue is
    /// taken now: a call that could not be written down isn't made.
    pub async fn open(
        &self,
        principal: &Arc<Principal>,
        action: Action,
        target: &str,
    ) -> Result<Call<'_>, Overloaded> {
        let place = match self.queue.try_reserve() {
            Ok(place) => place,
            Err(_) => tokio::time::timeout(PATIENCE, self.queue.reserve())
                .await
                .map_err(|_| Overloaded)?
                .map_err(|_| Overloaded)?,
        };
        let at_ms = self.clock.now_ms();
        Ok(Call::new(
            place,
            (action, target),
            Arc::clone(principal),
            at_ms,
        ))
    }

    /// How many records wait to be written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Whether the arguments of calls are written.
    #[must_use]
    pub const fn writes_arguments(&self) -> bool {
        self.arguments
    }
}

/// A client that acts for itself is its own subject (RFC 9068 §5).
pub(super) fn actor_of(principal: &Principal) -> Actor {
    if principal.user.as_str() == principal.client.as_str() {
        Actor::Client(principal.client.clone())
    } else {
        Actor::User(principal.user.clone())
    }
}
