//! What becomes of what is on record of a server's tools: the same in both databases, since all of it
//! is decided here.

use std::collections::{BTreeMap, BTreeSet};

use super::tools::{ToolDeed, ToolOutcome};
use crate::model::{
    Change, Digest, ToolChanges, ToolDefinition, ToolNews, ToolNewsKind, ToolOffer, ToolRecord,
    tool_differences,
};

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) write: Vec<ToolRecord>,
    pub(super) remove: Vec<String>,
    pub(super) news: Vec<ToolNews>,
    /// The server's tools have been seen, from now on at the latest.
    pub(super) seen: bool,
    /// An operator decided something.
    pub(super) decided: bool,
}

/// For how many seconds an offer is not replaced by another one, so that a server which says
/// something else each time is not written down each time. What is withheld is withheld anyway.
const OFFER_STANDS: i64 = 60;

/// How much of the differences an audit entry tells.
const LONGEST_DETAIL: usize = 2000;

impl ToolDeed<'_> {
    /// What this comes to, or why not.
    pub(super) fn plan(
        &self,
        server: &str,
        (known, seen): (Vec<ToolRecord>, bool),
        change: &Change,
    ) -> Result<Plan, ToolOutcome> {
        let known: BTreeMap<String, ToolRecord> = known
            .into_iter()
            .map(|record| (record.name.clone(), record))
            .collect();
        let planning = Planning {
            server,
            known,
            change,
            plan: Plan {
                seen,
                ..Plan::default()
            },
        };
        match self {
            Self::Record(offers, policy) => Ok(planning.record(offers, *policy)),
            Self::Approve(name, digest) => planning.approve(name, *digest),
            Self::Lock(definitions) => Ok(planning.lock(definitions)),
        }
    }
}

struct Planning<'a> {
    server: &'a str,
    known: BTreeMap<String, ToolRecord>,
    change: &'a Change,
    plan: Plan,
}

