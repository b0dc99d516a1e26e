//! Event streams (2026-07-28 streamable-http, receiving messages; 2025-11-25 basic/transports).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::bells::Bell;
use super::edge::Edge;
use super::error::{Fault, RpcError};
use super::exchange::{Exchange, Outcome, Outgoing};
use super::lasting::{DOUBT_EVERY, Forwarded, LAST_CALLS, Stream, message};
use super::listen::{Heard, Listener, is_silent};
use super::message::RequestId;
use super::outbox::{Item, Outbox};
use crate::model::Principal;
use crate::telemetry::origin;

/// What is written while nothing happens, so that nobody on the way takes the stream for dead.
const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// After how many milliseconds a client should come back (2025-11-25 basic/transports, SEP-1699).
const RETRY: &str = "1000";

/// For how long another replica may take until it tells the first event, and each one after it.
const FIRST_EVENT: Duration = Duration::from_secs(10);
const NEXT_EVENT: Duration = Duration::from_mins(10);

/// A stream of one message.
pub(super) fn once(outcome: Outcome) -> Response {
    respond(Body::from(event(None, &message(outcome))))
}

/// The stream of a request that ends with its connection.
pub(super) struct Direct {
    pub(super) edge: Arc<Edge>,
    pub(super) principal: Arc<Principal>,
    pub(super) exchange: Exchange,
    pub(super) id: RequestId,
}

/// What a [`Direct`] stream waits for beside its messages.
struct Watch {
    doubt: Interval,
    quiet_since: Instant,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
}

/// The stream of a request that may be resumed.
pub(super) struct Resumable {
    pub(super) outbox: Arc<Outbox>,
    pub(super) reader: u64,
    /// The number of the next event.
    pub(super) next: u64,
    pub(super) stream: Stream,
    /// True when the first event is to be empty, so that there is one to come back to.
    pub(super) primed: bool,
    /// After how long a comment is written when nothing happens.
    pub(super) quiet: Duration,
}

/// A stream that another replica feeds.
pub(super) struct Elsewhere {
    pub(super) edge: Arc<Edge>,
    pub(super) principal: Arc<Principal>,
    pub(super) stream: Stream,
    pub(super) bell: Bell,
    pub(super) next: u64,
    /// The request that is answered, where that is known.
    pub(super) id: Option<RequestId>,
    /// When the other replica last told something, once it has.
    pub(super) told_at: Option<Instant>,
    pub(super) since: Instant,
}

/// Streams `first`, where there is something already, and what comes of the exchange. When the
/// client hangs up the body is dropped, and with it the exchange: that cancels the request.
pub(super) fn direct(first: Option<Bytes>, direct: Direct) -> Response {
    let watch = Watch::new(&direct.edge);
    let state = (first, direct, watch);
    let pieces = stream::unfold(state, |(first, mut direct, mut watch)| async move {
        let piece = match first {
            Some(first) => event(None, &first),
            None => direct.next(&mut watch).await?,
        };
        Some((Ok::<_, Infallible>(piece), (None, direct, watch)))
    });
    respond_with(pieces)
}

/// Streams what is in the outbox from the next event on.
pub(super) fn resumable(resumable: Resumable) -> Response {
    let pieces = stream::unfold(resumable, |mut resumable| async move {
        let piece = resumable.next().await?;
        Some((Ok::<_, Infallible>(piece), resumable))
    });
    respond_with(pieces)
}

/// Streams what another replica tells.
pub(super) fn elsewhere(elsewhere: Elsewhere) -> Response {
    let state = (elsewhere, Vec::new().into_iter(), false);
    let pieces = stream::unfold(state, |(mut elsewhere, mut ready, last)| async move {
        if last {
            return None;
        }
        let (piece, last) = elsewhere.next(&mut ready).await;
        Some((Ok::<_, Infallible>(piece), (elsewhere, ready, last)))
    });
    respond_with(pieces)
}

/// Streams what `listener` hears; with event ids where the stream has a name.
pub(super) fn listening(listener: Listener, stream: Option<Stream>) -> Response {
    let state = (listener, stream, 0_u64);
    let pieces = stream::unfold(state, |(mut listener, stream, number)| async move {
        let piece = if number == 0 && stream.is_some() {
            primer(stream.as_ref()?)
        } else {
            match listener.next().await? {
                Heard::Message(message) => {
                    let id = stream.as_ref().map(|stream| (stream, number));
                    event(id, &message)
                }
                Heard::Nothing => KEEP_ALIVE,
            }
        };
        Some((Ok::<_, Infallible>(piece), (listener, stream, number + 1)))
    });
    respond_with(pieces)
}

impl Watch {
    fn new(edge: &Arc<Edge>) -> Self {
        let mut doubt = tokio::time::interval(DOUBT_EVERY);
        doubt.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let edge = Arc::clone(edge);
        let closing = async move {
            edge.closing().await;
            tokio::time::sleep(LAST_CALLS).await;
        };
        Self {
            doubt,
            quiet_since: Instant::now(),
            closing: Box::pin(closing),
            is_over: false,
        }
    }
}

