//! Takes what was recorded to the database, many records at a time, and chains what changes wrote.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::call::CallRecord;
use super::checkpoint::Checkpoints;
use super::recorder::CAPACITY;
use crate::model::{AuditEntry, ChainHead, TenantSlug};
use crate::store::{Store, StoreError, within};

/// Something that waits to be written.
#[derive(Debug)]
pub(super) enum Record {
    Entry(Box<AuditEntry>),
    Call(Box<CallRecord>),
}

/// What takes records to the database. One runs in each process that serves.
#[derive(Debug)]
pub struct Writer {
    records: mpsc::Receiver<Record>,
    store: Arc<dyn Store>,
    /// What was taken from the queue and is not in the database yet.
    waiting: BTreeMap<TenantSlug, Vec<AuditEntry>>,
    reached: bool,
    checkpoints: Option<Arc<Checkpoints>>,
    /// Where the chains are that have grown since they were last signed.
    unsigned: BTreeMap<TenantSlug, Unsigned>,
}

/// A chain that has grown since it was last signed.
#[derive(Debug)]
struct Unsigned {
    head: ChainHead,
    entries: i64,
    since: Instant,
}

/// A writer at work.
#[derive(Debug)]
pub struct WriterTask {
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// How often what is there is written. So long, and no longer, an event isn't seen in the log.
const INTERVAL: Duration = Duration::from_millis(250);

/// After how many entries, and after what time at the latest, a chain that has grown is signed.
const CHECKPOINT_ENTRIES: i64 = 1000;
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(10);

/// How many records are taken from the queue at a time, and written in one transaction.
const BATCH: usize = 1000;

/// After how many of them whoever else has something to do goes first.
const TURN: usize = 50;

/// For how long the database may take for one batch.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often what is left is tried to be written at the end of the process.
const LAST_ATTEMPTS: usize = 20;

impl Writer {
    pub(super) fn new(records: mpsc::Receiver<Record>, store: Arc<dyn Store>) -> Self {
        Self {
            records,
            store,
            waiting: BTreeMap::new(),
            reached: true,
            checkpoints: None,
            unsigned: BTreeMap::new(),
        }
    }

    /// The same writer, which signs checkpoints of what it writes.
    #[must_use]
    pub fn signing(self, checkpoints: Arc<Checkpoints>) -> Self {
        let checkpoints = Some(checkpoints);
        Self {
            checkpoints,
            ..self
        }
    }

    /// Begins to write.
    #[must_use]
    pub fn start(self) -> WriterTask {
        let stop = CancellationToken::new();
        let task = tokio::spawn(self.run(stop.clone()));
        WriterTask {
            stop,
            task: Mutex::new(Some(task)),
        }
    }

    /// Writes until `stop` is cancelled, and then what is left.
    async fn run(mut self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = stop.cancelled() => break,
            }
            self.turn().await;
            self.sign(false).await;
        }
        self.records.close();
        for _ in 0..LAST_ATTEMPTS {
            self.turn().await;
            if self.waiting.is_empty() && self.records.is_empty() {
                self.sign(true).await;
                return;
            }
            interval.tick().await;
        }
        let lost = self.records.len() + self.waiting.values().map(Vec::len).sum::<usize>();
        tracing::error!(lost, "events could not be written into the audit log");
    }

    /// Writes all that is there. What the database doesn't take stays, and with it the place that
    /// it takes in the queue's bound.
    async fn turn(&mut self) {
        let mut outcome = self.find_pending().await;
        loop {
            let taken = self.take().await;
            if outcome.is_ok() {
                outcome = self.write().await;
            }
            self.tell(&outcome);
            if outcome.is_err() || taken < BATCH {
                return;
            }
        }
    }

    async fn take(&mut self) -> usize {
        // What could not be written counts: the queue's bound would be none without it.
        let waiting: usize = self.waiting.values().map(Vec::len).sum();
        let room = CAPACITY.saturating_sub(waiting).min(BATCH);
        let mut taken = 0;
        while taken < room
            && let Ok(record) = self.records.try_recv()
        {
            let entry = match record {
                Record::Entry(entry) => *entry,
                Record::Call(call) => call.into_entry(),
            };
            let waiting = self.waiting.entry(entry.tenant.clone()).or_default();
            waiting.push(entry);
            taken += 1;
            if taken.is_multiple_of(TURN) {
                tokio::task::yield_now().await;
            }
        }
        taken
    }

    /// Sees to the tenants whose changes wrote something.
    async fn find_pending(&mut self) -> Result<(), StoreError> {
        for tenant in within(DEADLINE, self.store.list_pending_audit()).await? {
            self.waiting.entry(tenant).or_default();
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for (tenant, entries) in std::mem::take(&mut self.waiting) {
            // What goes wrong with one tenant's log keeps no other from its own.
            let chained = self.store.chain_audit(&tenant, &entries);
            match within(DEADLINE, chained).await {
                Ok(head) => self.has_grown(tenant, head),
                Err(error) => {
                    self.waiting.insert(tenant, entries);
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    fn has_grown(&mut self, tenant: TenantSlug, head: ChainHead) {
        let unsigned = self.unsigned.entry(tenant).or_insert(Unsigned {
            head,
            entries: 0,
            since: Instant::now(),
        });
        unsigned.entries += head.sequence.saturating_sub(unsigned.head.sequence);
        unsigned.head = head;
    }

    /// Signs the chains whose time has come; at the end of the process, all that have grown.
    async fn sign(&mut self, all: bool) {
        let Some(checkpoints) = self.checkpoints.clone() else {
            return;
        };
        let due = |one: &Unsigned| {
            all || one.entries >= CHECKPOINT_ENTRIES || one.since.elapsed() >= CHECKPOINT_INTERVAL
        };
        let due: Vec<(TenantSlug, ChainHead)> = self
            .unsigned
            .iter()
            .filter(|(_, one)| due(one))
            .map(|(tenant, one)| (tenant.clone(), one.head))
            .collect();
        for (tenant, head) in due {
            match within(DEADLINE, checkpoints.sign(&tenant, &head)).await {
                // Without the keys of a tenant that nobody uses here, it waits for them.
                Ok(false) => {}
                Ok(true) => {
                    self.unsigned.remove(&tenant);
                }
                Err(error) => tracing::warn!(%tenant, %error, "no checkpoint of the audit log"),
            }
        }
    }

    fn tell(&mut self, outcome: &Result<(), StoreError>) {
        match outcome {
            Err(error) if self.reached => tracing::error!(
                %error,
                "the audit log can't be written: events wait, and calls are refused once too many do"
            ),
            Ok(()) if !self.reached => tracing::info!("the audit log is written again"),
            Err(_) | Ok(()) => {}
        }
        self.reached = outcome.is_ok();
    }
}

impl WriterTask {
    /// Writes what is left, and comes back when that is done.
    pub async fn finish(&self) {
        self.stop.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the audit log's writer ended before its time");
        }
    }
}
