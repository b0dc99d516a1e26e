//! A server behind the gate that talks with its clients.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use gatehouse::backends::{
    Answer, Backend, BackendError, CallContext, Catalogue, Definition, InputRequest, ListChange,
    LogLevel, Progress, Updates,
};
use gatehouse::resource_server::Permit;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, broadcast};

/// The server, and what makes it go on.
#[derive(Debug)]
pub(crate) struct Talk {
    catalogue: Arc<Catalogue>,
    pub(crate) lists: broadcast::Sender<ListChange>,
    pub(crate) updates: broadcast::Sender<()>,
    /// One permit for each time that `part` or `hold` may go on.
    pub(crate) go_on: Semaphore,
    /// One permit for each `hold` that has begun, and for each that was dropped.
    pub(crate) begun: Arc<Semaphore>,
    pub(crate) dropped: Arc<Semaphore>,
}

struct Dropped(Arc<Semaphore>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

pub(crate) const WATCHED: &str = "talk://watched";

impl Talk {
    pub(crate) fn new() -> Self {
        let tools = ["ask", "ask_again", "job", "tell", "part", "hold"];
        let entry = |name: &str, json: Value| {
            Definition::new(name.to_owned(), json.as_object().unwrap().clone())
        };
        let schema = json!({ "type": "object" });
        let tool = |name: &&str| entry(name, json!({ "name": name, "inputSchema": schema }));
        let catalogue = Catalogue {
            tools: tools.iter().map(tool).collect(),
            resources: vec![entry(WATCHED, json!({ "uri": WATCHED, "name": "watched" }))],
            ..Catalogue::default()
        };
        Self {
            catalogue: Arc::new(catalogue),
            lists: broadcast::Sender::new(8),
            updates: broadcast::Sender::new(8),
            go_on: Semaphore::new(0),
            begun: Arc::new(Semaphore::new(0)),
            dropped: Arc::new(Semaphore::new(0)),
        }
    }

    async fn wait(&self) {
        self.go_on.acquire().await.unwrap().forget();
    }
}

/// Takes one permit, or fails when there is none in time.
pub(crate) async fn happens(event: &Semaphore) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), event.acquire());
    waited.await.unwrap().unwrap().forget();
}

fn text(text: &str) -> Answer {
    let body = json!({ "content": [{ "type": "text", "text": text }] });
    Answer {
        body: body.to_string().into(),
        meta: Map::new(),
        ttl_ms: 0,
    }
}

async fn name(context: &CallContext, key: &str) -> Result<String, BackendError> {
    let form = json!({
        "message": "What is your name?",
        "requestedSchema": { "type": "object", "properties": { "name": { "type": "string" } } },
    });
    let form = InputRequest::Elicit(form.as_object().unwrap().clone());
    let answer = context.ask(key, form).await?;
    let name = answer
        .get("content")
        .and_then(|content| content.get("name"));
    Ok(name.and_then(Value::as_str).unwrap_or("nobody").to_owned())
}

fn report(context: &CallContext, progress: f64) {
    if let Some(sink) = &context.progress {
        sink.report(Progress {
            progress,
            total: None,
            message: None,
            ..Progress::default()
        });
    }
}

#[async_trait]
impl Backend for Talk {
    async fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue)
    }

    async fn call_tool(
        &self,
        _: &Permit,
        tool: &str,
        _: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        match tool {
            "ask" => Ok(text(&format!("Hello {}", name(context, "name").await?))),
            "ask_again" => {
                let first = name(context, "first").await?;
                context.remember("first done");
                let second = name(context, "second").await?;
                let state = context.remembered().unwrap_or_default();
                Ok(text(&format!("{first} and {second}, {state}")))
            }
            "job" => {
                context.require_task().await?;
                Ok(text(&format!("Done for {}", name(context, "name").await?)))
            }
            "tell" => {
                context.log(LogLevel::Debug, "talk", "a detail");
                context.log(LogLevel::Info, "talk", "as expected");
                context.log(LogLevel::Error, "talk", json!({ "what": "a failure" }));
                Ok(text("told"))
            }
            "part" => {
                report(context, 1.0);
                context.hang_up();
                self.wait().await;
                report(context, 2.0);
                Ok(text("whole"))
            }
            _ => {
                let _dropped = Dropped(Arc::clone(&self.dropped));
                self.begun.add_permits(1);
                self.wait().await;
                Ok(text("held"))
            }
        }
    }

    async fn read_resource(
        &self,
        _: &Permit,
        uri: &str,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        let mut answer = text("");
        let contents = json!({ "contents": [{ "uri": uri, "text": "now" }] });
        answer.body = contents.to_string().into();
        Ok(answer)
    }

    async fn get_prompt(
        &self,
        _: &Permit,
        _: &str,
        _: Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownPrompt)
    }

    async fn complete(
        &self,
        _: &Permit,
        _: &Map<String, Value>,
        _: &CallContext,
    ) -> Result<Answer, BackendError> {
        Err(BackendError::UnknownPrompt)
    }

    fn takes_subscriptions(&self) -> bool {
        true
    }

    async fn subscribe(&self, _: &Permit, _: &str) -> Result<Option<Updates>, BackendError> {
        let updates = futures_util::stream::unfold(self.updates.subscribe(), |mut updates| async {
            updates.recv().await.ok().map(|()| ((), updates))
        });
        Ok(Some(updates.boxed()))
    }

    fn list_changes(&self) -> Option<broadcast::Receiver<ListChange>> {
        Some(self.lists.subscribe())
    }
}
