//! The suite's server behind rmcp: an upstream server of somebody else, for a gateway to mount.
#![expect(deprecated, reason = "the suite asks for what 2026-07-28 deprecates")]

mod client;
mod handler;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatehouse::backends::{
    Answer, BackendError, CallContext, Capability, Definition, ListChange, LogLevel, ProgressSink,
};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CreateTaskResult,
    InputRequiredResult, RequestStateCodec,
};
use rmcp::service::{RequestContext, SubscriptionSink};
use rmcp::task_manager::{TaskContext, TaskExit, TaskManager, TaskOptions};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::fixture::Fixture;
use client::{Client, Note, Way, convert, tell, token};

/// The server.
#[derive(Clone)]
pub(crate) struct Face {
    fixture: Arc<Fixture>,
    tasks: TaskManager,
    states: RequestStateCodec,
    listeners: Arc<Listeners>,
    sessions: Arc<LocalSessionManager>,
}

/// Who is told of changes.
#[derive(Default)]
struct Listeners {
    sinks: Mutex<HashMap<u64, SubscriptionSink>>,
    peers: Mutex<Vec<rmcp::Peer<RoleServer>>>,
    next: AtomicU64,
}

/// Tools that go on as a task where the client takes tasks.
const TASKS: [&str; 6] = [
    "slow_compute",
    "failing_job",
    "protocol_error_job",
    "confirm_delete",
    "multi_input",
    "test_tool_with_task",
];

/// How many streams a session of the suite has at most.
const STREAMS: u64 = 256;
const RETRY: Duration = Duration::from_millis(200);

/// The one of them that asks first.
const ASKS_FIRST: &str = "test_tool_with_task";

/// What goes through the client's hands from round to round.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    given: BTreeMap<String, Value>,
    state: Option<Value>,
}

/// What of a call is the client's.
struct Asked {
    given: BTreeMap<String, Value>,
    state: Option<String>,
}

impl Face {
    pub(crate) fn new() -> Self {
        let fixture = Arc::new(Fixture::new());
        let listeners = Arc::<Listeners>::default();
        let (told, mut changes) = (Arc::clone(&listeners), fixture.changes());
        tokio::spawn(async move {
            while let Ok(change) = changes.recv().await {
                told.tell(change).await;
            }
        });
        // Whoever could make a state of its own would only fool itself.
        let states = RequestStateCodec::new_unchecked(*b"the state of a server for tests only");
        Self {
            fixture,
            tasks: TaskManager::new(),
            states,
            listeners,
            sessions: Arc::default(),
        }
    }

    /// The endpoint.
    pub(crate) fn service(self) -> StreamableHttpService<Self, LocalSessionManager> {
        let sessions = Arc::clone(&self.sessions);
        let config = StreamableHttpServerConfig::default();
        StreamableHttpService::new(move || Ok(self.clone()), sessions, config)
    }

    /// Lets go of the streams of the caller's session; it comes back for the rest.
    async fn hang_up(&self, context: &RequestContext<RoleServer>) {
        let head = context.extensions.get::<axum::http::request::Parts>();
        let session = head.and_then(|head| head.headers.get("mcp-session-id"));
        let Some(session) = session.and_then(|session| session.to_str().ok()) else {
            return;
        };
        let sessions = self.sessions.sessions.read().await;
        let Some(handle) = sessions.get(session) else {
            return;
        };
        for stream in 0..STREAMS {
            // Which one is the call's is not said; all others are over.
            drop(handle.close_sse_stream(stream, Some(RETRY)).await);
        }
        drop(sessions);
        // rmcp keeps nothing for who comes back after the answer.
        tokio::time::sleep(RETRY * 4).await;
    }

    /// The client as the suite's server sees it, in rounds or on the stream of its session.
    fn way(&self, asked: Asked, context: &RequestContext<RoleServer>) -> Result<Way, ErrorData> {
        if context.meta.client_capabilities().is_none() {
            return Ok(Way::Stream);
        }
        let state = asked
            .state
            .map(|state| self.states.open_json::<Kept>(&state));
        let state = state.transpose().map_err(|_| {
            ErrorData::invalid_params("requestState failed integrity verification", None)
        })?;
        let Kept { mut given, state } = state.unwrap_or_default();
        given.extend(asked.given);
        Ok(Way::Rounds {
            given,
            missing: Mutex::default(),
            state: Mutex::new(state),
        })
    }

    /// What the client is asked for, where that is why there is no answer.
    fn input_required(&self, way: &Way) -> Result<InputRequiredResult, ErrorData> {
        let Way::Rounds {
            given,
            missing,
            state,
        } = way
        else {
            return Err(ErrorData::internal_error("nobody can be asked", None));
        };
        let missing = missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let state = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let kept = Kept {
            given: given.clone(),
            state,
        };
        let sealed = self.states.seal_json(&kept);
        let sealed = sealed.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(InputRequiredResult::new(Some(missing), Some(sealed)))
    }

