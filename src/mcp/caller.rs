//! The client of a call as its backend sees it ([`Peer`]), whatever the revision.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::capabilities::{self, Capabilities};
use super::edge::{Edge, NOTE_TTL};
use super::error::Fault;
use super::exchange::{Said, WAITING, Way, Wire, notification};
use super::message::{ClientResponse, Request, RequestId};
use super::parked::Parking;
use super::rounds::{self, Rounds};
use super::seals::Purpose;
use super::session::Session;
use super::tasks::Task;
use crate::backends::{
    BackendError, Capability, Input, InputRequest, LogLevel, LogRecord, Peer, Round,
};
use crate::model::{Digest, Principal};
use crate::resource_server::Permit;

/// The client of one call.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) edge: Arc<Edge>,
    pub(super) principal: Arc<Principal>,
    capabilities: Capabilities,
    level: Option<LogLevel>,
    /// The tool that is called, where that may become a task.
    tool: Option<String>,
    asking: Mutex<Asking>,
    feed: mpsc::Sender<Said>,
    cancellation: CancellationToken,
}

/// How the client is asked.
#[derive(Debug)]
pub(super) enum Asking {
    /// Not at all.
    Nobody,
    /// By the call's result, and its next round.
    Rounds(Box<Rounds>),
    /// By requests on the call's stream.
    Session(Session),
    /// Through the task that the call has become.
    Task(Arc<Task>),
}

/// For how long a question waits for a person.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answered {
    Result(Value),
    Error(#[expect(dead_code, reason = "foreign words; that it is an error says enough")] Value),
}

impl Caller {
    /// The client that sent `request`, where there is anything that it can be told or asked. Takes
    /// out of the request what belongs to its round.
    pub(super) fn of(
        edge: &Arc<Edge>,
        permit: &Permit,
        request: &mut Request,
        way: Way,
        (wire, cancellation): (&mut Option<Wire>, &CancellationToken),
    ) -> Result<Option<Self>, Fault> {
        let modern = request.revision.is_modern();
        let (capabilities, level, asking) = if modern {
            let capabilities = Capabilities::of_request(&request.params);
            let level = capabilities::log_level(&request.params).filter(|_| way.events);
            let asks = capabilities.can_be_asked() && has_rounds(request);
            let asking = if asks || is_round(request) {
                Asking::Rounds(Box::new(Rounds::of(edge, permit.principal(), request)?))
            } else {
                Asking::Nobody
            };
            (capabilities, level, asking)
        } else {
            match request.session.clone().filter(|_| way.events) {
                // What the session wants to be told is looked up when there is something to tell.
                Some(session) => {
                    let capabilities = session.capabilities;
                    let level = Some(LogLevel::Debug);
                    (capabilities, level, Asking::Session(session))
                }
                None => return Ok(None),
            }
        };
        let tasks = modern && capabilities.has(Capability::Tasks) && request.method == "tools/call";
        let name = request.params.get("name").and_then(Value::as_str);
        let tool = name.filter(|_| tasks).map(str::to_owned);
        if tool.is_none() && level.is_none() && matches!(asking, Asking::Nobody) {
            return Ok(None);
        }
        let (feed, _) = wire.get_or_insert_with(|| mpsc::channel(WAITING));
        Ok(Some(Self {
            edge: Arc::clone(edge),
            principal: permit.holder(),
            capabilities,
            level,
            tool,
            asking: Mutex::new(asking),
            feed: feed.clone(),
            cancellation: cancellation.clone(),
        }))
    }

    /// The members of the result that asks for what is missing.
    pub(super) fn input_required(&self) -> Result<Vec<u8>, Fault> {
        match &*self.asking() {
            Asking::Rounds(rounds) => rounds.result(&self.edge, &self.principal),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => Err(Fault::Internal),
        }
    }

    /// Who it acts for.
    pub(super) fn principal(&self) -> Arc<Principal> {
        Arc::clone(&self.principal)
    }