impl Direct {
    /// The next event, or a comment when there is none for a while.
    async fn next(&mut self, watch: &mut Watch) -> Option<Bytes> {
        if watch.is_over {
            return None;
        }
        let fault = loop {
            tokio::select! {
                biased;
                outgoing = self.exchange.next() => {
                    let piece = match outgoing? {
                        Outgoing::Note(message) | Outgoing::Question(message) => message,
                        Outgoing::Response(outcome) => message(outcome),
                        // Nobody could come back to this stream.
                        Outgoing::HangUp => continue,
                    };
                    watch.quiet_since = Instant::now();
                    return Some(event(None, &piece));
                }
                _ = watch.doubt.tick() => {
                    if !self.edge.trusts(&self.principal) {
                        break Fault::Unauthorized;
                    }
                    if is_silent(watch.quiet_since) {
                        watch.quiet_since = Instant::now();
                        return Some(KEEP_ALIVE);
                    }
                }
                () = &mut watch.closing => break Fault::Closing,
            }
        };
        watch.is_over = true;
        Some(event(None, &fault.of(self.id.clone()).to_bytes()))
    }
}

impl Resumable {
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.primed) {
            return Some(primer(&self.stream));
        }
        let item = self.outbox.next(self.reader, self.next);
        let Ok(found) = tokio::time::timeout(self.quiet, item).await else {
            return Some(KEEP_ALIVE);
        };
        let (number, item) = found?;
        self.next = number + 1;
        let text = match item {
            Item::Message(text) => text,
            Item::Response(outcome) => message(outcome),
        };
        Some(event(Some((&self.stream, self.next)), &text))
    }
}

impl Elsewhere {
    /// The next event, and whether it is the last one.
    async fn next(&mut self, ready: &mut std::vec::IntoIter<Forwarded>) -> (Bytes, bool) {
        let begun = Instant::now();
        loop {
            if let Some(told) = ready.next() {
                self.next = told.number + 1;
                self.told_at = Some(Instant::now());
                let id = Some((&self.stream, self.next));
                return (event(id, &Bytes::from(told.message)), told.last);
            }
            let told = self.read().await;
            if !told.is_empty() {
                *ready = told.into_iter();
                continue;
            }
            if let Some(fault) = self.lost() {
                let error = RpcError::with_id(fault, self.id.clone());
                return (event(None, &error.to_bytes()), true);
            }
            if is_silent(begun) {
                return (KEEP_ALIVE, false);
            }
            let _ = tokio::time::timeout(DOUBT_EVERY, self.bell.rung()).await;
        }
    }

    /// What was told and not yet passed on.
    async fn read(&self) -> Vec<Forwarded> {
        let store = &self.edge.store;
        let notes = store.read_notes(&self.principal.tenant, &self.stream.topic);
        let notes = notes.await.unwrap_or_default();
        let told = notes
            .iter()
            .filter_map(|note| serde_json::from_str(note).ok());
        let mut told: Vec<Forwarded> = told
            .filter(|told: &Forwarded| told.number >= self.next)
            .collect();
        told.sort_by_key(|told| told.number);
        told
    }

    /// Why there is no use in waiting.
    fn lost(&self) -> Option<Fault> {
        let is_lost = match self.told_at {
            None => self.since.elapsed() >= FIRST_EVENT,
            Some(at) => at.elapsed() >= NEXT_EVENT,
        };
        if is_lost {
            Some(Fault::Lost)
        } else {
            (!self.edge.trusts(&self.principal)).then_some(Fault::Unauthorized)
        }
    }
}

fn respond_with(
    pieces: impl futures_util::Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
) -> Response {
    let open = Open::new();
    let pieces = pieces.inspect(move |_| {
        let _held = &open;
    });
    respond(Body::from_stream(origin::carried_stream(pieces)))
}

fn respond(body: Body) -> Response {
    const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store, no-transform"),
        (NO_BUFFERING, "no"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, body).into_response()
}

/// How many streams this process has open.
static OPEN: AtomicI64 = AtomicI64::new(0);

/// How many event streams are open in this process.
#[must_use]
pub fn open_streams() -> i64 {
    OPEN.load(Ordering::Relaxed)
}

/// A stream that is open.
struct Open;

impl Open {
    fn new() -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The event before all others, to which a client can come back that got no other.
fn primer(stream: &Stream) -> Bytes {
    let handle = &stream.handle;
    format!("id: {handle}.0\nretry: {RETRY}\ndata:\n\n").into()
}

/// One event; messages have no line breaks.
fn event(id: Option<(&Stream, u64)>, message: &Bytes) -> Bytes {
    let id = id.map(|(stream, number)| format!("id: {}.{number}\n", stream.handle));
    let id = id.unwrap_or_default();
    let parts: [&[u8]; 4] = [b"event: message\n", id.as_bytes(), b"data: ", message];
    [parts.concat().as_slice(), b"\n\n"].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_stream_is_kept_alive_with_comments() {
        let mut silent = Resumable {
            outbox: Arc::default(),
            reader: 0,
            next: 0,
            stream: Stream {
                handle: "s".to_owned(),
                topic: crate::model::Digest::of(b"s"),
            },
            primed: true,
            quiet: Duration::from_millis(1),
        };
        let first = silent.next().await.unwrap();
        assert_eq!(first, "id: s.0\nretry: 1000\ndata:\n\n");
        for _ in 0..2 {
            assert_eq!(silent.next().await.unwrap(), ":\n\n");
        }
    }
}
