//! What a call may use of the client that made it: progress, log, questions, tasks.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::BackendError;
use super::peer::{Peer, Round};

/// What a call may use of the connection that it came by.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Where progress goes, when the caller asked for it.
    pub progress: Option<ProgressSink>,
    /// Ends when the caller has gone away or cancelled.
    pub cancellation: CancellationToken,
    /// The client, where there is anything that it can be told or asked.
    pub peer: Option<Arc<dyn Peer>>,
    /// What else the client sent, for servers that may know what it means.
    pub extras: Extras,
}

/// What a client sent beside what the protocol has.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// Members of the parameters.
    pub params: Map<String, Value>,
    /// Members of `_meta`.
    pub meta: Map<String, Value>,
    /// Members of its capabilities.
    pub capabilities: Map<String, Value>,
    /// True when it has a session, as in the revisions before 2026-07-28.
    pub has_session: bool,
}

/// What a client may be able to do, as it declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// `sampling`: its model answers.
    Sampling,
    /// `sampling.tools`: its model may use tools.
    SamplingTools,
    /// `elicitation`, form mode: its user fills in a form.
    Elicitation,
    /// `elicitation.url`: its user visits an address.
    ElicitationUrl,
    /// `roots`: it says where its user works.
    Roots,
    /// The extension `io.modelcontextprotocol/tasks`: it collects results later.
    Tasks,
}

/// What a client can be asked (2026-07-28 basic/patterns/mrtr, input requests).
#[derive(Clone, Debug, PartialEq)]
pub enum InputRequest {
    /// `sampling/createMessage` with these parameters.
    Sample(Map<String, Value>),
    /// `elicitation/create` with these parameters.
    Elicit(Map<String, Value>),
    /// `roots/list`
    ListRoots,
}

/// The result that a client gives; others wrote it.
pub type Input = Map<String, Value>;

/// How grave a log record is (RFC 5424 §6.2.1); graver is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// For whoever looks for a mistake.
    Debug,
    /// As expected.
    Info,
    /// As expected, but of note.
    Notice,
    /// Not as expected.
    Warning,
    /// Something failed.
    Error,
    /// A part failed.
    Critical,
    /// Someone should act now.
    Alert,
    /// Nothing works.
    Emergency,
}

/// One `notifications/message`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// How grave it is.
    pub level: LogLevel,
    /// The parameters on the wire.
    pub params: Map<String, Value>,
}

/// Where a call reports its progress.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(Progress) + Send + Sync>);

/// How far a call has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// How much is done; it only ever grows.
    pub progress: f64,
    /// How much there is to do, where that is known.
    pub total: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
    /// All of it as a server elsewhere wrote it, but for the token; empty where nobody did.
    pub written: Map<String, Value>,
}

impl CallContext {
    /// True when the client can do this: then it may be asked for it.
    #[must_use]
    pub fn can(&self, capability: Capability) -> bool {
        self.peer.as_ref().is_some_and(|peer| peer.can(capability))
    }

    /// Tells the client's log.
    pub fn log(&self, level: LogLevel, logger: &str, data: impl Into<Value>) {
        if let Some(peer) = &self.peer {
            let params = [
                ("level", level.name().into()),
                ("logger", logger.into()),
                ("data", data.into()),
            ];
            let params = params.map(|(name, value)| (name.to_owned(), value));
            peer.log(LogRecord {
                level,
                params: Map::from_iter(params),
            });
        }
    }

    /// Asks the client, and waits for its answer. `key` names the question, and must be the same
    /// whenever the call is made with the same arguments: in 2026-07-28 the first try ends here
    /// with [`BackendError::InputRequired`], which the backend passes on with `?`, and the client
    /// calls again with the answer. So what comes before must do no harm when it is done twice.
    pub async fn ask(&self, key: &str, request: InputRequest) -> Result<Input, BackendError> {
        let mut inputs = self.ask_all(vec![(key.to_owned(), request)]).await?;
        inputs.pop().ok_or(BackendError::Cancelled)
    }

    /// Asks several things at once; the answers come in the order of `requests`.
    pub async fn ask_all(
        &self,
        requests: Vec<(String, InputRequest)>,
    ) -> Result<Vec<Input>, BackendError> {
        for (_, request) in &requests {
            let capability = request.capability();
            if !self.can(capability) {
                return Err(BackendError::MissingCapability(capability));
            }
        }
        match &self.peer {
            Some(peer) => peer.ask(requests).await,
            None => Err(BackendError::Cancelled),
        }
    }

    /// What this round of the call brought, where an earlier one ended in
    /// [`CallContext::ask_round`].
    #[must_use]
    pub fn round(&self) -> Option<Round> {
        self.peer.as_ref().and_then(|peer| peer.round())
    }

