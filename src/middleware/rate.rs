//! Station: counts a request by some rules, and refuses it where a budget is used up.
//!
//! It stands at several places of a request's way, each time for what is known there: the address
//! first, then the caller, then the tool.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};

use super::way::{Answering, Boxed, Misplaced, Next, answered};
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
#[must_use]
pub fn station(gate: &Arc<Gate>, request: Boxed, next: &Next) -> Answering {
    let Some(tenant) = request.extensions().get::<Arc<Tenant>>() else {
        return answered(Misplaced);
    };
    for (number, rule) in gate.rules.iter().enumerate() {
        let Some(subject) = subject(*rule, &request) else {
            continue;
        };
        match gate.limiter.try_admit(tenant, *rule, subject) {
            Some(Ok(())) => {}
            Some(Err(limited)) => return answered(gate.face.refuse(tenant, &request, &limited)),
            None => {
                let (gate, tenant) = (Arc::clone(gate), Arc::clone(tenant));
                return Box::pin(wait((gate, number), tenant, request, next.clone()));
            }
        }
    }
    next.run(request)
}

/// Counts by the rules from this one on, and waits for other replicas to hear of it.
async fn wait(
    (gate, from): (Arc<Gate>, usize),
    tenant: Arc<Tenant>,
    request: Boxed,
    next: Next,
) -> Response {
    for rule in gate.rules.iter().skip(from) {
        let Some(subject) = subject(*rule, &request) else {
            continue;
        };
        let admitted = gate.limiter.admit(&tenant, *rule, subject);
        if let Err(limited) = admitted.await {
            return gate.face.refuse(&tenant, &request, &limited);
        }
    }
    next.run(request).await
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
