//! MCP servers elsewhere, mounted behind the gate: their messages pass as they are but for names,
//! URIs and what belongs to one revision only.

mod api;
mod breaker;
mod catalogue;
mod converse;
mod credentials;
mod events;
mod failure;
mod headers;
mod health;
mod http;
mod line;
mod linking;
mod measure;
mod message;
mod mounts;
mod process;
mod result;
mod rewrite;
mod session;
mod shelf;
mod speech;
mod standing;
mod supply;
mod task;
mod transport;
mod watch;

use std::sync::Arc;

use ::http::HeaderMap;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use super::{
    Answer, Aside, Backend, BackendError, CallContext, Capability, Catalogue, ListChange, Round,
    Updates,
};
use crate::model::{MountPrefix, OPERATION};
use crate::resource_server::{Operation, Permit};
use failure::Failure;
use line::{Ask, Line};
use linking::Person;
use result::{Own, ServerResult};
use rewrite::Rewriter;
use shelf::Shelf;
use watch::Watch;

pub use health::Health;
pub use mounts::Mounts;
pub use supply::ToolLedger;

/// A mounted server.
#[derive(Debug)]
pub struct RemoteServer {
    rewriter: Rewriter,
    line: Arc<Line>,
    shelf: Arc<Shelf>,
    watch: Arc<Watch>,
    /// Whose account is used, where each person has one of their own.
    person: Option<Arc<Person>>,
}

/// How many rounds a call may take whose client answers on the spot.
const ROUNDS: usize = 32;

/// What is kept of a call between two rounds: its server, and that one's own state.
const KEPT_SERVER: &str = "server";
const KEPT_STATE: &str = "state";

impl RemoteServer {
    fn prefix_of(&self) -> &MountPrefix {
        let Rewriter(prefix) = &self.rewriter;
        prefix
    }

    /// Has `ask` answered, in as many rounds as it takes.
    async fn call(
        &self,
        mut ask: Ask,
        permit: &Permit,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        for (name, value) in &context.extras.params {
            ask.params.entry(name).or_insert_with(|| value.clone());
        }
        let mut round = context.round().and_then(of_the_server);
        let mut was_linked = false;
        for _ in 0..ROUNDS {
            if let Some(round) = round.take() {
                self.add_round(&mut ask.params, round)?;
            }
            let asked = self.line.ask(&ask, Some((permit.principal(), context)));
            let mut result = match (asked.await, &self.person) {
                (Err(Failure::NotLinked), Some(person)) if !was_linked => {
                    self.link(person, context).await?;
                    was_linked = true;
                    continue;
                }
                (asked, _) => asked.map_err(|failure| self.error(failure))?,
            };
            let own = result.take_own();
            match own.kind.as_ref().map_or(Some("complete"), Value::as_str) {
                Some("complete") => return Ok(self.answer(result, own)),
                Some("input_required") => {
                    let asked = self.ask_round(result.into_members(), context);
                    round = Some(Box::pin(asked).await?);
                }
                Some("task") => {
                    let created = result.into_members();
                    return Box::pin(self.follow(&created, permit, context)).await;
                }
                _ => {
                    let failure = Failure::Protocol("a result of a kind that was not asked for");
                    return Err(self.error(failure));
                }
            }
        }
        Err(BackendError::Unavailable(
            "the server of this asks without end",
        ))
    }

    /// Has the client answer what the server asks for.
    async fn ask_round(
        &self,
        mut result: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Round, BackendError> {
        let mut requests = match result.remove("inputRequests") {
            None => Map::new(),
            Some(Value::Object(requests)) => requests,
            Some(_) => return Err(self.error(Failure::Protocol("inputRequests that are none"))),
        };
        for request in requests.values_mut() {
            if let Some(Value::Object(params)) = request.get_mut("params") {
                self.rewriter.question(params);
            }
        }
        let own = result.remove("requestState").unwrap_or_default();
        let state = json!({ KEPT_SERVER: self.line.name, KEPT_STATE: own });
        let answers = context.ask_round(requests, state.clone()).await?;
        Ok(Round { state, answers })
    }

    /// Adds what the client answered, and the server's own state.
    fn add_round(&self, params: &mut Map<String, Value>, round: Round) -> Result<(), BackendError> {
        let Round { state, mut answers } = round;
        let server = state.get(KEPT_SERVER).and_then(Value::as_str);
        if !state.is_null() && server != Some(self.line.name.as_str()) {
            let why = "requestState is not of this server".to_owned();
            return Err(BackendError::InvalidParams(why));
        }
        for answer in answers.values_mut() {
            if let Value::Object(answer) = answer {
                self.rewriter.answer(answer);
            }
        }
        params.insert("inputResponses".to_owned(), Value::Object(answers));
        match state.get(KEPT_STATE) {
            None | Some(Value::Null) => params.shift_remove("requestState"),
            Some(own) => params.insert("requestState".to_owned(), own.clone()),
        };
        Ok(())
    }

    /// The answer that a result of the server is.
    fn answer(&self, result: ServerResult, own: Own) -> Answer {
        let Own { ttl_ms, meta, .. } = own;
        let (body, meta) = self.rewriter.result(result, meta);
        let ttl_ms = ttl_ms.unwrap_or_default();
        Answer { body, meta, ttl_ms }
    }

    /// Answers the call of the tool that stands for all others while the account is not linked.
    async fn connect(
        &self,
        person: &Person,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        if !context.can(Capability::ElicitationUrl) {
            return Ok(person.way_there());
        }
        self.link(person, context).await?;
        Ok(person.welcome())
    }

    /// Has the person link their account. What there is without one, and with it, is told.
    async fn link(&self, person: &Person, context: &CallContext) -> Result<(), BackendError> {
        if !self.shelf.wants_account() {
            self.watch.tell_all().await;
        }
        person.link(context).await?;
        self.watch.tell_all().await;
        Ok(())
    }

    fn error(&self, failure: Failure) -> BackendError {
        let mut error = failure.into_error();
        if let BackendError::Relayed(error) = &mut error {
            self.rewriter.error(error.data.as_mut());
        }
        error
    }
}

/// The round without what the gateway itself asked; none where nothing is left of it.
fn of_the_server(mut round: Round) -> Option<Round> {
    let is_own = round.answers.shift_remove(linking::QUESTION).is_some();
    let is_empty = round.answers.is_empty() && round.state.is_null();
    (!is_own || !is_empty).then_some(round)
}

impl Drop for RemoteServer {
    fn drop(&mut self) {
        self.watch.end();
    }
}

#[async_trait]
impl Backend for RemoteServer {
    async fn catalogue(&self) -> Arc<Catalogue> {
        self.shelf.catalogue().await
    }

