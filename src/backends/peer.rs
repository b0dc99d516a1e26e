//! The client of a call, as a server behind the gate sees it.

use std::fmt;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::BackendError;
use super::call::{Capability, Input, InputRequest, LogLevel, LogRecord};

/// What a later round of a call brings (2026-07-28 basic/patterns/mrtr).
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// What was kept for it.
    pub state: Value,
    /// The answers, by the keys of their requests; nobody has looked at them yet.
    pub answers: Map<String, Value>,
}

/// The client of a call, whatever its revision: the edge asks it by multi-round-trip requests
/// (2026-07-28), by requests on the response stream (before), or through a task.
#[async_trait]
pub trait Peer: fmt::Debug + Send + Sync {
    /// True when it has declared `capability`, and can be reached.
    fn can(&self, capability: Capability) -> bool;

    /// Tells it something for its log; left out where it did not ask for that level.
    fn log(&self, record: LogRecord);

    /// Passes on a notification that only its server and it know the meaning of.
    fn tell(&self, method: &str, params: Map<String, Value>) {
        let _ = (method, params);
    }

    /// Has it answer these requests, named by keys that are the same each time the call is made.
    async fn ask(&self, requests: Vec<(String, InputRequest)>) -> Result<Vec<Input>, BackendError>;

    /// What [`Peer::remember`] was given in an earlier round of this call.
    fn remembered(&self) -> Option<Value>;

    /// Keeps `state` for the next round, sealed; it goes through the client's hands.
    fn remember(&self, state: Value);

    /// From which level on it is to be told something for its log; none where it wants nothing.
    fn log_level(&self) -> Option<LogLevel> {
        None
    }

    /// What this round of a call brought, where an earlier one ended in [`Peer::ask_round`].
    fn round(&self) -> Option<Round> {
        None
    }

    /// Has it answer these requests of somebody else's round, `{ method, params }` by key. Where
    /// the client calls again with the answers, they come with [`Peer::round`] and `state`.
    async fn ask_round(
        &self,
        requests: Map<String, Value>,
        state: Value,
    ) -> Result<Map<String, Value>, BackendError> {
        let _ = (requests, state);
        Err(BackendError::Cancelled)
    }

    /// Has it answer a request while the call waits. Where the client calls again with the answer,
    /// the call is waiting for it, at whichever replica it is.
    async fn ask_under_way(&self, key: &str, request: InputRequest) -> Result<Input, BackendError> {
        let mut inputs = self.ask(vec![(key.to_owned(), request)]).await?;
        inputs.pop().ok_or(BackendError::Cancelled)
    }

    /// Goes on as a task, where it takes tasks: true when the caller has been answered with one.
    async fn defer(&self) -> Result<bool, BackendError>;

    /// Closes the response stream where it can be resumed; the client comes back for the rest.
    fn hang_up(&self);
}
