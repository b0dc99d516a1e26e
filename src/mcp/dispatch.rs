//! From a permitted request to the server that answers it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answered;
use super::edge::Edge;
use super::error::{Fault, RpcError};
use super::listing::{self, Listing};
use super::measure::Measure;
use super::message::{Request, RequestId};
use super::method::{Method, Target};
use super::param_headers;
use super::recording::Course;
use super::reference;
use super::reply::{Envelope, Reply};
use super::revision::Revision;
use super::session::Mark;
use crate::audit::Recorder;
use crate::backends::remote::Mounts;
use crate::backends::{Answer, Backend, CallContext, Catalogue};
use crate::model::Tenant;
use crate::resource_server::{Operation, Permit, Policy};
use crate::telemetry::{Figure, Figures};

/// The servers behind one MCP endpoint, and who may use what of them.
#[derive(Debug)]
pub struct Dispatcher {
    pub(super) backends: Arc<[Arc<dyn Backend>]>,
    pub(super) mounts: Option<Arc<Mounts>>,
    policy: Arc<Policy>,
    figures: Arc<Figures>,
    recorder: Option<Recorder>,
    edge: Arc<Edge>,
    pub(super) server_info: String,
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

/// How long a client may keep a list or what it discovered. Not all are told of changes, so short.
pub(super) const LISTING_TTL_MS: u64 = 60_000;

impl Dispatcher {
    /// A dispatcher to `backends`, whose listings follow one another in this order.
    #[must_use]
    pub fn new(
        backends: Vec<Arc<dyn Backend>>,
        policy: Arc<Policy>,
        figures: Arc<Figures>,
        edge: Arc<Edge>,
        server_info: &ServerInfo,
    ) -> Self {
        let ServerInfo {
            name,
            title,
            version,
        } = server_info;
        let server_info = json!({ "name": name, "title": title, "version": version });
        Self {
            backends: backends.into(),
            mounts: None,
            policy,
            figures,
            recorder: None,
            edge,
            server_info: server_info.to_string(),
        }
    }

    /// The same dispatcher, which records what is called through it.
    #[must_use]
    pub fn recorded_by(self, recorder: Recorder) -> Self {
        let recorder = Some(recorder);
        Self { recorder, ..self }
    }

    /// The same dispatcher, for the servers that each tenant has mounted.
    #[must_use]
    pub fn over(self, mounts: Arc<Mounts>) -> Self {
        let mounts = Some(mounts);
        Self { mounts, ..self }
    }

