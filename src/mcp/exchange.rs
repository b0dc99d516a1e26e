//! A request under way: what it tells and its outcome as the messages that they become
//! (2026-07-28 basic/patterns/progress and cancellation, server/utilities/logging).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::caller::Caller;
use super::dispatch::Dispatcher;
use super::error::{Fault, RpcError};
use super::extras;
use super::message::{Request, RequestId};
use super::parked;
use super::reply::Reply;
use super::revision::Revision;
use super::session::Session;
use super::tasks::{self, Task};
use crate::backends::{CallContext, LogLevel, LogRecord, Peer, Progress, ProgressSink};
use crate::model::TenantSlug;
use crate::resource_server::Permit;
use crate::telemetry::origin;

/// A request that is being answered. To drop it is to cancel it.
pub(super) struct Exchange {
    state: State,
    feed: Option<Feed>,
    /// Tells whatever the backend has spawned.
    gone: Option<DropGuard>,
    caller: Option<Arc<Caller>>,
}

/// How a request came, and so what its way back can carry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// True where messages may come before the response.
    pub(super) events: bool,
}

/// What comes of a request.
pub(super) type Outcome = Result<Reply, RpcError>;

/// A message to the caller.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A notification that may be left out: progress, or a log record.
    Note(Bytes),
    /// A request to the caller.
    Question(Bytes),
    /// The stream is to end for now.
    HangUp,
    /// The response, after which nothing comes.
    Response(Outcome),
}

/// Where what is said is heard.
pub(super) type Wire = (mpsc::Sender<Said>, mpsc::Receiver<Said>);

/// What a backend says while it works.
#[derive(Debug)]
pub(super) enum Said {
    /// How far it has come.
    Progress(Progress),
    /// Something for the client's log.
    Log(LogRecord),
    /// A notification of a server elsewhere, as it is.
    Notification(Bytes),
    /// A request to the client.
    Question(Bytes),
    /// It goes on as a task; the sender learns when the client was answered.
    Deferred(Arc<Task>, oneshot::Sender<()>),
    /// It goes on without its client until that calls again: what is asked, and who learns when the
    /// client was answered.
    Parked(Vec<u8>, oneshot::Sender<()>),
    /// It lets go of the client's connection.
    HangUp,
}

enum State {
    Running(BoxFuture<'static, Outcome>),
    Finished(Box<Outcome>),
    Over,
}

/// What was said and not yet told.
pub(super) struct Feed {
    received: mpsc::Receiver<Said>,
    dispatcher: Arc<Dispatcher>,
    id: RequestId,
    revision: Revision,
    token: Option<Value>,
    last: Option<f64>,
    /// The session whose log level decides, where one does.
    session: Option<(TenantSlug, Session)>,
    level: Option<LogLevel>,
    /// A log record for which the level is looked up.
    record: Option<LogRecord>,
}

/// How much may wait for a slow caller; of progress and logs, what comes on top is left out.
pub(super) const WAITING: usize = 32;

/// What a session is told from that has not said what it wants (2025-11-25 server/utilities/
/// logging leaves it to the server).
pub(super) const UNTOLD_LEVEL: LogLevel = LogLevel::Info;

impl Exchange {
    /// Begins to have `request` answered.
    pub(super) fn new(
        dispatcher: Arc<Dispatcher>,
        permit: Permit,
        mut request: Request,
        way: Way,
    ) -> Result<Self, RpcError> {
        let cancellation = CancellationToken::new();
        let gone = cancellation.clone().drop_guard();
        let token = request.progress_token().filter(|_| way.events).cloned();
        // Most requests have nothing to tell before their response.
        let mut wire = token.is_some().then(|| mpsc::channel(WAITING));
        let wires = (&mut wire, &cancellation);
        let caller = Caller::of(dispatcher.edge(), &permit, &mut request, way, wires);
        let caller = caller.map_err(|fault| fault.of(request.id.clone()))?;
        let caller = caller.map(Arc::new);
        let (sender, received) = wire.unzip();
        let feed = received.map(|received| Feed {
            received,
            dispatcher: Arc::clone(&dispatcher),
            id: request.id.clone(),
            revision: request.revision,
            token: token.clone(),
            last: None,
            session: request
                .session
                .clone()
                .map(|session| (permit.principal().tenant.clone(), session)),
            level: None,
            record: None,
        });
        let progress = sender.filter(|_| token.is_some()).map(|sender| {
            ProgressSink::new(move |progress| {
                // A full channel: the caller is slow, and a later report says more than this one.
                let _ = sender.try_send(Said::Progress(progress));
            })
        });
        let context = CallContext {
            progress,
            cancellation,
            peer: caller.clone().map(|caller| caller as Arc<dyn Peer>),
            extras: extras::of(&request),
        };
        if let Some(resumed) = caller.as_ref().and_then(|caller| caller.resumed()) {
            let asked = (request.id.clone(), request.revision);
            let resumed = parked::resume(dispatcher, permit.holder(), resumed, asked);
            return Ok(Self {
                state: State::Running(Box::pin(resumed)),
                feed,
                gone: Some(gone),
                caller: None,
            });
        }
        let waiting = caller.clone();
        let answer = async move {
            let (id, revision) = (request.id.clone(), request.revision);
            let outcome = dispatcher.dispatch(&permit, request, &context).await;
            match (outcome, caller) {
                (Err(error), Some(caller)) if *error.fault() == Fault::InputRequired => caller
                    .input_required()
                    .and_then(|body| dispatcher.input_required(&id, revision, &body))
                    .map_err(|fault| fault.of(id)),
                (outcome, _) => outcome,
            }
        };
        Ok(Self {
            state: State::Running(Box::pin(answer)),
            feed,
            gone: Some(gone),
            caller: waiting,
        })
    }