    pub(super) fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the questions, then collects the answers.
    async fn ask_session(
        &self,
        session: &Session,
        requests: Vec<(String, InputRequest)>,
    ) -> Result<Vec<Input>, BackendError> {
        let mut waiting = Vec::with_capacity(requests.len());
        for (key, request) in requests {
            let share = self.edge.waiting.take(&self.principal);
            let share = share.ok_or(BackendError::Unavailable("too many questions wait"))?;
            let purpose = Purpose::Question(&session.topic);
            let id = self.edge.seals.seal(purpose, &self.principal, (), PATIENCE);
            let id = id.map_err(|_| BackendError::Unavailable("the client can't be asked"))?;
            let bell = self.edge.bell(Digest::of(id.as_bytes()));
            let params = request.clone().into_params();
            let method = request.method();
            let question =
                json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            self.say(Said::Question(Bytes::from(question.to_string())))
                .await?;
            waiting.push((key, request, bell, share));
        }
        let mut answers = Vec::with_capacity(waiting.len());
        for (key, request, bell, _share) in waiting {
            let note = tokio::select! {
                note = self.edge.first_note(&self.principal.tenant, &bell) => note,
                () = self.cancellation.cancelled() => return Err(BackendError::Cancelled),
                () = self.edge.closing() => {
                    return Err(BackendError::Unavailable("the server is stopping"));
                }
                () = tokio::time::sleep(PATIENCE) => {
                    return Err(BackendError::Unavailable("the client did not answer"));
                }
            };
            answers.push(read(&key, &request, &note)?);
        }
        Ok(answers)
    }

    async fn say(&self, said: Said) -> Result<(), BackendError> {
        let sent = self.feed.send(said).await;
        sent.map_err(|_| BackendError::Cancelled)
    }
}

/// True for the calls that may take several rounds (2026-07-28 basic/patterns/mrtr, supported
/// requests).
fn has_rounds(request: &Request) -> bool {
    matches!(
        request.method.as_str(),
        "tools/call" | "prompts/get" | "resources/read"
    )
}

/// True for the later rounds of a call.
fn is_round(request: &Request) -> bool {
    let has = |name| request.params.contains_key(name);
    has_rounds(request) && (has("requestState") || has("inputResponses"))
}

/// The client's answer to `request`.
fn read(key: &str, request: &InputRequest, note: &str) -> Result<Input, BackendError> {
    match serde_json::from_str(note) {
        Ok(Answered::Result(answer)) => {
            rounds::check(key, request, &answer)?;
            let Value::Object(answer) = answer else {
                return Err(BackendError::Unavailable("the client gave no object"));
            };
            Ok(answer)
        }
        Ok(Answered::Error(_)) | Err(_) => Err(BackendError::Unavailable(
            "the client answered with an error",
        )),
    }
}

#[async_trait]
impl Peer for Caller {
    fn can(&self, capability: Capability) -> bool {
        let asked = match capability {
            Capability::Tasks => return self.tool.is_some(),
            Capability::Sampling
            | Capability::SamplingTools
            | Capability::Elicitation
            | Capability::ElicitationUrl
            | Capability::Roots => self.capabilities.has(capability),
        };
        asked && !matches!(*self.asking(), Asking::Nobody)
    }

    fn log(&self, record: LogRecord) {
        if self.level.is_some_and(|level| record.level >= level) {
            // A full channel: the caller is slow, and a log that is read late is read by nobody.
            let _ = self.feed.try_send(Said::Log(record));
        }
    }

    fn tell(&self, method: &str, params: Map<String, Value>) {
        // As with logs.
        let _ = self
            .feed
            .try_send(Said::Notification(notification(method, &params)));
    }

    async fn ask(&self, requests: Vec<(String, InputRequest)>) -> Result<Vec<Input>, BackendError> {
        enum Through {
            Session(Session),
            Task(Arc<Task>),
        }
        let through = match &mut *self.asking() {
            Asking::Nobody => return Err(BackendError::Cancelled),
            Asking::Rounds(rounds) => return rounds.ask(requests),
            Asking::Session(session) => Through::Session(session.clone()),
            Asking::Task(task) => Through::Task(Arc::clone(task)),
        };
        match through {
            Through::Session(session) => self.ask_session(&session, requests).await,
            Through::Task(task) => task.ask(requests).await,
        }
    }

