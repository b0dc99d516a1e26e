//! What operators see of a request to a mounted server (MCP semantic conventions of OpenTelemetry).

use tokio::time::Instant;

use super::failure::{Answered, Failure};
use super::line::{Ask, Line};
use crate::telemetry::Operation;
use crate::telemetry::trace::{self, Span};

/// A request that is under way.
pub(super) struct Measure<'a> {
    pub(super) span: Span,
    line: &'a Line,
    method: &'static str,
    tool: Option<&'a str>,
    began: Instant,
}

impl<'a> Measure<'a> {
    pub(super) fn begin(line: &'a Line, ask: &'a Ask) -> Self {
        let tool = ask.name.as_deref().filter(|_| ask.method == "tools/call");
        let mut span = trace::request(ask.method);
        if span.is_recorded() {
            span.set("mcp.method.name", ask.method);
            span.set("network.transport", line.transport.kind());
            span.set("gatehouse.server", line.label.clone());
            if let Some(tool) = tool {
                span.rename(format!("{} {tool}", ask.method));
                span.set("gen_ai.tool.name", tool.to_owned());
                span.set("gen_ai.operation.name", "execute_tool");
            }
        }
        Self {
            span,
            line,
            method: ask.method,
            tool,
            began: Instant::now(),
        }
    }

    pub(super) fn end(mut self, answered: &Answered) {
        let error = answered.as_ref().err().and_then(Failure::kind);
        if let Some(error) = error {
            self.span.fail(error);
        }
        let operation = Operation {
            method: self.method,
            tool: self.tool,
            revision: None,
            transport: self.line.transport.kind(),
            error: error.map(Into::into),
            took: self.began.elapsed(),
        };
        self.line.meters.relayed(&self.line.label, &operation);
    }
}
