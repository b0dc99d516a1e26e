//! From a permitted request to the server that answers it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::{Fault, RpcError};
use super::listing::{self, Listing};
use super::message::Request;
use super::method::{Method, Target};
use super::param_headers;
use super::reply::{Envelope, Reply};
use super::revision::Revision;
use crate::backends::{Answer, Backend, CallContext, Catalogue};
use crate::resource_server::{Operation, Permit, Policy};
use crate::telemetry::{Figure, Figures};

/// The servers behind one MCP endpoint, and who may use what of them.
#[derive(Debug)]
pub struct Dispatcher {
    backends: Vec<Arc<dyn Backend>>,
    policy: Arc<Policy>,
    figures: Arc<Figures>,
    server_info: String,
}

/// How this server presents itself (`Implementation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The name for programs.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The version.
    pub version: String,
}

/// Every list exists, if only as an empty one; nothing is announced when it changes.
const CAPABILITIES: &str = r#"{"tools":{},"resources":{},"prompts":{},"completions":{}}"#;

/// How long a client may keep a list or what it discovered. Nobody tells it of changes, so short.
const LISTING_TTL_MS: u64 = 60_000;

/// The one member of a tool's answer that is of interest here.
#[derive(Deserialize)]
struct Outcome {
    #[serde(rename = "isError", default)]
    is_error: bool,
}

impl Dispatcher {
    /// A dispatcher to `backends`, whose listings follow one another in this order.
    #[must_use]
    pub fn new(
        backends: Vec<Arc<dyn Backend>>,
        policy: Arc<Policy>,
        figures: Arc<Figures>,
        server_info: &ServerInfo,
    ) -> Self {
        let ServerInfo {
            name,
            title,
            version,
        } = server_info;
        let server_info = json!({ "name": name, "title": title, "version": version });
        Self {
            backends,
            policy,
            figures,
            server_info: server_info.to_string(),
        }
    }

    /// The policy that listings follow, and permits must come from.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What a principal needs a permit for to have `request` answered.
    pub async fn operation(&self, request: &Request) -> Result<Operation, RpcError> {
        let needed = async {
            let method = Method::named(&request.method, request.revision)?;
            let target = Target::of(method, request)?;
            if target != Target::Conversation {
                self.find(target, request.revision).await?;
            }
            Ok(target.operation())
        };
        needed
            .await
            .map_err(|fault: Fault| fault.of(request.id.clone()))
    }

    /// The answer to a principal that must not know of what `request` names
    /// ([`Refusal::Unknown`](crate::resource_server::Refusal::Unknown)): the same as if it did not
    /// exist.
    #[must_use]
    pub fn unknown(request: &Request) -> RpcError {
        let fault = Method::named(&request.method, request.revision)
            .and_then(|method| Target::of(method, request))
            .map_or_else(|fault| fault, |target| target.unknown(request.revision));
        fault.of(request.id.clone())
    }

    /// The answer to a tool call whose caller lacks scopes, for clients that read challenges
    /// nowhere else ([`RefusalDialect::ToolResult`](crate::model::RefusalDialect)). None where
    /// `request` calls no tool.
    #[must_use]
    pub fn refused(&self, request: &Request, challenge: &str) -> Option<Reply> {
        let method = Method::named(&request.method, request.revision);
        method
            .is_ok_and(|method| method == Method::CallTool)
            .then_some(())?;
        let text =
            "This tool needs a permission that was not given yet: connect the account again.";
        let body = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
        let meta = json!({ "mcp/www_authenticate": [challenge] });
        let envelope = self.envelope(request, None);
        Reply::new(&envelope, body.to_string().as_bytes(), meta.as_object()?).ok()
    }

    /// True when one of the servers has what `operation` is about.
    pub async fn offers(&self, operation: &Operation) -> bool {
        let target = Target::of_operation(operation);
        let catalogues = self.catalogues().await;
        catalogues.iter().any(|catalogue| target.is_in(catalogue))
    }

    /// Has `request` answered as far as `permit` goes.
    pub async fn dispatch(
        &self,
        permit: &Permit,
        request: Request,
        context: &CallContext,
    ) -> Result<Reply, RpcError> {
        let tenant = &permit.principal().tenant;
        self.figures.count(tenant, Figure::Requests);
        let id = request.id.clone();
        let answered = async {
            let method = Method::named(&request.method, request.revision)?;
            if !Target::of(method, &request)?.is_allowed_by(permit) {
                return Err(Fault::Internal);
            }
            match method {
                Method::Discover => self.discover(&request).await,
                Method::Initialize => self.initialize(&request).await,
                Method::Ping => self.reply(&request, b"{}", None),
                Method::List(listing) => self.list(listing, permit, &request).await,
                Method::CallTool => self.call_tool(permit, request, context).await,
                Method::ReadResource => self.read_resource(permit, &request, context).await,
                Method::GetPrompt => self.get_prompt(permit, request, context).await,
                Method::Complete => self.complete(permit, &request, context).await,
            }
        };
        answered.await.map_err(|fault| fault.of(id))
    }

    /// 2026-07-28 server/discover
    async fn discover(&self, request: &Request) -> Result<Reply, Fault> {
        let versions = serde_json::to_string(&Revision::SUPPORTED.map(Revision::name))?;
        let instructions = self.instructions().await?;
        let body = format!(
            "{{\"supportedVersions\":{versions},\"capabilities\":{CAPABILITIES}{instructions}}}"
        );
        self.reply(request, body.as_bytes(), Some(LISTING_TTL_MS))
    }

