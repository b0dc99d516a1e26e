//! What other replicas are to be told of, in two queues of fixed size, and the bell that rings when
//! they were.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior};

use super::table::Urgency;
use crate::model::{Digest, RateLimit};
use crate::store::Use;

/// The writing side.
#[derive(Debug)]
pub(super) struct Ledger {
    now: mpsc::Sender<Note>,
    soon: mpsc::Sender<Note>,
    bell: watch::Sender<()>,
    unopened: Mutex<Option<Queues>>,
}

/// The reading side.
#[derive(Debug)]
pub(super) struct Notes {
    queues: Queues,
    tick: Interval,
}

#[derive(Debug)]
struct Queues {
    now: mpsc::Receiver<Note>,
    soon: mpsc::Receiver<Note>,
}

/// A key that others are to be told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    pub(super) key: u64,
    pub(super) digest: Digest,
    pub(super) limit: RateLimit,
}

/// How many keys wait at most. Of more, each replica counts by itself until they are told.
const WAITING: usize = 8192;
/// How many keys one statement is about.
const BATCH: usize = 1024;
/// How often what can wait is told.
const TICK: Duration = Duration::from_secs(1);

impl Note {
    pub(super) fn of(&self, requests: u32) -> Use {
        Use {
            key: self.digest,
            limit: self.limit,
            requests,
        }
    }
}

impl Ledger {
    pub(super) fn new() -> Self {
        let (now, now_queue) = mpsc::channel(WAITING);
        let (soon, soon_queue) = mpsc::channel(WAITING);
        Self {
            now,
            soon,
            bell: watch::Sender::new(()),
            unopened: Mutex::new(Some(Queues {
                now: now_queue,
                soon: soon_queue,
            })),
        }
    }

    /// The reading side, once.
    pub(super) fn open(&self) -> Option<Notes> {
        let mut unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        let queues = unopened.take()?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Some(Notes { queues, tick })
    }

    /// Leaves a note; false where too many wait.
    pub(super) fn leave(&self, note: Note, urgency: Urgency) -> bool {
        let queue = match urgency {
            Urgency::Now => &self.now,
            Urgency::Soon => &self.soon,
            Urgency::None => return true,
        };
        queue.try_send(note).is_ok()
    }

    /// Rings from now on, when others were told or could not be.
    pub(super) fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    pub(super) fn ring(&self) {
        self.bell.send_replace(());
    }
}

impl Notes {
    /// Waits for what can't wait, or for a second; none when there is nothing to tell then.
    pub(super) async fn gather(&mut self) -> Vec<Note> {
        let mut batch = Vec::new();
        let ticked = tokio::select! {
            Some(note) = self.queues.now.recv() => {
                batch.push(note);
                false
            }
            _ = self.tick.tick() => true,
        };
        let room = |batch: &Vec<Note>| batch.len() < BATCH;
        while room(&batch)
            && let Ok(note) = self.queues.now.try_recv()
        {
            batch.push(note);
        }
        while ticked
            && room(&batch)
            && let Ok(note) = self.queues.soon.try_recv()
        {
            batch.push(note);
        }
        batch
    }
}
