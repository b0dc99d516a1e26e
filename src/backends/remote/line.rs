//! The line to one mounted server: how it is met, in which revision, and one request after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use moka::future::Cache;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, broadcast};
use tokio::time::Instant;

use super::super::{Aside, CallContext, ListChange};
use super::breaker::Breaker;
use super::converse::{Cancellation, Told};
use super::failure::{Answered, Failure};
use super::headers;
use super::http::in_session;
use super::measure::Measure;
use super::message::{self, Heard};
use super::rewrite::Rewriter;
use super::session::{Session, SessionKey};
use super::speech::{self, MODERN, Welcome};
use super::transport::{Conversation, Transport};
use crate::model::{Principal, UpstreamLimits};
use crate::telemetry::{Meters, trace};

/// The line to one server.
#[derive(Debug)]
pub(super) struct Line {
    /// What its tenant calls it, and what logs do.
    pub(super) name: String,
    pub(super) label: String,
    pub(super) meters: Meters,
    pub(super) transport: Transport,
    pub(super) limits: UpstreamLimits,
    pub(super) breaker: Breaker,
    pub(super) rewriter: Rewriter,
    /// What it tells without being asked.
    pub(super) notices: broadcast::Sender<Notice>,
    /// What it tells one person at one client beside their calls.
    pub(super) asides: broadcast::Sender<Arc<Aside>>,
    slots: Semaphore,
    welcome: Cache<(), Arc<Welcome>>,
    pub(super) sessions: Cache<SessionKey, Arc<Session>>,
    next_id: AtomicU64,
}

/// Something that a server tells without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// One of its lists is not what it was.
    List(ListChange),
    /// The resource of this URI, as the server knows it, may have changed.
    Updated(String),
}

impl Notice {
    /// What a notification says; none where it says something else.
    pub(super) fn of(method: &str, params: &Map<String, Value>) -> Option<Self> {
        Some(match method {
            "notifications/tools/list_changed" => Self::List(ListChange::Tools),
            "notifications/prompts/list_changed" => Self::List(ListChange::Prompts),
            "notifications/resources/list_changed" => Self::List(ListChange::Resources),
            "notifications/resources/updated" => {
                Self::Updated(params.get("uri")?.as_str()?.to_owned())
            }
            _ => return None,
        })
    }
}

/// A request.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) params: Map<String, Value>,
    /// What `Mcp-Name` says.
    pub(super) name: Option<String>,
    /// The headers of single arguments.
    pub(super) mirrored: HeaderMap,
}

/// For how long a session is kept that nobody uses, and how many are.
pub(super) const IDLE: Duration = Duration::from_mins(5);
const SESSIONS: u64 = 1024;

/// After how long a server is asked again which revision it speaks.
const WELCOME: Duration = Duration::from_hours(1);

/// How many notices a slow listener may be behind.
const NOTICES: usize = 64;

impl Line {
    pub(super) fn new(
        (name, label, meters): (String, String, Meters),
        transport: Transport,
        limits: UpstreamLimits,
        rewriter: Rewriter,
    ) -> Self {
        let sessions = Cache::builder();
        let welcome = Cache::builder().max_capacity(1).time_to_live(WELCOME);
        Self {
            name,
            label,
            meters,
            transport,
            limits,
            rewriter,
            breaker: Breaker::default(),
            notices: broadcast::Sender::new(NOTICES),
            asides: broadcast::Sender::new(NOTICES),
            slots: Semaphore::new(limits.max_concurrent),
            welcome: welcome.build(),
            sessions: sessions.max_capacity(SESSIONS).time_to_idle(IDLE).build(),
            next_id: AtomicU64::new(1),
        }
    }

    /// What the server said when it was met.
    pub(super) async fn welcome(&self) -> Result<Arc<Welcome>, Failure> {
        if let Some(met) = self.welcome.get(&()).await {
            return Ok(met);
        }
        let met = self.welcome.try_get_with((), Box::pin(self.meet()));
        Box::pin(met)
            .await
            .map_err(|failure| Failure::clone(&failure))
    }

