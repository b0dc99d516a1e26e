//! Calls that outlive their connection (2025-11-25 basic/transports): a client that is gone has not
//! cancelled, and may come back for the rest, at whichever replica.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::bells::Bell;
use super::edge::{Edge, NOTE_TTL};
use super::error::{Fault, RpcError};
use super::exchange::{Exchange, Outcome, Outgoing};
use super::message::RequestId;
use super::outbox::{Item, Outbox};
use super::reply::Reply;
use super::seals::Purpose;
use super::session::Session;
use crate::model::{Digest, Principal};
use crate::telemetry::origin;

/// A stream that can be resumed.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// What its events are numbered under; the client gives it back.
    pub(super) handle: String,
    pub(super) topic: Digest,
}

/// What the handle of a stream holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Opened {
    /// The stream of the request of this id, where that is short.
    Call(Option<RequestId>),
    /// The stream of what happens.
    Listening,
}

/// One event, as another replica is told of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Forwarded {
    pub(super) number: u64,
    pub(super) message: String,
    pub(super) last: bool,
}

/// For how long what a call said is kept after its end.
const KEPT: Duration = Duration::from_mins(1);

/// For how long a handle can be given back.
const STREAM_TTL: Duration = Duration::from_hours(1);

/// How many events of one stream are told to another replica.
const FORWARDED: u32 = 10_000;

/// How many streams whose calls are over are kept here.
const KEPT_STREAMS: usize = 1024;

/// How often a call asks whether its caller still is one; well within the bound of five seconds.
pub(super) const DOUBT_EVERY: Duration = Duration::from_secs(2);

/// For how long calls may go on when the process is to stop.
pub(super) const LAST_CALLS: Duration = Duration::from_secs(10);

/// Lets `exchange` go on by itself, and puts what comes of it into `outbox`.
pub(super) async fn run(
    edge: Arc<Edge>,
    principal: Arc<Principal>,
    mut exchange: Exchange,
    outbox: Arc<Outbox>,
    (id, cancelled): (RequestId, Bell),
) {
    let share = edge.waiting.take(&principal);
    if share.is_none() {
        return outbox.finish(Err(Fault::TooMany.of(id)));
    }
    let mut doubt = tokio::time::interval(DOUBT_EVERY);
    let closing = async {
        edge.closing().await;
        tokio::time::sleep(LAST_CALLS).await;
    };
    tokio::pin!(closing);
    loop {
        tokio::select! {
            biased;
            outgoing = exchange.next() => match outgoing {
                Some(Outgoing::Note(message)) => outbox.note(message),
                Some(Outgoing::Question(message)) => outbox.question(message),
                Some(Outgoing::HangUp) => outbox.hang_up(),
                Some(Outgoing::Response(outcome)) => return outbox.finish(outcome),
                None => return outbox.close(),
            },
            () = cancelled.rung() => {
                let notes = edge.store.read_notes(&principal.tenant, cancelled.topic()).await;
                // What is cancelled is not heard of again (basic/utilities/cancellation).
                if notes.is_ok_and(|notes| !notes.is_empty()) {
                    return outbox.close();
                }
            }
            _ = doubt.tick() => {
                if !edge.trusts(&principal) {
                    return outbox.finish(Err(Fault::Unauthorized.of(id)));
                }
            }
            () = &mut closing => return outbox.finish(Err(Fault::Closing.of(id))),
        }
    }
}

/// What a request's cancellation is noted under.
pub(super) fn cancellation(session: &Session, id: &RequestId) -> Digest {
    let id = serde_json::to_vec(id).unwrap_or_default();
    Digest::of(&[session.topic.as_bytes(), b"/cancelled/".as_slice(), &id].concat())
}

/// What the wish for a stream's events is noted under.
fn wish(stream: &Digest) -> Digest {
    Digest::of(&[stream.as_bytes(), b"/wanted".as_slice()].concat())
}

/// The message that an outcome is; in a stream the status has long been sent.
pub(super) fn message(outcome: Outcome) -> Bytes {
    outcome.map_or_else(|error: RpcError| error.to_bytes(), Reply::into_bytes)
}