    fn remembered(&self) -> Option<Value> {
        match &*self.asking() {
            Asking::Rounds(rounds) => rounds.remembered(),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => None,
        }
    }

    fn remember(&self, state: Value) {
        if let Asking::Rounds(rounds) = &mut *self.asking() {
            rounds.remember(state);
        }
    }

    fn log_level(&self) -> Option<LogLevel> {
        self.level
    }

    fn round(&self) -> Option<Round> {
        match &*self.asking() {
            Asking::Rounds(rounds) => rounds.round(),
            Asking::Nobody | Asking::Session(_) | Asking::Task(_) => None,
        }
    }

    async fn ask_round(
        &self,
        requests: Map<String, Value>,
        state: Value,
    ) -> Result<Map<String, Value>, BackendError> {
        if let Asking::Rounds(rounds) = &mut *self.asking() {
            rounds.leave(requests, state);
            return Err(BackendError::InputRequired);
        }
        let asked = requests
            .iter()
            .filter_map(|(key, request)| Some((key.clone(), InputRequest::read(request)?)));
        let answers = self.ask(asked.collect()).await?;
        let keys = requests.into_iter().map(|(key, _)| key);
        Ok(keys.zip(answers.into_iter().map(Value::Object)).collect())
    }

    async fn ask_under_way(&self, key: &str, request: InputRequest) -> Result<Input, BackendError> {
        const FAILED: BackendError = BackendError::Unavailable("the client can't be asked");
        let Some(parked) = self.park(key, request.clone()) else {
            let mut inputs = self.ask(vec![(key.to_owned(), request)]).await?;
            return inputs.pop().ok_or(BackendError::Cancelled);
        };
        let share = self.edge.waiting.take(&self.principal);
        let _share = share.ok_or(BackendError::Unavailable("too many questions wait"))?;
        let Parking {
            place,
            before,
            asked,
        } = parked.map_err(|_| FAILED)?;
        let answer = self.edge.parked_answer(&self.principal, &place, &request);
        match before {
            None => {
                let (answered, is_answered) = oneshot::channel();
                self.say(Said::Parked(asked, answered)).await?;
                is_answered.await.map_err(|_| BackendError::Cancelled)?;
            }
            Some(before) => {
                let left = self.edge.leave_questions(&self.principal, &before, asked);
                left.await.map_err(|_| FAILED)?;
            }
        }
        tokio::select! {
            answer = answer => answer,
            () = self.cancellation.cancelled() => Err(BackendError::Cancelled),
        }
    }

    async fn defer(&self) -> Result<bool, BackendError> {
        let Some(tool) = &self.tool else {
            return Ok(false);
        };
        if matches!(*self.asking(), Asking::Task(_)) {
            return Ok(true);
        }
        let task = Task::begin(&self.edge, &self.principal, tool).await?;
        *self.asking() = Asking::Task(Arc::clone(&task));
        let (answered, is_answered) = oneshot::channel();
        self.say(Said::Deferred(task, answered)).await?;
        // When nobody was there to be answered, the work is dropped with its request.
        is_answered.await.map_err(|_| BackendError::Cancelled)?;
        Ok(true)
    }

    fn hang_up(&self) {
        let _ = self.feed.try_send(Said::HangUp);
    }
}

impl Edge {
    /// Passes on what a client answers to a question, to whichever replica waits for it.
    pub(super) async fn take_answer(
        &self,
        principal: &Principal,
        session: &Session,
        response: ClientResponse,
    ) -> Result<(), Fault> {
        let RequestId::Text(id) = response.id else {
            return Ok(());
        };
        let purpose = Purpose::Question(&session.topic);
        // Only what was asked of this session is passed on; the rest costs no query.
        if self.seals.open::<()>(purpose, principal, &id).is_some() {
            let topic = Digest::of(id.as_bytes());
            let (name, value) = match response.outcome {
                Ok(result) => ("result", result),
                Err(error) => ("error", error),
            };
            let body = json!({ name: value }).to_string();
            let bounds = (NOTE_TTL, 1);
            self.leave(&principal.tenant, topic, body, bounds).await?;
        }
        Ok(())
    }
}
