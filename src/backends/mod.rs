//! The MCP servers behind the gate, each a [`Backend`]: the edge does not know which is which.

mod call;
mod peer;
pub mod remote;
pub mod weather;

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::model::{ClientId, MountPrefix, UserId};
use crate::resource_server::Permit;

pub use call::{
    CallContext, Capability, Extras, Input, InputRequest, LogLevel, LogRecord, Progress,
    ProgressSink,
};
pub use peer::{Peer, Round};

/// An MCP server as the edge sees it, whatever its transport or revision.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// What it offers. Listings, look-ups by name and header checks are all made from this.
    async fn catalogue(&self) -> Arc<Catalogue>;

    /// True for what is part of the gateway.
    fn is_built_in(&self) -> bool {
        true
    }

    /// What the names and URIs of all that it has begin with, where they can't be anything else.
    fn prefix(&self) -> Option<&MountPrefix> {
        None
    }

    /// Calls the tool that `permit` allows.
    async fn call_tool(
        &self,
        permit: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError>;

    /// Reads the resource that `permit` allows.
    async fn read_resource(
        &self,
        permit: &Permit,
        uri: &str,
        context: &CallContext,
    ) -> Result<Answer, BackendError>;

    /// Renders the prompt that `permit` allows.
    async fn get_prompt(
        &self,
        permit: &Permit,
        name: &str,
        arguments: Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError>;

    /// Completes an argument (`completion/complete`); `params` as the client sent them.
    async fn complete(
        &self,
        permit: &Permit,
        params: &Map<String, Value>,
        context: &CallContext,
    ) -> Result<Answer, BackendError>;

    /// True when its resources can be subscribed to.
    fn takes_subscriptions(&self) -> bool {
        false
    }

    /// Watches the resource that `permit` allows, for as long as the stream is kept: an item each
    /// time that it may have changed. `None` when nobody would notice a change of it.
    async fn subscribe(&self, permit: &Permit, uri: &str) -> Result<Option<Updates>, BackendError> {
        let _ = (permit, uri);
        Ok(None)
    }

    /// What it tells its callers beside their calls; `None` when it never does.
    fn asides(&self) -> Option<broadcast::Receiver<Arc<Aside>>> {
        None
    }

    /// Tells which of its lists changed; `None` when none ever does.
    fn list_changes(&self) -> Option<broadcast::Receiver<ListChange>> {
        None
    }
}

/// A notification for one person at one client that is about no call of theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// The person.
    pub user: UserId,
    /// The client.
    pub client: ClientId,
    /// The notification's method.
    pub method: String,
    /// Its parameters.
    pub params: Map<String, Value>,
}

/// Items that say: the resource may have changed.
pub type Updates = BoxStream<'static, ()>;

/// A list that is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListChange {
    /// Of tools.
    Tools,
    /// Of resources or resource templates.
    Resources,
    /// Of prompts.
    Prompts,
}

/// What a backend offers, in the order of its listings.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Its tools.
    pub tools: Vec<Definition>,
    /// Its resources, named by URI.
    pub resources: Vec<Definition>,
    /// Its resource templates, named by URI template.
    pub resource_templates: Vec<Definition>,
    /// Its prompts.
    pub prompts: Vec<Definition>,
    /// What the server tells the model about itself.
    pub instructions: Option<String>,
    /// True where there may be resources beside those that are listed.
    pub has_unlisted_resources: bool,
    /// The name of the server, where it can't be reached: then this is what it had.
    pub unreachable: Option<String>,
}

/// One entry of a listing.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name, the URI or the URI template.
    pub name: String,
    /// The whole `Tool`, `Resource`, `ResourceTemplate` or `Prompt` object.
    pub json: Map<String, Value>,
    written: OnceLock<Box<str>>,
}

impl Definition {
    /// The entry of that name.
    #[must_use]
    pub const fn new(name: String, json: Map<String, Value>) -> Self {
        Self {
            name,
            json,
            written: OnceLock::new(),
        }
    }

    /// The object as text, which is made once.
    pub(crate) fn text(&self) -> &str {
        self.written.get_or_init(|| {
            let text = serde_json::to_string(&self.json);
            // Names are text and values are JSON already: nothing can fail.
            text.unwrap_or_default().into()
        })
    }
}

/// A result object, ready to be sent but for what the revision adds.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The members of the result as one JSON object without `_meta` and `resultType`.
    pub body: Bytes,
    /// The members of `_meta`.
    pub meta: Map<String, Value>,
    /// For how many milliseconds the caller may keep it; only `resources/read` says it on the wire.
    pub ttl_ms: u64,
}

/// Why there is no answer. What the model should read about is no error but an answer with
/// `isError`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// There is no tool of that name.
    #[error("unknown tool")]
    UnknownTool,
    /// There is no resource of that URI.
    #[error("resource not found")]
    UnknownResource,
    /// There is no prompt of that name.
    #[error("unknown prompt")]
    UnknownPrompt,
    /// The parameters are not what the method takes; the text says which and why.
    #[error("{0}")]
    InvalidParams(String),
    /// The client has not declared what this needs.
    #[error("the client lacks a capability")]
    MissingCapability(Capability),
    /// The client has been asked: it calls again with the answers. From [`CallContext::ask`].
    #[error("the client is asked for input")]
    InputRequired,
    /// The server behind the gate can't answer now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A server elsewhere answered with an error.
    #[error("{}", .0.message)]
    Relayed(Box<RelayedError>),
    /// The caller has gone away.
    #[error("cancelled")]
    Cancelled,
}

/// The error of a server elsewhere (JSON-RPC 2.0 §5.1), for the client to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayedError {
    /// Its code.
    pub code: i64,
    /// Its text.
    pub message: String,
    /// What else it says.
    pub data: Option<Value>,
    /// True where it was said in 2026-07-28, which has other codes for some things.
    pub is_modern: bool,
}

impl Catalogue {
    /// True when there is a tool of that name.
    #[must_use]
    pub fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }
}