    /// 2025-11-25 basic/lifecycle, initialization
    async fn initialize(&self, request: &Request) -> Result<Reply, Fault> {
        let revision = Revision::negotiated(&request.params)?.name();
        let instructions = self.instructions().await?;
        let server_info = &self.server_info;
        let body = format!(
            "{{\"protocolVersion\":\"{revision}\",\"capabilities\":{CAPABILITIES},\
             \"serverInfo\":{server_info}{instructions}}}"
        );
        self.reply(request, body.as_bytes(), None)
    }

    async fn list(
        &self,
        listing: Listing,
        permit: &Permit,
        request: &Request,
    ) -> Result<Reply, Fault> {
        listing::check_cursor(&request.params)?;
        let catalogues = self.catalogues().await;
        let body = listing.body(&catalogues, &self.policy, permit)?;
        self.reply(request, &body, Some(LISTING_TTL_MS))
    }

    async fn call_tool(
        &self,
        permit: &Permit,
        mut request: Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::CallTool, &request)?;
        let (backend, catalogue) = self.find(target, request.revision).await?;
        check_param_headers(&request, &catalogue)?;
        let arguments = take_arguments(&mut request.params)?;
        let Operation::CallTool(name) = permit.operation() else {
            return Err(Fault::Internal);
        };
        let tenant = &permit.principal().tenant;
        self.figures.count(tenant, Figure::ToolCalls);
        let answer = backend
            .call_tool(permit, name, arguments, context)
            .await
            .map_err(|error| Fault::from_backend(error, "", request.revision));
        if answer.as_ref().map_or(true, is_error) {
            self.figures.count(tenant, Figure::ToolErrors);
        }
        self.answer(&request, &answer?)
    }

    async fn read_resource(
        &self,
        permit: &Permit,
        request: &Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::ReadResource, request)?;
        let (backend, _) = self.find(target, request.revision).await?;
        let answer = backend
            .read_resource(permit, target.uri(), context)
            .await
            .map_err(|error| Fault::from_backend(error, target.uri(), request.revision))?;
        let envelope = self.envelope(request, Some(answer.ttl_ms));
        Reply::new(&envelope, &answer.body, &answer.meta)
    }

    async fn get_prompt(
        &self,
        permit: &Permit,
        mut request: Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::GetPrompt, &request)?;
        let (backend, _) = self.find(target, request.revision).await?;
        let arguments = take_arguments(&mut request.params)?;
        let Operation::GetPrompt(name) = permit.operation() else {
            return Err(Fault::Internal);
        };
        let answer = backend
            .get_prompt(permit, name, arguments, context)
            .await
            .map_err(|error| Fault::from_backend(error, "", request.revision))?;
        self.answer(&request, &answer)
    }

    async fn complete(
        &self,
        permit: &Permit,
        request: &Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::Complete, request)?;
        let (backend, _) = self.find(target, request.revision).await?;
        let answer = backend
            .complete(permit, &request.params, context)
            .await
            .map_err(|error| Fault::from_backend(error, target.uri(), request.revision))?;
        self.answer(request, &answer)
    }

    /// The server that has `target`, with all that it has.
    async fn find(
        &self,
        target: Target<'_>,
        revision: Revision,
    ) -> Result<(&dyn Backend, Arc<Catalogue>), Fault> {
        for backend in &self.backends {
            let catalogue = backend.catalogue().await;
            if target.is_in(&catalogue) {
                return Ok((backend.as_ref(), catalogue));
            }
        }
        Err(target.unknown(revision))
    }

    async fn catalogues(&self) -> Vec<Arc<Catalogue>> {
        let mut catalogues = Vec::with_capacity(self.backends.len());
        for backend in &self.backends {
            catalogues.push(backend.catalogue().await);
        }
        catalogues
    }

    /// The member `instructions`, with the comma before it, where any server gives some.
    async fn instructions(&self) -> Result<String, Fault> {
        let catalogues = self.catalogues().await;
        let texts: Vec<&str> = catalogues
            .iter()
            .filter_map(|catalogue| catalogue.instructions.as_deref())
            .collect();
        if texts.is_empty() {
            return Ok(String::new());
        }
        let text = serde_json::to_string(&texts.join("\n\n"))?;
        Ok(format!(",\"instructions\":{text}"))
    }

    fn envelope<'a>(&'a self, request: &'a Request, ttl_ms: Option<u64>) -> Envelope<'a> {
        Envelope {
            id: &request.id,
            revision: request.revision,
            server_info: &self.server_info,
            ttl_ms,
        }
    }

    fn reply(&self, request: &Request, body: &[u8], ttl_ms: Option<u64>) -> Result<Reply, Fault> {
        Reply::new(&self.envelope(request, ttl_ms), body, &Map::new())
    }

    fn answer(&self, request: &Request, answer: &Answer) -> Result<Reply, Fault> {
        Reply::new(&self.envelope(request, None), &answer.body, &answer.meta)
    }
}

/// Only transports with headers have any to check.
fn check_param_headers(request: &Request, catalogue: &Catalogue) -> Result<(), Fault> {
    let Some(headers) = &request.param_headers else {
        return Ok(());
    };
    let name = request.params.get("name").and_then(Value::as_str);
    let tool = catalogue
        .tools
        .iter()
        .find(|tool| Some(tool.name.as_str()) == name);
    let schema = tool.and_then(|tool| tool.json.get("inputSchema"));
    param_headers::check(headers, schema, request.params.get("arguments"))
}

fn take_arguments(params: &mut Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    match params.remove("arguments") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments),
        Some(_) => Err(Fault::InvalidParams("arguments must be an object".into())),
    }
}

/// True when the answer tells the model of a failure. Most answers don't even name the member, so
/// the parse is rare.
fn is_error(answer: &Answer) -> bool {
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    text.contains("\"isError\"")
        && serde_json::from_str(text).is_ok_and(|Outcome { is_error }| is_error)
}
