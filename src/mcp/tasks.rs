//! Tasks (extension `io.modelcontextprotocol/tasks` of 2026-07-28): calls that go on after they
//! were answered, in the database before anybody is told of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::DropGuard;
use tokio_util::task::AbortOnDropHandle;

use super::dispatch::Dispatcher;
use super::edge::Edge;
use super::error::{Fault, RpcError};
use super::exchange::{Feed, Outcome, Said};
use super::message::{Request, RequestId};
use super::reply::Reply;
use super::revision::Revision;
use super::rounds;
use super::seals::Purpose;
use crate::backends::{BackendError, Input, InputRequest};
use crate::model::{Digest, Principal, TenantSlug, Timestamp};
use crate::resource_server::Permit;
use crate::store::{StoredTask, TaskChange, TaskStatus};
use crate::telemetry::origin;

/// A task that this process works on.
#[derive(Debug)]
pub(super) struct Task {
    edge: Arc<Edge>,
    tenant: TenantSlug,
    handle: String,
    seed: StoredTask,
    /// The keys that were used in it: each stands for one question, for good.
    used: Mutex<HashSet<String>>,
}

/// For how long a task and its result are kept.
const TTL: Duration = Duration::from_hours(1);
/// How often a client should look.
const POLL: Duration = Duration::from_secs(1);
/// How often whoever works on a task says so, and for how long that counts.
const HEARTBEAT: Duration = Duration::from_secs(10);
const ALIVE: Duration = Duration::from_mins(1);
/// How many tasks a client may have going on for a person.
const TASKS_EACH: u32 = 32;

impl Task {
    /// Begins a task of `tool` for `principal`.
    pub(super) async fn begin(
        edge: &Arc<Edge>,
        principal: &Principal,
        tool: &str,
    ) -> Result<Arc<Self>, BackendError> {
        const FAILED: BackendError = BackendError::Unavailable("the task can't be stored");
        let sealed = edge.seals.seal(Purpose::Task(tool), principal, (), TTL);
        // The tool stands in the open: whether the caller may use it is asked before the handle
        // is opened, which is bound to the name.
        let handle = format!("{tool}.{}", sealed.map_err(|_| FAILED)?);
        let now = edge.seals.clock.now();
        let seed = StoredTask {
            id: Digest::of(handle.as_bytes()),
            user: principal.user.clone(),
            client: principal.client.clone(),
            status: TaskStatus::Working,
            message: None,
            requests: Map::new(),
            answers: Map::new(),
            outcome: None,
            created_at: now,
            updated_at: now,
            alive_until: now.after(ALIVE),
            expires_at: now.after(TTL),
        };
        let tenant = principal.tenant.clone();
        let added = edge.store.add_task(&tenant, &seed, TASKS_EACH).await;
        match added {
            Ok(true) => Ok(Arc::new(Self {
                edge: Arc::clone(edge),
                tenant,
                handle,
                seed,
                used: Mutex::default(),
            })),
            Ok(false) => Err(BackendError::Unavailable("too many tasks go on already")),
            Err(error) => {
                tracing::warn!(%error, "could not store a task");
                Err(FAILED)
            }
        }
    }

    /// The response that tells of it (`CreateTaskResult`).
    pub(super) fn created(
        &self,
        dispatcher: &Dispatcher,
        id: &RequestId,
        revision: Revision,
    ) -> Result<Reply, Fault> {
        let task = described(&self.handle, &self.seed);
        let body = serde_json::to_vec(&task)?;
        dispatcher.reply_of_kind("task", id, revision, &body)
    }

    /// Asks the client, and waits for all the answers.
    pub(super) async fn ask(
        &self,
        requests: Vec<(String, InputRequest)>,
    ) -> Result<Vec<Input>, BackendError> {
        let bell = self.edge.bell(self.seed.id);
        let mut keys = Vec::with_capacity(requests.len());
        let mut asked = Map::new();
        for (key, request) in requests {
            let key = self.unused(&key);
            let method = request.method();
            let wanted = json!({ "method": method, "params": request.into_params() });
            asked.insert(key.clone(), wanted);
            keys.push(key);
        }
        self.change(TaskChange::Ask(asked)).await?;
        loop {
            let found = self.edge.store.find_task(&self.tenant, &self.seed.id);
            let Ok(Some(task)) = found.await else {
                return Err(BackendError::Unavailable("the task is gone"));
            };
            if task.status.is_final() {
                return Err(BackendError::Cancelled);
            }
            let answer = |key: &String| task.answers.get(key).and_then(Value::as_object).cloned();
            if let Some(answers) = keys.iter().map(answer).collect() {
                return Ok(answers);
            }
            let _ = tokio::time::timeout(HEARTBEAT, bell.rung()).await;
        }
    }