    fn is_built_in(&self) -> bool {
        false
    }

    fn prefix(&self) -> Option<&MountPrefix> {
        Some(self.prefix_of()).filter(|prefix| !prefix.is_empty())
    }

    async fn call_tool(
        &self,
        permit: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        // A permit for one thing opens no other, whatever went wrong on the way here.
        if !matches!(permit.operation(), Operation::CallTool(allowed) if allowed == name) {
            return Err(BackendError::UnknownTool);
        }
        let catalogue = self.catalogue().await;
        if let Some(person) = &self.person
            && self.shelf.wants_account()
            && person.tool(self.prefix_of()) == name
        {
            return self.connect(person, context).await;
        }
        let inner = self.prefix_of().inner_name(name);
        let inner = inner.ok_or(BackendError::UnknownTool)?.to_owned();
        let tool = catalogue.tools.iter().find(|tool| tool.name == name);
        let schema = tool.and_then(|tool| tool.json.get("inputSchema"));
        let mut mirrored = HeaderMap::new();
        if let Some(schema) = schema {
            headers::mirror_arguments(&mut mirrored, schema, &arguments);
        }
        let mut params = Map::new();
        params.insert("name".to_owned(), Value::from(inner.as_str()));
        params.insert("arguments".to_owned(), Value::Object(arguments));
        if self.line.transport.is_api() {
            let operation = tool.and_then(|tool| api::operation_of(&tool.json));
            let operation = operation.cloned().unwrap_or_default();
            params.insert(OPERATION.to_owned(), operation);
        }
        let ask = Ask {
            method: "tools/call",
            params,
            name: Some(inner),
            mirrored,
        };
        self.call(ask, permit, context).await
    }

    async fn read_resource(
        &self,
        permit: &Permit,
        uri: &str,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        if !matches!(permit.operation(), Operation::ReadResource(allowed) if allowed == uri) {
            return Err(BackendError::UnknownResource);
        }
        let inner = self.prefix_of().inner_uri(uri);
        let inner = inner.ok_or(BackendError::UnknownResource)?;
        let ask = Ask {
            method: "resources/read",
            params: Map::from_iter([("uri".to_owned(), Value::from(inner.as_str()))]),
            name: Some(inner),
            ..Ask::default()
        };
        self.call(ask, permit, context).await
    }

    async fn get_prompt(
        &self,
        permit: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        if !matches!(permit.operation(), Operation::GetPrompt(allowed) if allowed == name) {
            return Err(BackendError::UnknownPrompt);
        }
        let inner = self.prefix_of().inner_name(name);
        let inner = inner.ok_or(BackendError::UnknownPrompt)?.to_owned();
        let mut params = Map::new();
        params.insert("name".to_owned(), Value::from(inner.as_str()));
        params.insert("arguments".to_owned(), Value::Object(arguments));
        let ask = Ask {
            method: "prompts/get",
            params,
            name: Some(inner),
            ..Ask::default()
        };
        self.call(ask, permit, context).await
    }

    async fn complete(
        &self,
        permit: &Permit,
        params: &Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError> {
        let mut params = params.clone();
        params.shift_remove("_meta");
        self.rewriter.reference(&mut params);
        let ask = Ask {
            method: "completion/complete",
            params,
            ..Ask::default()
        };
        self.call(ask, permit, context).await
    }

    fn takes_subscriptions(&self) -> bool {
        true
    }

    async fn subscribe(&self, permit: &Permit, uri: &str) -> Result<Option<Updates>, BackendError> {
        if !matches!(permit.operation(), Operation::ReadResource(allowed) if allowed == uri) {
            return Err(BackendError::UnknownResource);
        }
        let inner = self.prefix_of().inner_uri(uri);
        let inner = inner.ok_or(BackendError::UnknownResource)?;
        let welcome = self.line.welcome().await.map_err(Failure::into_error)?;
        if !welcome.has("resources", "subscribe") {
            return Ok(None);
        }
        Ok(self.watch.updates(&inner))
    }

    fn asides(&self) -> Option<broadcast::Receiver<Arc<Aside>>> {
        Some(self.line.asides.subscribe())
    }

    fn list_changes(&self) -> Option<broadcast::Receiver<ListChange>> {
        Some(self.watch.list_changes())
    }
}