impl Edge {
    /// A handle for a new stream of `session`.
    pub(super) fn name_stream(
        &self,
        principal: &Principal,
        session: &Session,
        opened: &Opened,
    ) -> Result<Stream, Fault> {
        let purpose = Purpose::Stream(&session.topic);
        let handle = self.seals.seal(purpose, principal, opened, STREAM_TTL)?;
        let topic = Digest::of(handle.as_bytes());
        Ok(Stream { handle, topic })
    }

    /// The stream that a handle of `session` stands for.
    pub(super) fn open_stream(
        &self,
        principal: &Principal,
        session: &Session,
        handle: &str,
    ) -> Option<(Stream, Opened)> {
        let purpose = Purpose::Stream(&session.topic);
        let opened = self.seals.open(purpose, principal, handle)?;
        let topic = Digest::of(handle.as_bytes());
        let handle = handle.to_owned();
        Some((Stream { handle, topic }, opened))
    }

    /// Keeps `outbox` for whoever comes back to `stream`, here or at another replica.
    pub(super) fn keep(
        self: &Arc<Self>,
        principal: &Arc<Principal>,
        stream: &Stream,
        outbox: &Arc<Outbox>,
    ) {
        let mut outboxes = self.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if outboxes.len() >= KEPT_STREAMS {
            outboxes.retain(|_, outbox| !outbox.is_finished());
        }
        outboxes.insert(stream.topic, Arc::clone(outbox));
        drop(outboxes);
        let bell = self.bell(wish(&stream.topic));
        let keeping = keep(
            Arc::clone(self),
            Arc::clone(principal),
            stream.topic,
            Arc::clone(outbox),
            bell,
        );
        tokio::spawn(origin::carried(keeping));
    }

    /// What a stream still has to say that is of this process.
    pub(super) fn kept(&self, stream: &Stream) -> Option<Arc<Outbox>> {
        let outboxes = self.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
        outboxes.get(&stream.topic).cloned()
    }

    /// Asks the other replicas for what a stream still has to say. What they tell rings the bell.
    pub(super) async fn fetch(
        &self,
        principal: &Principal,
        stream: &Stream,
    ) -> Result<Bell, Fault> {
        let bell = self.bell(stream.topic);
        let bounds = (NOTE_TTL, 1);
        self.leave(
            &principal.tenant,
            wish(&stream.topic),
            String::new(),
            bounds,
        )
        .await?;
        Ok(bell)
    }
}

async fn keep(
    edge: Arc<Edge>,
    principal: Arc<Principal>,
    topic: Digest,
    outbox: Arc<Outbox>,
    bell: Bell,
) {
    let over = async {
        outbox.finished().await;
        tokio::time::sleep(KEPT).await;
    };
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => break,
            () = bell.rung() => {
                let notes = edge.store.read_notes(&principal.tenant, bell.topic()).await;
                if notes.is_ok_and(|notes| !notes.is_empty()) {
                    forward(&edge, &principal, topic, &outbox).await;
                    break;
                }
            }
        }
    }
    let mut outboxes = edge.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
    outboxes.remove(&topic);
}

/// Leaves all that there is to say for the replica that the client has come back to.
async fn forward(edge: &Edge, principal: &Principal, topic: Digest, outbox: &Outbox) {
    let reader = outbox.attach();
    let mut number = 0;
    while let Some((found, item)) = outbox.next(reader, number).await {
        number = found + 1;
        let (text, last) = match item {
            Item::Message(text) => (text, false),
            Item::Response(outcome) => (message(outcome), true),
        };
        let forwarded = Forwarded {
            number: found,
            message: String::from_utf8_lossy(&text).into_owned(),
            last,
        };
        let Ok(body) = serde_json::to_string(&forwarded) else {
            return;
        };
        let bounds = (NOTE_TTL, FORWARDED);
        if edge
            .leave(&principal.tenant, topic, body, bounds)
            .await
            .is_err()
        {
            return;
        }
    }
}
