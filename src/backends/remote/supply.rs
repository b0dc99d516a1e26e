//! The tool supply chain: what a mounted server says of its tools is held against what is on record,
//! and what nobody approved is withheld where the tenant wants it so.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::super::ListChange;
use super::catalogue::Read;
use super::failure::Failure;
use super::line::{Line, Notice};
use crate::audit;
use crate::model::{
    Actor, Clock, Digest, HiddenText, TenantSlug, ToolChanges, ToolDefinition, ToolNews,
    ToolNewsKind, ToolOffer, check_visible,
};
use crate::store::{Store, StoreError, ToolDeed, ToolMark, ToolOutcome};

/// What is on record of the tools of all mounted servers, as one replica sees it.
#[derive(Debug)]
pub struct ToolLedger {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Up to which decision of operators this replica has heard; none before its first look.
    heard: Mutex<Option<i64>>,
    decided: broadcast::Sender<Decided>,
}

/// The server that an operator decided something about.
type Decided = (TenantSlug, String);

/// Holds the tools of one server against the record.
#[derive(Debug)]
pub(super) struct Inspector {
    ledger: Option<Arc<ToolLedger>>,
    tenant: TenantSlug,
    policy: ToolChanges,
    line: Arc<Line>,
    /// The tools that were withheld at the last look.
    withheld: Mutex<Option<HashSet<String>>>,
}

/// How many decisions a slow listener may be behind.
const DECISIONS: usize = 64;

/// How large the definition of a tool may be, and those of a server together.
const LARGEST: usize = 256 * 1024;
const LARGEST_ALL: usize = 16 * 1024 * 1024;

impl ToolLedger {
    /// The record in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            heard: Mutex::new(None),
            decided: broadcast::Sender::new(DECISIONS),
        }
    }

    /// Hears what operators have decided since the last look.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let number = self.store.tool_decisions().await?;
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = heard.filter(|heard| *heard < number) {
            for decided in self.store.tools_decided_after(heard).await? {
                // Nobody has the server in use, most of the time.
                drop(self.decided.send(decided));
            }
        }
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
        Ok(())
    }

    /// What is approved of a server that offers this: the digest of each tool by its name.
    async fn record(
        &self,
        tenant: &TenantSlug,
        line: &Line,
        (offers, policy): (&[ToolOffer], ToolChanges),
    ) -> Result<HashMap<String, Digest>, StoreError> {
        let marks = self.store.tool_marks(tenant, &line.name).await?;
        if is_on_record(&marks, offers) {
            return Ok(approved(marks));
        }
        let change = audit::change(tenant, Actor::System, &*self.clock);
        let deed = ToolDeed::Record(offers, policy);
        let outcome = self.store.change_tools(&change, &line.name, &deed).await?;
        if let ToolOutcome::Done(news) = outcome {
            for news in &news {
                tell(line, news, policy);
            }
        }
        Ok(approved(self.store.tool_marks(tenant, &line.name).await?))
    }
}

impl Inspector {
    pub(super) fn new(
        ledger: Option<Arc<ToolLedger>>,
        (tenant, policy): (TenantSlug, ToolChanges),
        line: &Arc<Line>,
    ) -> Self {
        if let (Some(ledger), Ok(runtime)) = (&ledger, tokio::runtime::Handle::try_current()) {
            let decided = ledger.decided.subscribe();
            runtime.spawn(follow(decided, tenant.clone(), Arc::downgrade(line)));
        }
        Self {
            ledger,
            tenant,
            policy,
            line: Arc::clone(line),
            withheld: Mutex::default(),
        }
    }

    /// What was read, without the tools that are withheld.
    pub(super) async fn admit(&self, mut read: Read) -> Result<Read, Failure> {
        let Some(ledger) = &self.ledger else {
            return Ok(read);
        };
        let offers = std::mem::take(&mut read.offers);
        let all: Vec<ToolOffer> = offers.iter().map(|(_, offer)| offer.clone()).collect();
        let recorded = ledger.record(&self.tenant, &self.line, (&all, self.policy));
        let approved = match (recorded.await, self.policy) {
            (Ok(approved), _) => approved,
            (Err(error), policy) => {
                tracing::warn!(
                    server = self.line.label, %error,
                    "the tools of a mounted server can't be held against what is on record"
                );
                return match policy {
                    ToolChanges::Pass | ToolChanges::Warn => Ok(read),
                    ToolChanges::Withhold => Err(Failure::Unrecorded),
                };
            }
        };
        if self.policy != ToolChanges::Withhold {
            return Ok(read);
        }
        let is_approved = |definition: &ToolDefinition| {
            approved.get(definition.name()) == Some(&definition.digest())
        };
        let withheld: HashSet<String> = offers
            .into_iter()
            .filter(|(_, offer)| !is_approved(&offer.definition))
            .map(|(outer, _)| outer)
            .collect();
        let tools = &mut read.catalogue.tools;
        tools.retain(|tool| !withheld.contains(&tool.name));
        self.announce(withheld);
        Ok(read)
    }

