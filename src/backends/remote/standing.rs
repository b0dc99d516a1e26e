//! The stream of a session for what belongs to no request (2025-11-25 basic/transports, listening
//! for messages from the server). Many servers log and ask there while they work on a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::super::Aside;
use super::converse::is_for_clients;
use super::failure::Failure;
use super::line::Notice;
use super::message::{self, Heard};
use super::transport::{Conversation, Transport};
use crate::model::{ClientId, UserId};

/// The stream of one session. It ends when nobody keeps this.
#[derive(Debug)]
pub(super) struct Standing {
    calls: Arc<Calls>,
    state: watch::Receiver<StandingState>,
    _reading: AbortOnDropHandle<()>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StandingState {
    /// Nothing yet.
    #[default]
    Opening,
    /// It is open.
    Open,
    /// The server has none.
    None,
    /// The session has ended.
    Over,
}

/// Who hears what belongs to no call.
#[derive(Clone, Debug)]
pub(super) struct Listeners {
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) asides: broadcast::Sender<Arc<Aside>>,
    /// Whose session it is; none where it is nobody's, or everybody's.
    pub(super) holder: Option<(UserId, ClientId)>,
}

/// A question that waits for somebody who can be asked.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

/// The calls of the session that are under way, the latest last, and what waits for the next one.
#[derive(Debug, Default)]
struct Calls {
    under_way: Mutex<Vec<(u64, mpsc::Sender<Heard>)>>,
    waiting: Mutex<Vec<Waiting>>,
    /// Whether nothing was said beside the last call. Of a new session that is not known.
    is_silent: AtomicBool,
}

/// What is heard for one call.
#[derive(Debug)]
pub(super) struct Ear {
    calls: Arc<Calls>,
    id: u64,
    received: mpsc::Receiver<Heard>,
    has_heard: bool,
}

/// How many questions may wait for a call.
const QUESTIONS: usize = 4;

/// How much may wait for a call that is slow to take it.
const WAITING: usize = 64;

/// After how long a stream that broke is opened again, the first time and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long opening one may take; a server may hold back the head of its answer until it has
/// something to say.
const OPENING: Duration = Duration::from_mins(10);

/// How long a session waits for its stream before it does without.
const PATIENCE: Duration = Duration::from_secs(1);

/// A stream that lasted so long was a good one.
const LASTED: Duration = Duration::from_secs(30);

const METHOD_NOT_FOUND: i64 = -32601;

impl Standing {
    /// Opens the stream of the session that `headers` name.
    pub(super) fn open(transport: Transport, headers: HeaderMap, listeners: Listeners) -> Self {
        let calls = Arc::<Calls>::default();
        let (sender, state) = watch::channel(StandingState::default());
        let reader = Reader {
            transport,
            headers,
            listeners,
            calls: Arc::clone(&calls),
            state: sender,
        };
        Self {
            calls,
            state,
            _reading: AbortOnDropHandle::new(tokio::spawn(reader.run())),
        }
    }

    /// Hears what may be about the call `id`, for as long as it is kept. None where nothing is ever said.
    pub(super) fn hear(&self, id: u64) -> Option<Ear> {
        if *self.state.borrow() == StandingState::None {
            return None;
        }
        let (sender, received) = mpsc::channel(WAITING);
        self.calls.under_way().push((id, sender));
        Some(Ear {
            calls: Arc::clone(&self.calls),
            id,
            received,
            has_heard: false,
        })
    }

    /// What the server asked while nothing was under way, to be asked now.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.calls.waiting())
    }

    /// Waits until it is open, or it is known that it won't be.
    pub(super) async fn opened(&self) {
        let mut state = self.state();
        let known = state.wait_for(|state| *state != StandingState::Opening);
        drop(tokio::time::timeout(PATIENCE, known).await);
    }

    /// What becomes of it.
    pub(super) fn state(&self) -> watch::Receiver<StandingState> {
        self.state.clone()
    }
}

impl Ear {
    /// The next message that may be about the call. It never ends.
    pub(super) async fn next(&mut self) -> Heard {
        match self.received.recv().await {
            Some(heard) => {
                self.has_heard = true;
                heard
            }
            None => std::future::pending().await,
        }
    }

    /// Whether more may come after the response than what is here by then: a server that spoke beside the
    /// last call, or this one, speaks again.
    pub(super) fn expects_more(&self) -> bool {
        self.has_heard || !self.calls.is_silent.load(Ordering::Relaxed)
    }

