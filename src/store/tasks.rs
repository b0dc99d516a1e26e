//! Work that goes on after its request was answered (MCP tasks extension), and how it changes.

use async_trait::async_trait;
use serde_json::{Map, Value};
use sqlx::FromRow;

use super::StoreError;
use super::row::{invalid, parse_digest};
use crate::model::{ClientId, Digest, TenantSlug, Timestamp, UserId};

/// The tasks of clients.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Stores a new task; false when its client has `limit` for the same person that go on.
    async fn add_task(
        &self,
        tenant: &TenantSlug,
        task: &StoredTask,
        limit: u32,
    ) -> Result<bool, StoreError>;

    /// The task of that identifier.
    async fn find_task(
        &self,
        tenant: &TenantSlug,
        id: &Digest,
    ) -> Result<Option<StoredTask>, StoreError>;

    /// Changes a task, and gives it back as it is then; `None` when there is none. A task that is
    /// over does not change any more.
    async fn change_task(
        &self,
        tenant: &TenantSlug,
        id: &Digest,
        change: TaskChange,
        now: Timestamp,
    ) -> Result<Option<StoredTask>, StoreError>;
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTask {
    /// The digest of its identifier.
    pub id: Digest,
    /// Who had it begun.
    pub user: UserId,
    /// Through which client.
    pub client: ClientId,
    /// How far it is.
    pub status: TaskStatus,
    /// What it does at the moment.
    pub message: Option<String>,
    /// The questions that wait for an answer, by key.
    pub requests: Map<String, Value>,
    /// The answers that were given, by key.
    pub answers: Map<String, Value>,
    /// The result, or the error where it failed.
    pub outcome: Option<Value>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Until when its replica has said that it works on it.
    pub alive_until: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStatus {
    /// It is being worked on.
    Working,
    /// It waits for its client's answers.
    InputRequired,
    /// It has a result.
    Completed,
    /// It has an error.
    Failed,
    /// It was called off.
    Cancelled,
}

/// What can happen to a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskChange {
    /// Its replica works on it, at least until then.
    Alive(Timestamp),
    /// It says what it does.
    Message(String),
    /// It asks, by keys that were never used in it.
    Ask(Map<String, Value>),
    /// It is answered; keys that don't wait are ignored.
    Answer(Map<String, Value>),
    /// It has a result.
    Complete(Value),
    /// It has an error.
    Fail(Value),
    /// It is called off.
    Cancel,
}

impl TaskStatus {
    const ALL: [Self; 5] = [
        Self::Working,
        Self::InputRequired,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True when nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl StoredTask {
    /// The task after `change`.
    pub(super) fn apply(&mut self, change: TaskChange, now: Timestamp) {
        if self.status.is_final() {
            return;
        }
        self.updated_at = now;
        match change {
            TaskChange::Alive(until) => self.alive_until = until,
            TaskChange::Message(message) => self.message = Some(message),
            TaskChange::Ask(requests) => self.requests.extend(requests),
            TaskChange::Answer(answers) => {
                let waits = |(key, _): &(String, Value)| self.requests.shift_remove(key).is_some();
                self.answers.extend(answers.into_iter().filter(waits));
            }
            TaskChange::Complete(result) => self.end(TaskStatus::Completed, Some(result)),
            TaskChange::Fail(error) => self.end(TaskStatus::Failed, Some(error)),
            TaskChange::Cancel => self.end(TaskStatus::Cancelled, None),
        }
        if !self.status.is_final() {
            self.status = if self.requests.is_empty() {
                TaskStatus::Working
            } else {
                TaskStatus::InputRequired
            };
        }
    }

    fn end(&mut self, status: TaskStatus, outcome: Option<Value>) {
        self.status = status;
        self.outcome = outcome;
        self.requests = Map::new();
        self.answers = Map::new();
    }
}

#[derive(FromRow)]
pub(super) struct TaskRow {
    id: Vec<u8>,
    user_id: String,
    client_id: String,
    status: String,
    message: Option<String>,
    requests: String,
    answers: String,
    outcome: Option<String>,
    created_at: i64,
    updated_at: i64,
    alive_until: i64,
    expires_at: i64,
}

impl TryFrom<TaskRow> for StoredTask {
    type Error = StoreError;

    fn try_from(row: TaskRow) -> Result<Self, StoreError> {
        let object = |text: &str| serde_json::from_str(text).map_err(|_| invalid("task"));
        let outcome = row.outcome.as_deref().map(serde_json::from_str).transpose();
        Ok(Self {
            id: parse_digest(&row.id)?,
            user: UserId::new(row.user_id),
            client: ClientId::new(row.client_id),
            status: TaskStatus::ALL
                .into_iter()
                .find(|status| status.name() == row.status)
                .ok_or_else(|| invalid("status of a task"))?,
            message: row.message,
            requests: object(&row.requests)?,
            answers: object(&row.answers)?,
            outcome: outcome.map_err(|_| invalid("outcome of a task"))?,
            created_at: Timestamp::from_seconds(row.created_at),
            updated_at: Timestamp::from_seconds(row.updated_at),
            alive_until: Timestamp::from_seconds(row.alive_until),
            expires_at: Timestamp::from_seconds(row.expires_at),
        })
    }
}

/// An object for its column.
pub(super) fn write_object(object: &Map<String, Value>) -> Result<String, StoreError> {
    serde_json::to_string(object).map_err(StoreError::failed)
}