    /// The next message: what is told as long as the request runs, then the response, then nothing.
    /// Nothing is lost when this is dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        while let State::Running(answer) = &mut self.state {
            let Some(feed) = &mut self.feed else {
                self.state = State::Finished(Box::new(answer.await));
                break;
            };
            feed.learn_level().await;
            if let Some(told) = feed.told_record() {
                return Some(told);
            }
            tokio::select! {
                biased;
                Some(said) = feed.received.recv() => {
                    if let Some(told) = self.tell(said) {
                        return Some(told);
                    }
                }
                outcome = answer => self.state = State::Finished(Box::new(outcome)),
            }
        }
        // What was said just before the end goes before it: after it there must be nothing.
        while let Some(feed) = &mut self.feed {
            feed.learn_level().await;
            if let Some(told) = feed.told_record() {
                return Some(told);
            }
            let Ok(said) = feed.received.try_recv() else {
                self.feed = None;
                break;
            };
            if let Some(told) = self.tell(said) {
                return Some(told);
            }
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Finished(outcome) => Some(Outgoing::Response(*outcome)),
            State::Running(_) | State::Over => None,
        }
    }

    fn tell(&mut self, said: Said) -> Option<Outgoing> {
        let feed = self.feed.as_mut()?;
        match said {
            Said::Progress(progress) => feed.progress(&progress).map(Outgoing::Note),
            Said::Log(record) => {
                feed.record = Some(record);
                None
            }
            Said::Notification(told) => Some(Outgoing::Note(told)),
            Said::Question(question) => Some(Outgoing::Question(question)),
            Said::HangUp => Some(Outgoing::HangUp),
            Said::Deferred(task, answered) => Some(self.deferred(task, answered)),
            Said::Parked(asked, answered) => Some(self.parked(&asked, answered)),
        }
    }

    /// The call goes on by itself, and the caller is answered with its task.
    fn deferred(&mut self, task: Arc<Task>, answered: oneshot::Sender<()>) -> Outgoing {
        let outcome = match self.feed.take() {
            Some(feed) => {
                let reply = task.created(&feed.dispatcher, &feed.id, feed.revision);
                let reply = reply.map_err(|fault| fault.of(feed.id.clone()));
                if let State::Running(answer) = std::mem::replace(&mut self.state, State::Over) {
                    let work = tasks::run(task, answer, feed, self.gone.take());
                    tokio::spawn(origin::carried(work));
                }
                reply
            }
            None => Err(Fault::Internal.into()),
        };
        let _ = answered.send(());
        Outgoing::Response(outcome)
    }
}

impl Exchange {
    /// The call waits by itself, and the caller is answered with what it waits for.
    fn parked(&mut self, asked: &[u8], answered: oneshot::Sender<()>) -> Outgoing {
        let (feed, caller) = (self.feed.take(), self.caller.take());
        let state = std::mem::replace(&mut self.state, State::Over);
        let outcome = match (feed, caller, state) {
            (Some(feed), Some(caller), State::Running(answer)) => {
                let edge = Arc::clone(feed.dispatcher.edge());
                let principal = caller.principal();
                let place = move || caller.place();
                tokio::spawn(parked::run(
                    edge,
                    principal,
                    answer,
                    place,
                    self.gone.take(),
                ));
                let reply = feed
                    .dispatcher
                    .input_required(&feed.id, feed.revision, asked);
                reply.map_err(|fault| fault.of(feed.id.clone()))
            }
            _ => Err(Fault::Internal.into()),
        };
        let _ = answered.send(());
        Outgoing::Response(outcome)
    }
}

impl Feed {
    /// What the work says next.
    pub(super) async fn next(&mut self) -> Option<Said> {
        self.received.recv().await
    }

    /// The notification, unless the value has not grown since the last one.
    fn progress(&mut self, report: &Progress) -> Option<Bytes> {
        let Progress {
            progress,
            total,
            message,
            written,
        } = report;
        let grown = self.last.is_none_or(|last| *progress > last) && progress.is_finite();
        let token = self.token.as_ref().filter(|_| grown)?;
        self.last = Some(*progress);
        let mut params = written.clone();
        params.insert("progressToken".to_owned(), token.clone());
        if !written.is_empty() {
            return Some(notification("notifications/progress", &params));
        }
        params.insert("progress".to_owned(), json!(progress));
        let total = total.filter(|total| total.is_finite());
        params.extend(total.map(|total| ("total".to_owned(), json!(total))));
        let message = message.as_ref();
        params.extend(message.map(|text| ("message".to_owned(), json!(text))));
        Some(notification("notifications/progress", &params))
    }

    /// Looks up from which level on the session is told, when there is something to tell it.
    async fn learn_level(&mut self) {
        if self.record.is_none() || self.level.is_some() {
            return;
        }
        let level = match &self.session {
            // The caller has filtered by what the request says.
            None => LogLevel::Debug,
            Some((tenant, session)) => {
                let marks = self.dispatcher.edge().marks(tenant, session).await;
                marks
                    .ok()
                    .and_then(|marks| marks.level)
                    .unwrap_or(UNTOLD_LEVEL)
            }
        };
        self.level = Some(level);
    }

    fn told_record(&mut self) -> Option<Outgoing> {
        let LogRecord { level, params } = self.record.take()?;
        if self.level.is_some_and(|least| level < least) {
            return None;
        }
        let message = notification("notifications/message", &params);
        Some(Outgoing::Note(message))
    }
}

/// A notification as it goes over the wire.
pub(super) fn notification(method: &str, params: &Map<String, Value>) -> Bytes {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    message.to_string().into()
}