    /// The same for whoever reads its lists. That is tried from time to time even where the server is left alone:
    /// so it shows when that is over.
    pub(super) async fn greet(&self) -> Result<Arc<Welcome>, Failure> {
        if let Some(met) = self.welcome.get(&()).await {
            return Ok(met);
        }
        let met = self.welcome().await;
        if !self.transport.answers_itself("server/discover") {
            let failed = met.as_ref().is_err_and(Failure::is_outage);
            self.breaker.note(failed, Instant::now());
        }
        met
    }

    /// Has `ask` answered, for the client of `context` where there is one.
    pub(super) async fn ask(
        self: &Arc<Self>,
        ask: &Ask,
        caller: Option<(&Principal, &CallContext)>,
    ) -> Answered {
        let measure = Measure::begin(self, ask);
        let answered = measure.span.around(self.ask_within(ask, caller)).await;
        measure.end(&answered);
        answered
    }

    async fn ask_within(
        self: &Arc<Self>,
        ask: &Ask,
        caller: Option<(&Principal, &CallContext)>,
    ) -> Answered {
        let _slot = self.slots.try_acquire().map_err(|_| Failure::Busy)?;
        let is_asked = !self.transport.answers_itself(ask.method);
        if is_asked && !self.breaker.admits(Instant::now()) {
            return Err(Failure::LeftAlone);
        }
        let answered = self.try_ask(ask, caller).await;
        let answered = match answered {
            // The server has done nothing with it, so that it is no second time.
            Err(Failure::SessionEnded) => self.try_ask(ask, caller).await,
            answered => answered,
        };
        let outage = answered
            .as_ref()
            .err()
            .filter(|failure| failure.is_outage());
        if let Some(failure) = outage {
            tracing::warn!(server = self.label, %failure, "a mounted server failed");
            self.welcome.invalidate(&()).await;
        }
        if is_asked {
            self.breaker.note(outage.is_some(), Instant::now());
        }
        answered
    }

