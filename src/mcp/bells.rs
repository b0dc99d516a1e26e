//! Wake-ups by topic: whoever waits for a note has a bell, and whoever leaves one rings it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::model::Digest;
use crate::store::Heard;

/// The bells of this process.
#[derive(Debug, Default)]
pub(super) struct Bells(Mutex<HashMap<Digest, Vec<Arc<Notify>>>>);

/// One that rings for its topic as long as it is kept.
#[derive(Debug)]
pub(super) struct Bell {
    bells: Arc<Bells>,
    topic: Digest,
    notify: Arc<Notify>,
}

impl Bells {
    /// A bell for `topic`. What rings before anyone waits is not lost.
    pub(super) fn hang(self: &Arc<Self>, topic: Digest) -> Bell {
        let notify = Arc::new(Notify::new());
        self.lock()
            .entry(topic)
            .or_default()
            .push(Arc::clone(&notify));
        Bell {
            bells: Arc::clone(self),
            topic,
            notify,
        }
    }

    /// Rings the bells for `topic`.
    pub(super) fn ring(&self, topic: &Digest) {
        for notify in self.lock().get(topic).into_iter().flatten() {
            notify.notify_one();
        }
    }

    /// Rings for what is heard of other replicas, until nothing more is.
    pub(super) async fn answer_all(&self, mut heard: mpsc::Receiver<Heard>) {
        while let Some(heard) = heard.recv().await {
            match heard {
                Heard::Topic(topic) => self.ring(&topic),
                Heard::Anything => self.ring_all(),
            }
        }
    }

    /// Rings all bells: whoever waits looks.
    pub(super) fn ring_all(&self) {
        for notify in self.lock().values().flatten() {
            notify.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// What it rings for.
    pub(super) const fn topic(&self) -> &Digest {
        &self.topic
    }

    /// Waits until it rings.
    pub(super) async fn rung(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let mut bells = self.bells.lock();
        if let Some(hung) = bells.get_mut(&self.topic) {
            hung.retain(|notify| !Arc::ptr_eq(notify, &self.notify));
            if hung.is_empty() {
                bells.remove(&self.topic);
            }
        }
    }
}