    fn unused(&self, key: &str) -> String {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut candidate = key.to_owned();
        let mut number = 1_u32;
        while !used.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{key}-{number}");
        }
        candidate
    }

    /// Changes it, and tells whoever watches.
    async fn change(&self, change: TaskChange) -> Result<Option<StoredTask>, BackendError> {
        let now = self.edge.seals.clock.now();
        let silent = matches!(change, TaskChange::Alive(_));
        let store = &self.edge.store;
        let changed = store.change_task(&self.tenant, &self.seed.id, change, now);
        let changed = changed.await.map_err(|error| {
            tracing::warn!(%error, "could not store what came of a task");
            BackendError::Unavailable("the task can't be stored")
        })?;
        if !silent {
            self.edge.wake(&self.seed.id).await;
        }
        Ok(changed)
    }

    async fn is_over(&self) -> bool {
        let alive = self.edge.seals.clock.now().after(ALIVE);
        let task = self.change(TaskChange::Alive(alive)).await;
        // While the database is away, the work goes on.
        matches!(task, Ok(None)) || matches!(task, Ok(Some(task)) if task.status.is_final())
    }
}

/// Works on `task` until there is an outcome, or it is called off.
pub(super) async fn run(
    task: Arc<Task>,
    answer: BoxFuture<'static, Outcome>,
    mut feed: Feed,
    _gone: Option<DropGuard>,
) {
    // By itself: while this waits for the database, the work may have the connection.
    let mut work = AbortOnDropHandle::new(tokio::spawn(origin::carried(answer)));
    let bell = task.edge.bell(task.seed.id);
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    let change = loop {
        tokio::select! {
            outcome = &mut work => break match outcome {
                Ok(outcome) => ended(outcome),
                Err(_) => failed(&Fault::Internal.into()),
            },
            Some(said) = feed.next() => {
                if let Said::Progress(progress) = said
                    && let Some(message) = progress.message
                {
                    let _ = task.change(TaskChange::Message(message)).await;
                }
                continue;
            }
            _ = heartbeat.tick() => {}
            () = bell.rung() => {}
            () = task.edge.closing() => break failed(&Fault::Closing.into()),
        }
        if task.is_over().await {
            return;
        }
    };
    // Until the outcome is stored, or nobody can want it any more.
    while task.change(change.clone()).await.is_err() {
        if task.edge.seals.clock.now() > task.seed.expires_at {
            return;
        }
        tokio::time::sleep(HEARTBEAT).await;
    }
}

fn ended(outcome: Outcome) -> TaskChange {
    #[derive(Deserialize)]
    struct Response {
        result: Value,
    }
    match outcome {
        Ok(reply) => match serde_json::from_slice(&reply.into_bytes()) {
            Ok(Response { result }) => TaskChange::Complete(result),
            Err(_) => failed(&Fault::Internal.into()),
        },
        Err(error) => failed(&error),
    }
}

fn failed(error: &RpcError) -> TaskChange {
    TaskChange::Fail(error.object())
}

impl Dispatcher {
    /// `tasks/get`
    pub(super) async fn get_task(
        &self,
        permit: &Permit,
        request: &Request,
    ) -> Result<Reply, Fault> {
        let handle = handle(request)?;
        let task = self.edge().task(permit.principal(), handle).await?;
        let body = serde_json::to_vec(&detailed(handle, &task))?;
        self.reply(request, &body, None)
    }

    /// `tasks/update`
    pub(super) async fn update_task(
        &self,
        permit: &Permit,
        request: &mut Request,
    ) -> Result<Reply, Fault> {
        let given = request.params.remove("inputResponses");
        let given = given.ok_or(Fault::InvalidParams("inputResponses is missing".into()))?;
        let answers = rounds::responses(given)?;
        let task = self
            .edge()
            .task(permit.principal(), handle(request)?)
            .await?;
        for (key, answer) in &answers {
            if let Some(asked) = task.requests.get(key).and_then(asked) {
                rounds::check(key, &asked, answer)
                    .map_err(|error| Fault::from_backend(error, "", request.revision))?;
            }
        }
        self.change_task(permit, request, TaskChange::Answer(answers))
            .await
    }

