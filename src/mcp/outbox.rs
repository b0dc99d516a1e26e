//! The messages of a call whose client may lose its stream and come back to it (2025-11-25
//! basic/transports, resumability and redelivery).

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::exchange::Outcome;

/// What a call has to say, kept until it was said for good.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    bytes: usize,
    is_finished: bool,
    /// Who reads; an earlier reader has lost its stream.
    reader: u64,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// A notification or a request.
    Message(Bytes),
    /// The response.
    Response(Outcome),
}

/// What a reader finds.
enum Found {
    Item(u64, Item),
    /// It is not to read on.
    End,
    /// Not yet.
    Nothing,
}

/// How many bytes of notifications are kept; what comes on top is left out.
const ROOM: usize = 1024 * 1024;

impl Outbox {
    /// Makes the caller the one that reads.
    pub(super) fn attach(&self) -> u64 {
        let mut inner = self.lock();
        inner.reader += 1;
        let reader = inner.reader;
        drop(inner);
        self.changed.notify_waiters();
        reader
    }

    /// Ends the stream of whoever reads; the items stay.
    pub(super) fn hang_up(&self) {
        self.attach();
    }

    /// Adds a notification, if there is room.
    pub(super) fn note(&self, message: Bytes) {
        if self.lock().bytes + message.len() <= ROOM {
            self.push(Item::Message(message));
        }
    }

    /// Adds a request to the client.
    pub(super) fn question(&self, message: Bytes) {
        self.push(Item::Message(message));
    }

    /// Adds the last item.
    pub(super) fn finish(&self, outcome: Outcome) {
        self.push(Item::Response(outcome));
        self.close();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().is_finished = true;
        self.changed.notify_waiters();
    }

    /// True when nothing more comes, and there is no response.
    pub(super) fn is_cancelled(&self) -> bool {
        let inner = self.lock();
        inner.is_finished && !matches!(inner.items.back(), Some(Item::Response(_)))
    }

    /// True when nothing more comes.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().is_finished
    }

    /// Waits until nothing more comes.
    pub(super) async fn finished(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_finished() {
                return;
            }
            changed.await;
        }
    }

    /// The item of that number, with the number. `None` at the end, and
    /// when somebody else reads.
    pub(super) async fn next(&self, reader: u64, number: u64) -> Option<(u64, Item)> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.lock().find(reader, number) {
                Found::Item(number, item) => return Some((number, item)),
                Found::End => return None,
                Found::Nothing => {}
            }
            changed.await;
        }
    }

    fn push(&self, item: Item) {
        let mut inner = self.lock();
        if inner.is_finished {
            return;
        }
        if let Item::Message(message) = &item {
            inner.bytes += message.len();
        }
        inner.items.push_back(item);
        drop(inner);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What there is to say to that reader.
    fn find(&self, reader: u64, number: u64) -> Found {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        match self.items.get(place) {
            _ if self.reader != reader => Found::End,
            Some(item) => Found::Item(number, item.clone()),
            None if self.is_finished => Found::End,
            None => Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::error::Fault;

    #[tokio::test]
    async fn what_waits_for_a_slow_reader_is_bounded_but_for_what_it_must_get() {
        let outbox = Outbox::default();
        let reader = outbox.attach();
        for _ in 0..100 {
            outbox.note(Bytes::from(vec![b'x'; ROOM / 10]));
        }
        outbox.question(Bytes::from_static(b"question"));
        outbox.finish(Err(Fault::Lost.into()));
        let mut number = 0;
        let mut sizes = Vec::new();
        while let Some((found, item)) = outbox.next(reader, number).await {
            number = found + 1;
            match item {
                Item::Message(text) => sizes.push(text.len()),
                Item::Response(outcome) => assert!(outcome.is_err()),
            }
        }
        assert_eq!(sizes.len(), 11);
        assert_eq!(sizes.pop(), Some("question".len()));
        assert!(sizes.iter().sum::<usize>() <= ROOM);
    }
}
