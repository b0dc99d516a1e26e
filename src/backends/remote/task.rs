//! Calls that a mounted server goes on with after it answered (the extension
//! `io.modelcontextprotocol/tasks` of 2026-07-28): the client has a task of the gateway, which follows
//! that of the server.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::super::{Answer, BackendError, CallContext, InputRequest};
use super::RemoteServer;
use super::failure::Failure;
use super::line::{Ask, Line};
use super::result::ServerResult;
use crate::resource_server::Permit;

/// How often the server is asked: at least, at most, and where it does not say.
const LEAST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(30);
const UNSAID: Duration = Duration::from_secs(1);

const NO_TASK: Failure = Failure::Protocol("a task that is none");

/// Calls the task of the server off, unless it has ended.
struct Abandoned {
    line: Arc<Line>,
    id: Option<String>,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let line = Arc::clone(&self.line);
        runtime.spawn(async move {
            // It may have ended by now.
            drop(line.ask(&about("tasks/cancel", &id), None).await);
        });
    }
}

impl RemoteServer {
    /// Follows the task that the server has `created` until there is a result.
    pub(super) async fn follow(
        &self,
        created: &Map<String, Value>,
        permit: &Permit,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        let id = created.get("taskId").and_then(Value::as_str);
        let id = id.ok_or_else(|| self.error(NO_TASK))?.to_owned();
        let mut abandoned = Abandoned {
            line: Arc::clone(&self.line),
            id: Some(id.clone()),
        };
        if !context.defer().await? {
            return Err(self.error(Failure::Protocol("a task that was not asked for")));
        }
        let mut asked = HashSet::new();
        let mut pause = interval(created);
        loop {
            tokio::select! {
                () = context.cancellation.cancelled() => return Err(BackendError::Cancelled),
                () = tokio::time::sleep(pause) => {}
            }
            let caller = Some((permit.principal(), context));
            let task = self.line.ask(&about("tasks/get", &id), caller).await;
            let task = task.map_err(|failure| self.error(failure))?;
            let mut task = task.into_members();
            pause = interval(&task);
            match task.get("status").and_then(Value::as_str) {
                Some("working") => {}
                Some("input_required") => {
                    let requests = task.remove("inputRequests").unwrap_or_default();
                    let new = self.questions(requests, &mut asked)?;
                    self.bring_answers(&id, new, (permit, context)).await?;
                }
                Some("completed") => {
                    abandoned.id = None;
                    return self.result_of(task.remove("result"));
                }
                Some("failed") => {
                    abandoned.id = None;
                    let error = task.remove("error").unwrap_or_default();
                    return Err(self.error(Failure::of_error(&error)));
                }
                Some("cancelled") => {
                    abandoned.id = None;
                    return Err(BackendError::Cancelled);
                }
                Some(_) | None => return Err(self.error(NO_TASK)),
            }
        }
    }

    fn result_of(&self, result: Option<Value>) -> Result<Answer, BackendError> {
        let Some(Value::Object(result)) = result else {
            return Err(self.error(NO_TASK));
        };
        let mut result = ServerResult::of(&result);
        let own = result.take_own();
        Ok(self.answer(result, own))
    }

    /// Has the client answer what is new, and the server get the answers.
    async fn bring_answers(
        &self,
        id: &str,
        new: Vec<(String, InputRequest)>,
        (permit, context): (&Permit, &CallContext),
    ) -> Result<(), BackendError> {
        if new.is_empty() {
            return Ok(());
        }
        let answers = Value::Object(self.answers(new, context).await?);
        let mut update = about("tasks/update", id);
        update.params.insert("inputResponses".to_owned(), answers);
        let caller = Some((permit.principal(), context));
        let updated = self.line.ask(&update, caller).await;
        updated.map(|_| ()).map_err(|failure| self.error(failure))
    }

    /// Those of `requests` that were not asked yet.
    fn questions(
        &self,
        requests: Value,
        asked: &mut HashSet<String>,
    ) -> Result<Vec<(String, InputRequest)>, BackendError> {
        let Value::Object(requests) = requests else {
            return Err(self.error(NO_TASK));
        };
        let mut new = Vec::new();
        for (key, mut request) in requests {
            if !asked.insert(key.clone()) {
                continue;
            }
            if let Some(Value::Object(params)) = request.get_mut("params") {
                self.rewriter.question(params);
            }
            let request = InputRequest::read(&request);
            new.push((key, request.ok_or_else(|| self.error(NO_TASK))?));
        }
        Ok(new)
    }

    /// What the client answers.
    async fn answers(
        &self,
        questions: Vec<(String, InputRequest)>,
        context: &CallContext,
    ) -> Result<Map<String, Value>, BackendError> {
        let keys: Vec<String> = questions.iter().map(|(key, _)| key.clone()).collect();
        let mut answers = context.ask_all(questions).await?;
        for answer in &mut answers {
            self.rewriter.answer(answer);
        }
        let answers = answers.into_iter().map(Value::Object);
        Ok(keys.into_iter().zip(answers).collect())
    }
}

/// A request about the task `id`.
fn about(method: &'static str, id: &str) -> Ask {
    Ask {
        method,
        params: Map::from_iter([("taskId".to_owned(), Value::from(id))]),
        name: Some(id.to_owned()),
        ..Ask::default()
    }
}

fn interval(task: &Map<String, Value>) -> Duration {
    let said = task.get("pollIntervalMs").and_then(Value::as_u64);
    said.map_or(UNSAID, Duration::from_millis)
        .clamp(LEAST, MOST)
}
