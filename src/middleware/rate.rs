//! Station: counts a request by some rules, and refuses it where a budget is used up.
//!
//! It stands at several places of a request's way, each time for what is known there: the address
//! first, then the caller, then the tool.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};

use super::way::{Boxed, Misplaced, Next, found};
use crate::mcp::{Fault, Message};
use crate::model::{Principal, Rule, Subject, Tenant};
use crate::rate_limits::{Limited, RateLimiter};
use crate::resource_server::{Operation, Permit};
use crate::web::ClientAddress;

/// What the station needs at one place.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Counts.
    pub limiter: Arc<RateLimiter>,
    /// By which rules, the narrowest first: what one of them refuses is not counted by the next.
    pub rules: &'static [Rule],
    /// What whoever is refused reads.
    pub face: Face,
}

/// In which form a refusal is answered.
#[derive(Clone, Copy, Debug)]
pub enum Face {
    /// As an error of JSON-RPC.
    Message,
    /// By this.
    Answer(Answer),
}

/// An answer with status 429 and `Retry-After` (RFC 6585 §4).
pub type Answer = fn(&Tenant, &Limited) -> Response;

/// Passes a request on that all rules let through.
pub async fn station(gate: Arc<Gate>, request: Boxed, next: Next) -> Result<Response, Misplaced> {
    let tenant: Arc<Tenant> = found(&request)?;
    for rule in gate.rules {
        let Some(subject) = subject(*rule, &request) else {
            continue;
        };
        let admitted = gate.limiter.admit(&tenant, *rule, subject);
        if let Err(limited) = admitted.await {
            return Ok(gate.face.refuse(&tenant, &request, &limited));
        }
    }
    Ok(next.run(request).await)
}

/// Whom a rule counts; nobody where it is not about this request.
fn subject(rule: Rule, request: &Request) -> Option<Subject<'_>> {
    let extensions = request.extensions();
    let person = || {
        let principal = extensions.get::<Arc<Principal>>()?;
        Some(principal.user.as_str())
    };
    let tool = || match extensions.get::<Permit>()?.operation() {
        Operation::CallTool(name) => Some(name.as_str()),
        Operation::Converse | Operation::ReadResource(_) | Operation::GetPrompt(_) => None,
    };
    match rule {
        Rule::PerAddress | Rule::Register | Rule::Authorize | Rule::Token => {
            let ClientAddress(address) = extensions.get()?;
            Some(Subject::Address(*address))
        }
        Rule::PerTenant | Rule::RegisterPerTenant => Some(Subject::Everyone),
        Rule::PerClient => {
            let principal = extensions.get::<Arc<Principal>>()?;
            Some(Subject::Client(principal.client.as_str()))
        }
        Rule::PerPrincipal | Rule::TokenPerPrincipal => person().map(Subject::Person),
        Rule::ToolCalls => tool().and_then(|_| person()).map(Subject::Person),
        Rule::PerTool => Some(Subject::Tool(person()?, tool()?)),
    }
}

impl Face {
    fn refuse(self, tenant: &Tenant, request: &Request, limited: &Limited) -> Response {
        match self {
            Self::Message => {
                let seconds = limited.seconds();
                let fault = Fault::TooFast { seconds };
                match request.extensions().get::<Message>() {
                    Some(Message::Request(message)) => fault.of(message.id().clone()),
                    Some(Message::Notification(_) | Message::Response(_)) | None => fault.into(),
                }
                .into_response()
            }
            Self::Answer(answer) => answer(tenant, limited),
        }
    }
}