    /// `tasks/cancel`
    pub(super) async fn cancel_task(
        &self,
        permit: &Permit,
        request: &Request,
    ) -> Result<Reply, Fault> {
        self.edge()
            .task(permit.principal(), handle(request)?)
            .await?;
        self.change_task(permit, request, TaskChange::Cancel).await
    }

    async fn change_task(
        &self,
        permit: &Permit,
        request: &Request,
        change: TaskChange,
    ) -> Result<Reply, Fault> {
        let edge = self.edge();
        let id = Digest::of(handle(request)?.as_bytes());
        let now = edge.seals.clock.now();
        let tenant = &permit.principal().tenant;
        edge.store.change_task(tenant, &id, change, now).await?;
        edge.wake(&id).await;
        self.reply(request, b"{}", None)
    }
}

impl Edge {
    /// The task of that handle, where it is one of `principal`'s.
    pub(super) async fn task(
        &self,
        principal: &Principal,
        handle: &str,
    ) -> Result<StoredTask, Fault> {
        let (tool, sealed) = handle.rsplit_once('.').ok_or(Fault::UnknownTask)?;
        let opened: Option<()> = self.seals.open(Purpose::Task(tool), principal, sealed);
        opened.ok_or(Fault::UnknownTask)?;
        let id = Digest::of(handle.as_bytes());
        let task = self.store.find_task(&principal.tenant, &id).await?;
        let task = task.filter(|task| task.user == principal.user);
        let task = task.filter(|task| task.client == principal.client);
        let mut task = task.ok_or(Fault::UnknownTask)?;
        let now = self.seals.clock.now();
        if !task.status.is_final() && task.alive_until <= now {
            // Whoever worked on it has gone without a word.
            let lost = TaskChange::Fail(RpcError::from(Fault::Lost).object());
            let changed = self.store.change_task(&principal.tenant, &id, lost, now);
            task = changed.await?.ok_or(Fault::UnknownTask)?;
        }
        Ok(task)
    }
}

/// The handle that a request is about.
pub(super) fn handle(request: &Request) -> Result<&str, Fault> {
    let handle = request.params.get("taskId").and_then(Value::as_str);
    handle.ok_or(Fault::InvalidParams("taskId must be a string".into()))
}

/// What was asked, for as much as its answer depends on it.
fn asked(request: &Value) -> Option<InputRequest> {
    match request.get("method").and_then(Value::as_str)? {
        "sampling/createMessage" => Some(InputRequest::Sample(Map::new())),
        "elicitation/create" => Some(InputRequest::Elicit(Map::new())),
        "roots/list" => Some(InputRequest::ListRoots),
        _ => None,
    }
}

/// A `Task`.
fn described(handle: &str, task: &StoredTask) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("taskId", json!(handle));
    put("status", json!(task.status.name()));
    if let Some(message) = &task.message {
        put("statusMessage", json!(message));
    }
    put("createdAt", json!(written(task.created_at)));
    put("lastUpdatedAt", json!(written(task.updated_at)));
    let ttl = task.expires_at.since(task.created_at).as_secs() * 1000;
    put("ttlMs", json!(ttl));
    put("pollIntervalMs", json!(POLL.as_secs() * 1000));
    members
}

/// A `DetailedTask`.
pub(super) fn detailed(handle: &str, task: &StoredTask) -> Map<String, Value> {
    let mut members = described(handle, task);
    let outcome = || task.outcome.clone().unwrap_or_default();
    let detail = match task.status {
        TaskStatus::InputRequired => Some(("inputRequests", json!(task.requests))),
        TaskStatus::Completed => Some(("result", outcome())),
        TaskStatus::Failed => Some(("error", outcome())),
        TaskStatus::Working | TaskStatus::Cancelled => None,
    };
    members.extend(detail.map(|(name, value)| (name.to_owned(), value)));
    members
}

/// RFC 3339
fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.seconds())
        .map(|at| at.to_string())
        .unwrap_or_default()
}