    /// The tool as a task.
    fn spawn(
        &self,
        request: CallToolRequestParams,
        (capabilities, context): (Value, RequestContext<RoleServer>),
    ) -> CallToolResponse {
        let fixture = Arc::clone(&self.fixture);
        let work = move |task: TaskContext| {
            let cancelled = task.clone();
            let (notes, _) = mpsc::unbounded_channel();
            let client = Client {
                peer: context.peer,
                capabilities,
                least: None,
                way: Way::Task(task, request.input_responses.unwrap_or_default()),
                notes,
            };
            let context = CallContext {
                peer: Some(Arc::new(client)),
                ..CallContext::default()
            };
            let arguments = request.arguments.unwrap_or_default();
            let name = request.name.into_owned();
            let work = async move {
                let answer = tokio::select! {
                    answer = fixture.call(&name, arguments, &context) => answer,
                    () = cancelled.cancelled() => return Err(TaskExit::Cancelled),
                };
                let answer = answer.map_err(|error| TaskExit::Error(error_of(error)))?;
                read::<CallToolResult>(&answer).map_err(TaskExit::Error)
            };
            Box::pin(work) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
        };
        CreateTaskResult::new(self.tasks.spawn(TaskOptions::default(), work)).into()
    }
}

impl Listeners {
    async fn tell(&self, change: ListChange) {
        let sinks: Vec<SubscriptionSink> = {
            let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
            sinks.values().cloned().collect()
        };
        for sink in sinks {
            drop(match change {
                ListChange::Tools => sink.notify_tool_list_changed().await,
                ListChange::Prompts => sink.notify_prompt_list_changed().await,
                ListChange::Resources => sink.notify_resource_list_changed().await,
            });
        }
        let peers = {
            let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            peers.clone()
        };
        for peer in peers {
            drop(match change {
                ListChange::Tools => peer.notify_tool_list_changed().await,
                ListChange::Prompts => peer.notify_prompt_list_changed().await,
                ListChange::Resources => peer.notify_resource_list_changed().await,
            });
        }
    }
}

/// rmcp's form of an answer.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, ErrorData> {
    let failed = |error: serde_json::Error| ErrorData::internal_error(error.to_string(), None);
    let mut result: Map<String, Value> = serde_json::from_slice(&answer.body).map_err(failed)?;
    result.insert("resultType".to_owned(), "complete".into());
    serde_json::from_value(Value::Object(result)).map_err(failed)
}

/// rmcp's form of an error.
fn error_of(error: BackendError) -> ErrorData {
    match error {
        BackendError::UnknownResource => ErrorData::resource_not_found("Resource not found", None),
        BackendError::MissingCapability(capability) => {
            let capabilities = match capability {
                Capability::Tasks => ClientCapabilities::builder().enable_tasks().build(),
                Capability::Elicitation | Capability::ElicitationUrl => {
                    ClientCapabilities::builder().enable_elicitation().build()
                }
                Capability::Roots => ClientCapabilities::builder().enable_roots().build(),
                Capability::Sampling | Capability::SamplingTools => {
                    ClientCapabilities::builder().enable_sampling().build()
                }
            };
            ErrorData::missing_required_client_capability(capabilities)
        }
        BackendError::Unavailable(why) => ErrorData::internal_error(why, None),
        error @ (BackendError::UnknownTool
        | BackendError::UnknownPrompt
        | BackendError::InvalidParams(_)
        | BackendError::InputRequired
        | BackendError::Relayed(_)
        | BackendError::Cancelled) => ErrorData::invalid_params(error.to_string(), None),
    }
}

fn entries<T: DeserializeOwned>(definitions: &[Definition]) -> Result<Vec<T>, ErrorData> {
    let entries = definitions.iter().map(|it| convert(&it.json));
    entries.collect::<Result<_, _>>().map_err(error_of)
}

fn capabilities_of(context: &RequestContext<RoleServer>) -> Value {
    let declared = context.client_capabilities();
    declared
        .and_then(|declared| serde_json::to_value(declared).ok())
        .unwrap_or_default()
}

/// From which level on the client wants to be told: a session is told everything.
fn least(context: &RequestContext<RoleServer>) -> Option<LogLevel> {
    if context.meta.client_capabilities().is_none() {
        return Some(LogLevel::Debug);
    }
    let level: String = convert(context.meta.log_level()?).ok()?;
    LogLevel::named(&level)
}

impl Face {
    /// Has `work` done for the client of `context`, and tells what it says.
    async fn with<T>(
        &self,
        way: Way,
        context: &RequestContext<RoleServer>,
        work: impl AsyncFnOnce(CallContext) -> T,
    ) -> (T, Arc<Client>) {
        let (notes, told) = mpsc::unbounded_channel();
        let meta: Map<String, Value> = convert(&context.meta).unwrap_or_default();
        let telling = tell(context.peer.clone(), token(&meta), told);
        let sink = notes.clone();
        let client = Arc::new(Client {
            peer: context.peer.clone(),
            capabilities: capabilities_of(context),
            least: least(context),
            way,
            notes: notes.clone(),
        });
        let call = CallContext {
            progress: Some(ProgressSink::new(move |progress| {
                drop(sink.send(Note::Progress(progress)));
            })),
            cancellation: context.ct.clone(),
            peer: Some(Arc::clone(&client) as Arc<dyn gatehouse::backends::Peer>),
            ..CallContext::default()
        };
        // By the same task: rmcp knows by that which request it is about. What was said goes before the
        // answer.
        let working = async {
            let outcome = work(call).await;
            drop(notes.send(Note::End));
            outcome
        };
        let (outcome, ()) = tokio::join!(working, telling);
        (outcome, client)
    }
}