    /// Has clients told of tools that are withheld now and were not before, or the other way round.
    fn announce(&self, withheld: HashSet<String>) {
        let mut last = self.withheld.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = last.as_ref().is_some_and(|last| *last != withheld);
        *last = Some(withheld);
        drop(last);
        if is_news {
            drop(self.line.notices.send(Notice::List(ListChange::Tools)));
        }
    }
}

/// Reads the lists of a server again when an operator decided something about it.
async fn follow(mut decided: broadcast::Receiver<Decided>, tenant: TenantSlug, line: Weak<Line>) {
    loop {
        let heard = decided.recv().await;
        let Some(line) = line.upgrade() else {
            return;
        };
        match heard {
            Ok((of, server)) if of != tenant || server != line.name => {}
            // Whoever is behind does not know what it missed.
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {
                drop(line.notices.send(Notice::List(ListChange::Tools)));
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// The tool of a list, for the record; none for what is no tool.
pub(super) fn offer(entry: &Value) -> Option<ToolOffer> {
    let json = entry.as_object()?;
    let definition = ToolDefinition::of(json);
    let refusal = refusal(json).map(|hidden| hidden.to_string());
    Some(ToolOffer {
        definition,
        refusal,
    })
}

/// Why an entry of any list must not be shown to a model.
pub(super) fn refusal(json: &Map<String, Value>) -> Option<HiddenText> {
    json.iter().find_map(|(name, value)| {
        let member = Map::from_iter([(name.clone(), value.clone())]);
        check_visible(&Value::Object(member)).err()
    })
}

/// How much room a server's tools may take on record.
#[derive(Debug)]
pub(super) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(LARGEST_ALL)
    }
}

impl Room {
    /// True where there was room for the definition.
    pub(super) fn take(&mut self, definition: &ToolDefinition) -> bool {
        let size = definition.to_text().len();
        let has = size <= LARGEST && size <= self.0;
        if has {
            self.0 -= size;
        }
        has
    }
}

/// True where there is nothing to write down.
fn is_on_record(marks: &[ToolMark], offers: &[ToolOffer]) -> bool {
    let marks: HashMap<&str, &ToolMark> = marks
        .iter()
        .map(|mark| (mark.name.as_str(), mark))
        .collect();
    let listed: HashSet<&str> = offers.iter().map(|offer| offer.definition.name()).collect();
    let is_known = |offer: &ToolOffer| {
        let digest = Some(offer.definition.digest());
        marks.get(offer.definition.name()).is_some_and(|mark| {
            let is_settled = mark.approved == digest && mark.offered.is_none();
            let is_offered = mark.offered == digest && mark.approved != digest;
            !mark.is_missing && (is_settled && offer.refusal.is_none() || is_offered)
        })
    };
    let is_gone = |mark: &&ToolMark| !listed.contains(mark.name.as_str()) && !mark.is_missing;
    offers.iter().all(is_known) && !marks.values().any(is_gone)
}

fn approved(marks: Vec<ToolMark>) -> HashMap<String, Digest> {
    let approved = marks.into_iter();
    approved
        .filter_map(|mark| Some((mark.name, mark.approved?)))
        .collect()
}

fn tell(line: &Line, news: &ToolNews, policy: ToolChanges) {
    let (server, tool, what) = (&line.label, &news.target, &news.detail);
    let digest = news.digest.map(|digest| digest.to_hex());
    let event = news.kind.event();
    let is_warning = match news.kind {
        ToolNewsKind::Refused => true,
        ToolNewsKind::Changed | ToolNewsKind::Appeared => policy != ToolChanges::Pass,
        ToolNewsKind::Recorded | ToolNewsKind::Approved | ToolNewsKind::Withdrawn => false,
    };
    if is_warning {
        tracing::warn!(
            server,
            tool,
            digest,
            what,
            event,
            "a tool of a mounted server is not what was approved"
        );
    } else {
        tracing::info!(
            server,
            tool,
            digest,
            what,
            event,
            "tools of a mounted server are on record"
        );
    }
}
