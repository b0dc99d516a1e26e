//! What operators see of a request: its span, and how long it took (MCP semantic conventions of
//! OpenTelemetry). Neither has arguments, results or URIs.

use std::borrow::Cow;

use tokio::time::Instant;

use super::error::Fault;
use super::message::Request;
use super::method::Method;
use super::reply::Reply;
use super::revision::Revision;
use crate::resource_server::{Operation, Permit};
use crate::telemetry::trace::{self, Span};
use crate::telemetry::{self, Figures, origin};

/// A request that is being answered.
pub(super) struct Measure<'a> {
    pub(super) span: Span,
    began: Instant,
    method: &'static str,
    tool: Option<&'a str>,
    revision: Revision,
}

/// How much of the client's identifier for a request a span has.
const ID_SIZE: usize = 64;

impl<'a> Measure<'a> {
    pub(super) fn begin(permit: &'a Permit, request: &Request) -> Self {
        let method = Method::named(&request.method, request.revision);
        let method = method.map_or("_OTHER", Method::name);
        let tool = match permit.operation() {
            Operation::CallTool(name) => Some(name.as_str()),
            Operation::ReadResource(_) | Operation::GetPrompt(_) | Operation::Converse => None,
        };
        let meta = request
            .params
            .get("_meta")
            .and_then(|meta| meta.as_object());
        let mut span = trace::message(meta, method);
        if span.is_recorded() {
            describe(&mut span, permit, request);
            span.set("mcp.method.name", method);
            if let Some(tool) = tool {
                span.rename(format!("{method} {tool}"));
                span.set("gen_ai.tool.name", tool.to_owned());
                span.set("gen_ai.operation.name", "execute_tool");
            }
        }
        Self {
            span,
            began: Instant::now(),
            method,
            tool,
            revision: request.revision,
        }
    }

    /// The request was answered like this; a result may tell of a failure as well.
    pub(super) fn end(
        mut self,
        figures: &Figures,
        answered: &Result<Reply, Fault>,
        tells_of_failure: bool,
    ) {
        let error = match answered {
            Ok(_) if tells_of_failure => Some(Cow::Borrowed("tool_error")),
            // The call goes on in another round.
            Ok(_) | Err(Fault::InputRequired) => None,
            Err(Fault::Cancelled) => Some(Cow::Borrowed("cancelled")),
            // Its code is somebody else's.
            Err(Fault::Relayed(..)) => Some(Cow::Borrowed("relayed")),
            Err(fault) => Some(Cow::Owned(fault.code().to_string())),
        };
        if let Some(error) = &error {
            self.span.fail(error.clone());
            if let Err(fault) = answered {
                let code = fault.code().to_string();
                self.span.set("rpc.response.status_code", code);
            }
        }
        figures.meters().operated(&telemetry::Operation {
            method: self.method,
            tool: self.tool,
            revision: Some(self.revision.name()),
            transport: origin::transport(),
            error,
            took: self.began.elapsed(),
        });
    }
}

fn describe(span: &mut Span, permit: &Permit, request: &Request) {
    let principal = permit.principal();
    span.set("mcp.protocol.version", request.revision.name());
    span.set("network.transport", origin::transport());
    span.set("gatehouse.tenant", principal.tenant.as_str().to_owned());
    span.set("gatehouse.client.id", principal.client.as_str().to_owned());
    if let Some(origin) = origin::current() {
        span.set("gatehouse.request.id", origin.request.to_string());
    }
    if let Ok(mut id) = serde_json::to_string(&request.id) {
        id.truncate(id.floor_char_boundary(ID_SIZE));
        span.set("jsonrpc.request.id", id);
    }
}