    async fn try_ask(
        self: &Arc<Self>,
        ask: &Ask,
        caller: Option<(&Principal, &CallContext)>,
    ) -> Answered {
        let capabilities = match caller {
            Some((_, context)) => speech::capabilities_of(context),
            None => speech::every_capability(),
        };
        let welcome = self.welcome().await?;
        let id = self.next_id();
        let context = caller.map(|(_, context)| context);
        let mut meta = Map::new();
        if let Some(context) = context {
            meta.extend(context.extras.meta.clone());
            if context.progress.is_some() {
                meta.insert("progressToken".to_owned(), id.into());
            }
            trace::inject_meta(&mut meta);
        }
        // Where the server speaks both, it hears each client in its own revision: what one of them has
        // and the other has not needs no translation then.
        let has_session = context.is_some_and(|context| context.extras.has_session);
        if welcome.is_modern() && !(has_session && welcome.has_sessions) {
            let peer = context.and_then(|context| context.peer.as_ref());
            let level = peer.and_then(|peer| peer.log_level());
            meta.extend(speech::modern_meta(capabilities, level));
            let mut headers = in_session(MODERN, None);
            headers::mirror(&mut headers, ask.method, ask.name.as_deref());
            headers.extend(ask.mirrored.clone());
            let body = message::request_about(id, ask.method, &ask.params, &meta);
            // Where there are other connections, to hang up says it.
            let told = if self.transport.is_shared() {
                Told::Plainly
            } else {
                Told::Not
            };
            let cancellation = Cancellation::new(self, told, id);
            let opened = self.open(&headers, body, id).await;
            let opened = opened.map_err(Failure::in_modern_words)?;
            let answered = self.converse(opened, context, (None, cancellation)).await;
            return answered.map_err(Failure::in_modern_words);
        }
        let key = self.key_of(caller.map(|(principal, _)| principal), &capabilities);
        let session = if self.transport.is_shared() {
            self.common_session().await?
        } else {
            self.session(&key, &capabilities).await?
        };
        let body = message::request_about(id, ask.method, &ask.params, &meta);
        let answered = async {
            self.ask_what_waits(&session, context).await?;
            let told = Told::Within(Arc::clone(&session));
            let cancellation = Cancellation::new(self, told, id);
            // The server may speak before the head of its answer is here.
            let ear = session.standing.hear(id);
            let opened = self.open(session.headers(), body, id).await?;
            let beside = Some((&session, ear));
            self.converse(opened, context, (beside, cancellation)).await
        };
        let answered = answered.await;
        if matches!(answered, Err(Failure::SessionEnded)) {
            self.sessions.invalidate(&key).await;
        }
        answered
    }

    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request, and waits for the head of what comes of it.
    async fn open(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<Conversation, Failure> {
        let opened = self.transport.open(headers, body, id);
        let opened = tokio::time::timeout(self.limits.deadline, opened).await;
        let (_, conversation) = opened.map_err(|_| Failure::TimedOut)??;
        Ok(conversation)
    }

    /// Finds out which revision the server speaks (2026-07-28 basic/versioning): a modern request
    /// first, and `initialize` where that is not understood.
    async fn meet(&self) -> Result<Arc<Welcome>, Failure> {
        let id = self.next_id();
        let mut params = Map::new();
        let meta = speech::modern_meta(speech::every_capability(), None);
        params.insert("_meta".to_owned(), Value::Object(meta));
        let mut headers = in_session(MODERN, None);
        headers::mirror(&mut headers, "server/discover", None);
        let body = message::request(id, "server/discover", &params);
        let discovered = self.exchange(&headers, body, id).await;
        match discovered {
            Ok((_, result)) => {
                if let Some(welcome) = Welcome::discovered(result) {
                    return Ok(Arc::new(welcome));
                }
            }
            Err(Failure::Error(_) | Failure::Protocol(_) | Failure::SessionEnded) => {}
            Err(failure) => return Err(failure),
        }
        let session = self.common_session().await?;
        Ok(Arc::clone(&session.welcome))
    }

    /// A request whose answer is all that matters.
    pub(super) async fn exchange(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(HeaderMap, Map<String, Value>), Failure> {
        let exchanged = self.exchange_at_leisure(headers, body, id);
        let exchanged = tokio::time::timeout(self.limits.deadline, exchanged).await;
        exchanged.map_err(|_| Failure::TimedOut)?
    }

    async fn exchange_at_leisure(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        id: u64,
    ) -> Result<(HeaderMap, Map<String, Value>), Failure> {
        let (head, mut conversation) = self.transport.open(headers, body, id).await?;
        while let Some(heard) = conversation.next().await? {
            match heard {
                Heard::Response {
                    id: answered,
                    outcome,
                } => {
                    check_id(answered, id)?;
                    return Ok((head, outcome?.into_members()));
                }
                Heard::Notification { method, params } => self.notice(&method, &params),
                Heard::Request { .. } | Heard::HungUp => {}
            }
        }
        Err(Failure::Unreachable)
    }

    /// Passes on what the server tells without being asked.
    pub(super) fn notice(&self, method: &str, params: &Map<String, Value>) {
        if let Some(notice) = Notice::of(method, params) {
            // Nobody listens, most of the time.
            drop(self.notices.send(notice));
        }
    }
}

/// Refuses the answer to another request: whose it is can't be known.
pub(super) fn check_id(answered: Option<u64>, id: u64) -> Result<(), Failure> {
    match answered {
        Some(answered) if answered != id => Err(Failure::Protocol("the answer to another request")),
        Some(_) | None => Ok(()),
    }
}