    /// Notes what the next call may expect.
    pub(super) fn conclude(self) {
        let is_silent = !self.has_heard;
        self.calls.is_silent.store(is_silent, Ordering::Relaxed);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.calls.under_way().retain(|(id, _)| *id != self.id);
    }
}

impl Calls {
    /// The call that began last. The session is of one person and one client, so that nobody else
    /// is told what was meant for another call.
    fn latest(&self) -> Option<mpsc::Sender<Heard>> {
        self.under_way().last().map(|(_, sender)| sender.clone())
    }

    /// Has the question wait for the next call, where there is room for it.
    fn waits(&self, question: &Waiting) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.len() < QUESTIONS;
        if has_room {
            waiting.push(question.clone());
        }
        has_room
    }

    /// The server no longer wants to know.
    fn take_back(&self, id: Option<&Value>) {
        self.waiting().retain(|waiting| Some(&waiting.id) != id);
    }

    fn under_way(&self) -> MutexGuard<'_, Vec<(u64, mpsc::Sender<Heard>)>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Reader {
    transport: Transport,
    headers: HeaderMap,
    listeners: Listeners,
    calls: Arc<Calls>,
    state: watch::Sender<StandingState>,
}

impl Reader {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            match self.stand().await {
                Ok(StandingState::None) => {
                    self.state.send_replace(StandingState::None);
                    return;
                }
                Err(Failure::SessionEnded) => break,
                Ok(_) | Err(_) => {}
            }
            let lasted = begun.elapsed() > LASTED;
            pause = if lasted {
                FIRST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            tokio::time::sleep(pause).await;
        }
        self.state.send_replace(StandingState::Over);
    }

    /// Reads the stream once, from its beginning to its end.
    async fn stand(&self) -> Result<StandingState, Failure> {
        let opened = self.transport.listen(&self.headers);
        let opened = tokio::time::timeout(OPENING, opened).await;
        let Some(stream) = opened.map_err(|_| Failure::TimedOut)?? else {
            return Ok(StandingState::None);
        };
        self.state.send_replace(StandingState::Open);
        self.read(stream).await?;
        Ok(StandingState::Open)
    }

    async fn read(&self, mut stream: Conversation) -> Result<(), Failure> {
        while let Some(heard) = stream.next().await? {
            match heard {
                Heard::Notification { method, params } => match Notice::of(&method, &params) {
                    // Nobody listens, most of the time.
                    Some(notice) => drop(self.listeners.notices.send(notice)),
                    None => self.pass(method, params),
                },
                Heard::Request { id, method, params } => self.ask(id, method, params).await,
                Heard::Response { .. } | Heard::HungUp => {}
            }
        }
        Ok(())
    }

    fn pass(&self, method: String, params: Map<String, Value>) {
        if method == "notifications/cancelled" {
            return self.calls.take_back(params.get("requestId"));
        }
        match (self.calls.latest(), &self.listeners.holder) {
            // A call that does not take it has more to do.
            (Some(call), _) => drop(call.try_send(Heard::Notification { method, params })),
            (None, Some((user, client))) if is_for_clients(&method) => {
                let aside = Aside {
                    user: user.clone(),
                    client: client.clone(),
                    method,
                    params,
                };
                self.calls.is_silent.store(false, Ordering::Relaxed);
                // Nobody listens, most of the time.
                drop(self.listeners.asides.send(Arc::new(aside)));
            }
            (None, _) => {}
        }
    }

    /// Passes on a question. One that comes while nothing is under way waits for the next call of
    /// the session's holder; where many have the session, it is refused.
    async fn ask(&self, id: Value, method: String, params: Map<String, Value>) {
        let waiting = Waiting { id, method, params };
        let (latest, is_held) = (self.calls.latest(), self.listeners.holder.is_some());
        let (id, method) = (&waiting.id, &waiting.method);
        let answer: Bytes = match latest {
            _ if method == "ping" => message::result(id, &Map::new()),
            Some(call) => {
                let Waiting { id, method, params } = waiting;
                return drop(call.try_send(Heard::Request { id, method, params }));
            }
            None if is_held && self.calls.waits(&waiting) => return,
            None => message::refusal(id, METHOD_NOT_FOUND, "Nobody can be asked now"),
        };
        drop(self.transport.send(&self.headers, answer).await);
    }
}
