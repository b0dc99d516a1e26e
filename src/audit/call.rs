//! A call of what is behind the gate, from its beginning to however it ends.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::recorder::actor_of;
use super::writer::Record;
use crate::model::{Actor, AuditEntry, Change, Outcome, Principal, RequestOrigin};
use crate::telemetry::origin;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A tool.
    CallTool,
    /// A resource.
    ReadResource,
    /// A prompt.
    GetPrompt,
}

/// The record of a call under way. Dropped before it was closed, it says that the caller went away.
#[derive(Debug)]
pub struct Call<'queue> {
    place: Option<mpsc::Permit<'queue, Record>>,
    record: Option<Box<CallRecord>>,
    begun: Instant,
}

/// What is written of a call. It becomes an entry away from the caller's path.
#[derive(Debug)]
pub(super) struct CallRecord {
    pub(super) principal: Arc<Principal>,
    action: Action,
    target: String,
    origin: Option<RequestOrigin>,
    at_ms: i64,
    duration_us: i64,
    outcome: Outcome,
    arguments: Option<String>,
}

/// The longest arguments that are written, in bytes.
const MAX_ARGUMENTS: usize = 4096;

impl Action {
    /// The name of the event.
    const fn event(self) -> &'static str {
        match self {
            Self::CallTool => "tool.called",
            Self::ReadResource => "resource.read",
            Self::GetPrompt => "prompt.fetched",
        }
    }
}

impl<'queue> Call<'queue> {
    pub(super) fn new(
        place: mpsc::Permit<'queue, Record>,
        (action, target): (Action, &str),
        principal: Arc<Principal>,
        at_ms: i64,
    ) -> Self {
        let record = CallRecord {
            principal,
            action,
            target: target.to_owned(),
            origin: origin::current(),
            at_ms,
            duration_us: 0,
            outcome: Outcome::Cancelled,
            arguments: None,
        };
        Self {
            place: Some(place),
            record: Some(Box::new(record)),
            begun: Instant::now(),
        }
    }

    /// Writes the arguments too, where they are not very long.
    pub fn with_arguments(&mut self, arguments: impl FnOnce() -> String) {
        if let Some(record) = &mut self.record {
            let text = arguments();
            record.arguments = Some(if text.len() > MAX_ARGUMENTS {
                "left out for their length".to_owned()
            } else {
                text
            });
        }
    }

    /// Says how it went; the first word counts.
    pub fn went(&mut self, outcome: Outcome) {
        if let Some(record) = &mut self.record
            && record.outcome == Outcome::Cancelled
        {
            record.outcome = outcome;
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if let (Some(place), Some(mut record)) = (self.place.take(), self.record.take()) {
            let elapsed = self.begun.elapsed().as_micros();
            record.duration_us = i64::try_from(elapsed).unwrap_or(i64::MAX);
            place.send(Record::Call(record));
        }
    }
}

impl CallRecord {
    pub(super) fn into_entry(self) -> AuditEntry {
        let principal = &self.principal;
        let change = Change {
            tenant: principal.tenant.clone(),
            at_ms: self.at_ms,
            actor: actor_of(principal),
            user: match actor_of(principal) {
                Actor::User(user) => Some(user),
                Actor::Client(_)
                | Actor::Operator(_)
                | Actor::Provider
                | Actor::System
                | Actor::Unknown => None,
            },
            client: Some(principal.client.clone()),
            grant: principal.grant.clone(),
            origin: self.origin,
        };
        let mut entry = AuditEntry::of(&change, self.action.event(), self.outcome);
        entry.aim(Some(&self.target));
        entry.duration_us = Some(self.duration_us);
        let arguments = self.arguments.map(|text| ("arguments", text));
        entry.explain(arguments.into_iter().collect());
        entry
    }
}
