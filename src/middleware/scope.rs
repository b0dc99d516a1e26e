//! Station: asks the policy for a permit, before any stream opens (MCP authorization, "Runtime
//! insufficient scope errors").

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::Value;

use super::way::{Boxed, Misplaced, Next, found};
use crate::audit::Recorder;
use crate::mcp::{self, Dispatcher, Message};
use crate::model::{Event, Principal, RefusalDialect, Tenant};
use crate::resource_server::{Challenge, Operation, Refusal, Scheme};
use crate::telemetry::{Figure, Figures, origin};

/// What the station needs.
#[derive(Debug)]
pub struct Context {
    /// Knows what a message is about to do, and the policy.
    pub dispatcher: Arc<Dispatcher>,
    /// Counts refusals.
    pub figures: Arc<Figures>,
    /// Where refusals are recorded.
    pub recorder: Recorder,
}

impl Context {
    /// The refusal in the dialect of the client.
    fn refuse(&self, principal: &Principal, request: &Request, challenge: Challenge) -> Response {
        if principal.refusals == RefusalDialect::ToolResult
            && let Some(Message::Request(message)) = request.extensions().get::<Message>()
            && let Some(reply) = self.dispatcher.refused(message, &challenge.header())
        {
            return mcp::http::answer(request.headers(), reply);
        }
        challenge.into_response()
    }
}

/// Adds the permit, or answers with every scope that the operation needs.
pub async fn station(
    context: Arc<Context>,
    mut request: Boxed,
    next: Next,
) -> Result<Response, Misplaced> {
    let tenant: Arc<Tenant> = found(&request)?;
    let principal: Arc<Principal> = found(&request)?;
    let operation = match request.extensions().get::<Message>() {
        Some(Message::Request(message)) => {
            let caller = (&*tenant, &*principal);
            context.dispatcher.operation(caller, message).await
        }
        Some(Message::Notification(_) | Message::Response(_)) | None => Ok(Operation::Converse),
    };
    let operation = match operation {
        Ok(operation) => operation,
        Err(error) => return Ok(error.into_response()),
    };
    let permit = context
        .dispatcher
        .policy()
        .permit(&tenant, &principal, operation);
    Ok(match permit {
        Ok(permit) => {
            if let Operation::CallTool(name) = permit.operation() {
                origin::note_tool(name);
            }
            request.extensions_mut().insert(permit);
            next.run(request).await
        }
        Err(Refusal::InsufficientScope { required }) => {
            context.figures.count(&tenant.slug, Figure::ScopeRefusals);
            tracing::info!(
                tenant = %tenant.slug,
                client.id = %principal.client,
                %required,
                "refused for lack of scope"
            );
            let event = Event::ScopeRefused(subject(&request), &required);
            context.recorder.record_of(&principal, event).await;
            let challenge = Challenge::insufficient_scope(&tenant, &required);
            let challenge = challenge.under(Scheme::of(&principal));
            context.refuse(&principal, &request, challenge)
        }
        Err(Refusal::Unknown) => {
            let event = Event::PolicyRefused(subject(&request), "hidden");
            context.recorder.record_of(&principal, event).await;
            match request.extensions().get::<Message>() {
                Some(Message::Request(message)) => Dispatcher::unknown(message).into_response(),
                Some(Message::Notification(_) | Message::Response(_)) | None => {
                    StatusCode::NOT_FOUND.into_response()
                }
            }
        }
    })
}

/// What the request is about, as the log names it: a tool, a prompt or a URI.
fn subject(request: &Request) -> &str {
    let Some(Message::Request(message)) = request.extensions().get::<Message>() else {
        return "";
    };
    let params = message.params();
    let named = params.get("name").or_else(|| params.get("uri"));
    named.and_then(Value::as_str).unwrap_or_default()
}
