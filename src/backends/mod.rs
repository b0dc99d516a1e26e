//! The MCP servers behind the gate, each a [`Backend`]: the edge does not know which is which.

pub mod weather;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::resource_server::Permit;

/// An MCP server as the edge sees it, whatever its transport or revision.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// What it offers. Listings, look-ups by name and header checks are all made from this.
    async fn catalogue(&self) -> Arc<Catalogue>;

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
}

/// One entry of a listing.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name, the URI or the URI template.
    pub name: String,
    /// The whole `Tool`, `Resource`, `ResourceTemplate` or `Prompt` object.
    pub json: Map<String, Value>,
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

/// What a call may use of the connection that it came by.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// Where progress goes, when the caller asked for it.
    pub progress: Option<ProgressSink>,
    /// Ends when the caller has gone away or cancelled.
    pub cancellation: CancellationToken,
}

/// Where a call reports its progress.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(Progress) + Send + Sync>);

/// How far a call has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// How much is done; it only ever grows.
    pub progress: f64,
    /// How much there is to do, where that is known.
    pub total: Option<f64>,
    /// What is being done.
    pub message: Option<String>,
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
    /// The server behind the gate can't answer now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The caller has gone away.
    #[error("cancelled")]
    Cancelled,
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

impl Catalogue {
    /// True when there is a tool of that name.
    #[must_use]
    pub fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }
}