    /// Asks what another server asks for in a round of its own, `{ method, params }` by key.
    pub async fn ask_round(
        &self,
        requests: Map<String, Value>,
        state: Value,
    ) -> Result<Map<String, Value>, BackendError> {
        for request in requests.values() {
            let known = InputRequest::read(request);
            let known = known.ok_or(BackendError::Unavailable(UNKNOWN_REQUEST))?;
            let capability = known.capability();
            if !self.can(capability) {
                return Err(BackendError::MissingCapability(capability));
            }
        }
        match &self.peer {
            Some(peer) => peer.ask_round(requests, state).await,
            None => Err(BackendError::Cancelled),
        }
    }

    /// Asks the client, and waits for the answer with the call under way, whatever the revision:
    /// what was done before is not done again.
    pub async fn ask_under_way(
        &self,
        key: &str,
        request: InputRequest,
    ) -> Result<Input, BackendError> {
        let capability = request.capability();
        match &self.peer {
            Some(peer) if peer.can(capability) => peer.ask_under_way(key, request).await,
            Some(_) | None => Err(BackendError::MissingCapability(capability)),
        }
    }

    /// What was remembered in an earlier round of this call.
    #[must_use]
    pub fn remembered(&self) -> Option<Value> {
        self.peer.as_ref().and_then(|peer| peer.remembered())
    }

    /// Keeps `state` for the next round. It is sealed: the client carries it and can't read it.
    pub fn remember(&self, state: impl Into<Value>) {
        if let Some(peer) = &self.peer {
            peer.remember(state.into());
        }
    }

    /// Goes on as a task where the client takes tasks: it is answered now and collects the result
    /// later. False when it waits for the result as usual. Comes after the questions that decide
    /// whether to begin; later questions are asked through the task.
    pub async fn defer(&self) -> Result<bool, BackendError> {
        match &self.peer {
            Some(peer) if peer.can(Capability::Tasks) => peer.defer().await,
            Some(_) | None => Ok(false),
        }
    }

    /// The same for work that is only done as a task.
    pub async fn require_task(&self) -> Result<(), BackendError> {
        if self.defer().await? {
            Ok(())
        } else {
            Err(BackendError::MissingCapability(Capability::Tasks))
        }
    }

    /// Lets go of the client's connection for a while, where the client can come back for the rest.
    pub fn hang_up(&self) {
        if let Some(peer) = &self.peer {
            peer.hang_up();
        }
    }
}

/// What is said of a server that asks for what no client can give.
const UNKNOWN_REQUEST: &str = "the server asks for something that MCP does not have";

impl InputRequest {
    /// The request that `wire` is, `{ method, params }`.
    #[must_use]
    pub fn read(wire: &Value) -> Option<Self> {
        let params = match wire.get("params") {
            None | Some(Value::Null) => Map::new(),
            Some(params) => params.as_object()?.clone(),
        };
        Self::named(wire.get("method")?.as_str()?, params)
    }

    /// The request with this method and these parameters.
    #[must_use]
    pub fn named(method: &str, params: Map<String, Value>) -> Option<Self> {
        match method {
            "sampling/createMessage" => Some(Self::Sample(params)),
            "elicitation/create" => Some(Self::Elicit(params)),
            "roots/list" => Some(Self::ListRoots),
            _ => None,
        }
    }

    /// The method on the wire.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Sample(_) => "sampling/createMessage",
            Self::Elicit(_) => "elicitation/create",
            Self::ListRoots => "roots/list",
        }
    }

    /// The parameters on the wire.
    #[must_use]
    pub fn into_params(self) -> Map<String, Value> {
        match self {
            Self::Sample(params) | Self::Elicit(params) => params,
            Self::ListRoots => Map::new(),
        }
    }

    /// What a client must be able to do to be asked this (2026-07-28 client/elicitation and
    /// client/sampling, capabilities).
    #[must_use]
    pub fn capability(&self) -> Capability {
        match self {
            Self::Sample(params) if params.contains_key("tools") => Capability::SamplingTools,
            Self::Sample(_) => Capability::Sampling,
            Self::Elicit(params) => match params.get("mode").and_then(Value::as_str) {
                Some("url") => Capability::ElicitationUrl,
                Some(_) | None => Capability::Elicitation,
            },
            Self::ListRoots => Capability::Roots,
        }
    }
}

impl LogLevel {
    /// All of them, the least grave first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl ProgressSink {
    /// A sink that hands every report to `deliver`.
    pub fn new(deliver: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(deliver))
    }

    /// Reports `progress`.
    pub fn report(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressSink")
    }
}
