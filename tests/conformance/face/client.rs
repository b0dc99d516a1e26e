//! The client of a call, as rmcp has it, for the suite's server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use gatehouse::backends::{
    BackendError, Capability, Input, InputRequest, LogLevel, LogRecord, Peer, Progress,
};
use rmcp::RoleServer;
use rmcp::model::{
    InputRequest as RmcpRequest, LoggingMessageNotificationParam, NumberOrString,
    ProgressNotificationParam, ProgressToken,
};
use rmcp::task_manager::TaskContext;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// How the client is asked.
pub(super) enum Way {
    /// By requests on the stream of its session.
    Stream,
    /// In rounds; what it answered so far, and what is missing.
    Rounds {
        given: BTreeMap<String, Value>,
        missing: Mutex<BTreeMap<String, RmcpRequest>>,
        state: Mutex<Option<Value>>,
    },
    /// Through a task; what it answered before there was one.
    Task(TaskContext, BTreeMap<String, Value>),
}

/// Something to tell the client before the answer.
pub(super) enum Note {
    Log(LogRecord),
    Progress(Progress),
    /// There is nothing more.
    End,
}

/// The client.
pub(super) struct Client {
    pub(super) peer: rmcp::Peer<RoleServer>,
    pub(super) capabilities: Value,
    /// From which level on it wants to be told.
    pub(super) least: Option<LogLevel>,
    pub(super) way: Way,
    pub(super) notes: mpsc::UnboundedSender<Note>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// What rmcp makes of our value, or we of rmcp's.
pub(super) fn convert<T: DeserializeOwned>(value: impl Serialize) -> Result<T, BackendError> {
    serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|_| BackendError::Unavailable("rmcp has no such value"))
}

/// Tells the client what there is to tell, in its order, until nobody has anything to tell.
pub(super) async fn tell(
    peer: rmcp::Peer<RoleServer>,
    token: Option<ProgressToken>,
    mut notes: mpsc::UnboundedReceiver<Note>,
) {
    while let Some(note) = notes.recv().await {
        match (note, &token) {
            (Note::Log(record), _) => {
                let level = convert(record.level.name());
                let Ok(level) = level else {
                    continue;
                };
                let logger = record.params.get("logger").and_then(|it| it.as_str());
                let mut params = LoggingMessageNotificationParam::new(
                    level,
                    record.params.get("data").cloned().unwrap_or_default(),
                );
                params.logger = logger.map(str::to_owned);
                drop(peer.notify_logging_message(params).await);
            }
            (Note::Progress(progress), Some(token)) => {
                let mut params = ProgressNotificationParam::new(token.clone(), progress.progress);
                params.total = progress.total;
                params.message = progress.message;
                drop(peer.notify_progress(params).await);
            }
            (Note::Progress(_), None) => {}
            (Note::End, _) => return,
        }
    }
}

impl Client {
    async fn ask_on_stream(&self, request: InputRequest) -> Result<Input, BackendError> {
        const FAILED: BackendError = BackendError::Unavailable("the client gave no answer");
        match request {
            InputRequest::Sample(params) => {
                let answer = self.peer.create_message(convert(params)?).await;
                convert(answer.map_err(|_| FAILED)?)
            }
            InputRequest::Elicit(params) => {
                let answer = self.peer.create_elicitation(convert(params)?).await;
                convert(answer.map_err(|_| FAILED)?)
            }
            InputRequest::ListRoots => {
                let answer = self.peer.list_roots().await;
                convert(answer.map_err(|_| FAILED)?)
            }
        }
    }
}

fn wire(request: InputRequest) -> Value {
    let method = request.method();
    match request {
        InputRequest::ListRoots => json!({ "method": method }),
        InputRequest::Sample(params) | InputRequest::Elicit(params) => {
            json!({ "method": method, "params": params })
        }
    }
}

#[async_trait]
impl Peer for Client {
    fn can(&self, capability: Capability) -> bool {
        let has = |pointer: &str| self.capabilities.pointer(pointer).is_some();
        match capability {
            Capability::Sampling => has("/sampling"),
            Capability::SamplingTools => has("/sampling/tools"),
            Capability::Elicitation => has("/elicitation"),
            Capability::ElicitationUrl => has("/elicitation/url"),
            Capability::Roots => has("/roots"),
            Capability::Tasks => matches!(self.way, Way::Task(..)),
        }
    }

    fn log(&self, record: LogRecord) {
        if self.least.is_some_and(|least| record.level >= least) {
            drop(self.notes.send(Note::Log(record)));
        }
    }

    async fn ask(&self, requests: Vec<(String, InputRequest)>) -> Result<Vec<Input>, BackendError> {
        let mut answers = Vec::new();
        match &self.way {
            Way::Stream => {
                for (_, request) in requests {
                    answers.push(self.ask_on_stream(request).await?);
                }
            }
            Way::Rounds { given, missing, .. } => {
                let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, request) in requests {
                    match given.get(&key) {
                        Some(Value::Object(answer)) => answers.push(answer.clone()),
                        Some(_) | None => {
                            missing.insert(key, convert(wire(request))?);
                        }
                    }
                }
                if !missing.is_empty() {
                    return Err(BackendError::InputRequired);
                }
            }
            Way::Task(task, given) => {
                let asked = requests.into_iter().map(|(key, request)| async move {
                    if let Some(Value::Object(answer)) = given.get(&key) {
                        return Ok(answer.clone());
                    }
                    let request = convert(wire(request))?;
                    let answer = task.request_input(key, request).await;
                    match answer.map_err(|_| BackendError::Cancelled)? {
                        Value::Object(answer) => Ok(answer),
                        Value::Null
                        | Value::Bool(_)
                        | Value::Number(_)
                        | Value::String(_)
                        | Value::Array(_) => Err(BackendError::Cancelled),
                    }
                });
                for answer in futures_util::future::join_all(asked).await {
                    answers.push(answer?);
                }
            }
        }
        Ok(answers)
    }

    fn remembered(&self) -> Option<Value> {
        match &self.way {
            Way::Rounds { state, .. } => {
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.clone()
            }
            Way::Stream | Way::Task(..) => None,
        }
    }

    fn remember(&self, value: Value) {
        if let Way::Rounds { state, .. } = &self.way {
            *state.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }
    }

    async fn defer(&self) -> Result<bool, BackendError> {
        Ok(matches!(self.way, Way::Task(..)))
    }

    fn hang_up(&self) {}
}

/// The token of a request's progress.
pub(super) fn token(meta: &Map<String, Value>) -> Option<ProgressToken> {
    match meta.get("progressToken")? {
        Value::String(text) => Some(ProgressToken(NumberOrString::String(text.as_str().into()))),
        Value::Number(number) => number
            .as_i64()
            .map(|number| ProgressToken(NumberOrString::Number(number))),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