    /// What all requests share.
    #[must_use]
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// The policy that listings follow, and permits must come from.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What a principal needs a permit for to have `request` answered at `tenant`.
    pub async fn operation(
        &self,
        tenant: &Tenant,
        request: &Request,
    ) -> Result<Operation, RpcError> {
        let needed = async {
            let method = Method::named(&request.method, request.revision)?;
            let target = Target::of(method, request)?;
            if !matches!(target, Target::Conversation | Target::Task(_)) {
                self.find(tenant, target, request.revision).await?;
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
        let mut content = vec![json!({ "type": "text", "text": text })];
        content.extend(reference::current().map(reference::block));
        let body = json!({ "content": content, "isError": true });
        let meta = json!({ "mcp/www_authenticate": [challenge] });
        let envelope = self.envelope(request, None);
        Reply::new(&envelope, body.to_string().as_bytes(), meta.as_object()?).ok()
    }

    /// Has `request` answered as far as `permit` goes.
    pub async fn dispatch(
        &self,
        permit: &Permit,
        mut request: Request,
        context: &CallContext,
    ) -> Result<Reply, RpcError> {
        let tenant = &permit.principal().tenant;
        self.figures.count(tenant, Figure::Requests);
        let id = request.id.clone();
        let measure = Measure::begin(permit, &request);
        let opened = Course::open(self.recorder.as_ref(), permit, &request).await;
        let mut course = opened.map_err(|fault| fault.of(id.clone()))?;
        let answered = async {
            let method = Method::named(&request.method, request.revision)?;
            if !Target::of(method, &request)?.is_allowed_by(permit) {
                return Err(Fault::Internal);
            }
            match method {
                Method::Discover => self.discover(permit.tenant(), &request).await,
                Method::Initialize => self.initialize(permit.tenant(), &request).await,
                Method::Ping => self.reply(&request, b"{}", None),
                Method::List(listing) => self.list(listing, permit, &request).await,
                Method::CallTool => {
                    self.call_tool((permit, &mut course), request, context)
                        .await
                }
                Method::ReadResource => self.read_resource(permit, &request, context).await,
                Method::GetPrompt => self.get_prompt(permit, request, context).await,
                Method::Complete => self.complete(permit, &request, context).await,
                Method::SetLevel => self.set_level(permit, &request).await,
                Method::Subscribe => self.subscribe(permit, &request, Mark::Subscribe).await,
                Method::Unsubscribe => self.subscribe(permit, &request, Mark::Unsubscribe).await,
                Method::GetTask => self.get_task(permit, &request).await,
                Method::UpdateTask => self.update_task(permit, &mut request).await,
                Method::CancelTask => self.cancel_task(permit, &request).await,
                // A transport that has streams opens one instead.
                Method::Listen => Err(Fault::Internal),
            }
        };
        let answered = measure.span.around(answered).await;
        measure.end(&self.figures, &answered, course.tells_of_failure);
        course.end(&answered);
        answered.map_err(|fault| fault.of(id))
    }

    async fn list(
        &self,
        listing: Listing,
        permit: &Permit,
        request: &Request,
    ) -> Result<Reply, Fault> {
        let catalogues = self.catalogues(permit.tenant()).await;
        let page = (&*self.edge, request);
        let body = listing.body(&catalogues, &self.policy, permit, page)?;
        let meta = listing::unreachable(&catalogues);
        let envelope = self.envelope(request, Some(LISTING_TTL_MS));
        Reply::new(&envelope, &body, &meta)
    }

    async fn call_tool(
        &self,
        (permit, course): (&Permit, &mut Course<'_>),
        mut request: Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::CallTool, &request)?;
        let (backend, catalogue) = self.find(permit.tenant(), target, request.revision).await?;
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
        let failed = answer.as_ref().map_or(true, answered::tells_of_failure);
        if failed {
            self.figures.count(tenant, Figure::ToolErrors);
            course.tells_of_failure = answer.is_ok();
        }
        let mut answer = answered::in_revision(answer?, request.revision);
        // What somebody else wrote is left as it is.
        if failed && backend.is_built_in() {
            answer = reference::in_answer(name, answer);
        }
        self.answer(&request, &answer)
    }

    async fn read_resource(
        &self,
        permit: &Permit,
        request: &Request,
        context: &CallContext,
    ) -> Result<Reply, Fault> {
        let target = Target::of(Method::ReadResource, request)?;
        let (backend, _) = self.find(permit.tenant(), target, request.revision).await?;
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
        let (backend, _) = self.find(permit.tenant(), target, request.revision).await?;
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
        let (backend, _) = self.find(permit.tenant(), target, request.revision).await?;
        let answer = backend
            .complete(permit, &request.params, context)
            .await
            .map_err(|error| Fault::from_backend(error, target.uri(), request.revision))?;
        self.answer(request, &answer)
    }

    fn envelope<'a>(&'a self, request: &'a Request, ttl_ms: Option<u64>) -> Envelope<'a> {
        Envelope {
            id: &request.id,
            revision: request.revision,
            kind: "complete",
            server_info: &self.server_info,
            ttl_ms,
        }
    }

    /// The response that asks for input (2026-07-28 basic/patterns/mrtr).
    pub(super) fn input_required(
        &self,
        id: &RequestId,
        revision: Revision,
        body: &[u8],
    ) -> Result<Reply, Fault> {
        self.reply_of_kind("input_required", id, revision, body)
    }

    /// The response with a result that is not complete.
    pub(super) fn reply_of_kind(
        &self,
        kind: &'static str,
        id: &RequestId,
        revision: Revision,
        body: &[u8],
    ) -> Result<Reply, Fault> {
        let envelope = Envelope {
            id,
            revision,
            kind,
            server_info: &self.server_info,
            ttl_ms: None,
        };
        Reply::new(&envelope, body, &Map::new())
    }

    /// The response to `subscriptions/listen` when nothing more is heard.
    pub(super) fn listened(
        &self,
        id: &RequestId,
        meta: &Map<String, Value>,
    ) -> Result<Reply, Fault> {
        let envelope = Envelope {
            id,
            revision: Revision::LATEST,
            kind: "complete",
            server_info: &self.server_info,
            ttl_ms: None,
        };
        Reply::new(&envelope, b"{}", meta)
    }

    pub(super) fn reply(
        &self,
        request: &Request,
        body: &[u8],
        ttl_ms: Option<u64>,
    ) -> Result<Reply, Fault> {
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