impl Planning<'_> {
    fn record(mut self, offers: &[ToolOffer], policy: ToolChanges) -> Plan {
        let is_first = !self.plan.seen;
        let mut listed = BTreeSet::new();
        let mut approved = 0_usize;
        for offer in offers {
            let name = offer.definition.name();
            if !listed.insert(name.to_owned()) {
                continue;
            }
            let known = self.known.get(name).cloned();
            if known.is_none() && is_first && offer.refusal.is_none() {
                approved += 1;
                let record = self.approved(ToolRecord::new(name), &offer.definition, None);
                self.plan.write.push(record);
            } else {
                self.offer(known, offer, policy);
            }
        }
        for (name, record) in std::mem::take(&mut self.known) {
            if listed.contains(&name) {
                continue;
            }
            if record.approved.is_none() {
                self.plan.remove.push(name);
            } else if record.missing_since.is_none() || record.offered.is_some() {
                self.plan.write.push(ToolRecord {
                    missing_since: record.missing_since.or(Some(self.change.at())),
                    offered: None,
                    offered_at: None,
                    refusal: None,
                    ..record
                });
            }
        }
        if is_first && approved > 0 {
            let detail = format!("{approved} tools were seen for the first time");
            self.tell(ToolNewsKind::Recorded, None, None, detail);
        }
        self.plan.seen |= !offers.is_empty();
        self.plan
    }

    /// Something is offered that was not there when the server was first seen, or was already known.
    fn offer(&mut self, known: Option<ToolRecord>, offer: &ToolOffer, policy: ToolChanges) {
        let definition = &offer.definition;
        let digest = definition.digest();
        let is_known = known.is_some();
        let record = known.unwrap_or_else(|| ToolRecord::new(definition.name()));
        let is_same = |known: &Option<ToolDefinition>| {
            known.as_ref().is_some_and(|known| known.digest() == digest)
        };
        let was_missing = record.missing_since.is_some();
        let record = ToolRecord {
            missing_since: None,
            ..record
        };
        if is_same(&record.approved) && offer.refusal.is_none() {
            if was_missing || record.offered.is_some() {
                self.plan.write.push(settled(record));
            }
            return;
        }
        let now = self.change.at();
        let stands = record
            .offered_at
            .is_some_and(|at| now.seconds() < at.seconds().saturating_add(OFFER_STANDS));
        if is_same(&record.offered) || (is_known && stands && record.offered.is_some()) {
            if was_missing {
                self.plan.write.push(record);
            }
            return;
        }
        let (kind, detail) = match (&offer.refusal, &record.approved) {
            (Some(refusal), _) => (ToolNewsKind::Refused, refusal.clone()),
            (None, Some(approved)) => {
                let told = tool_differences(approved, definition);
                let told: Vec<String> = told.iter().map(ToString::to_string).collect();
                (ToolNewsKind::Changed, told.join("; "))
            }
            (None, None) => (
                ToolNewsKind::Appeared,
                "it was not there when the server was first seen".to_owned(),
            ),
        };
        let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
        let detail = format!("{detail} (tool_changes = {:?})", policy.as_str());
        self.tell(kind, Some(definition.name()), Some(digest), detail);
        self.plan.write.push(ToolRecord {
            offered: Some(definition.clone()),
            offered_at: Some(now),
            refusal: offer.refusal.clone(),
            ..record
        });
    }

    fn approve(mut self, name: &str, digest: Digest) -> Result<Plan, ToolOutcome> {
        let record = self.known.remove(name).ok_or(ToolOutcome::Missing)?;
        let is_it = |known: &ToolDefinition| known.digest() == digest;
        let Some(offered) = record.offered.clone().filter(is_it) else {
            return match &record.approved {
                Some(approved) if is_it(approved) && record.offered.is_none() => Ok(self.plan),
                _ => Err(ToolOutcome::Superseded),
            };
        };
        if let Some(reason) = record.refusal {
            return Err(ToolOutcome::Refused(reason));
        }
        self.approve_as(record, &offered);
        Ok(self.plan)
    }

    fn lock(mut self, definitions: &[ToolDefinition]) -> Plan {
        for definition in definitions {
            let known = self.known.remove(definition.name());
            let record = known.unwrap_or_else(|| ToolRecord::new(definition.name()));
            let digest = Some(definition.digest());
            if record.approved.as_ref().map(ToolDefinition::digest) != digest {
                self.approve_as(record, definition);
            }
        }
        for (name, record) in std::mem::take(&mut self.known) {
            let Some(approved) = record.approved else {
                continue;
            };
            let digest = Some(approved.digest());
            let detail = "the lock file does not have it".to_owned();
            self.tell(ToolNewsKind::Withdrawn, Some(&name), digest, detail);
            self.plan.decided = true;
            self.plan.write.push(ToolRecord {
                approved: None,
                approved_at: None,
                approved_by: None,
                offered: record.offered.or(Some(approved)),
                offered_at: record.offered_at.or(Some(self.change.at())),
                ..record
            });
        }
        self.plan.seen = true;
        self.plan
    }

    fn approve_as(&mut self, record: ToolRecord, definition: &ToolDefinition) {
        let by = self.change.actor.name().unwrap_or("gatehouse").to_owned();
        let digest = Some(definition.digest());
        let name = record.name.clone();
        let told = record.approved.as_ref().map_or_else(
            || "it is new".to_owned(),
            |approved| {
                let told = tool_differences(approved, definition);
                let told: Vec<String> = told.iter().map(ToString::to_string).collect();
                told.join("; ")
            },
        );
        let detail = told.chars().take(LONGEST_DETAIL).collect();
        self.tell(ToolNewsKind::Approved, Some(&name), digest, detail);
        self.plan.decided = true;
        // Something else may still be offered.
        let other = record
            .offered
            .clone()
            .filter(|it| Some(it.digest()) != digest);
        let keeps = other.is_some();
        let kept = (record.offered_at, record.refusal.clone());
        let record = self.approved(record, definition, Some(by));
        self.plan.write.push(ToolRecord {
            offered: other,
            offered_at: kept.0.filter(|_| keeps),
            refusal: kept.1.filter(|_| keeps),
            ..record
        });
    }

    fn approved(
        &self,
        record: ToolRecord,
        definition: &ToolDefinition,
        by: Option<String>,
    ) -> ToolRecord {
        settled(ToolRecord {
            approved: Some(definition.clone()),
            approved_at: Some(self.change.at()),
            approved_by: by,
            ..record
        })
    }

    fn tell(
        &mut self,
        kind: ToolNewsKind,
        tool: Option<&str>,
        digest: Option<Digest>,
        detail: String,
    ) {
        let target = match tool {
            Some(tool) => format!("{}/{tool}", self.server),
            None => self.server.to_owned(),
        };
        self.plan.news.push(ToolNews {
            kind,
            target,
            digest,
            detail,
        });
    }
}

fn settled(record: ToolRecord) -> ToolRecord {
    ToolRecord {
        offered: None,
        offered_at: None,
        refusal: None,
        ..record
    }
}
