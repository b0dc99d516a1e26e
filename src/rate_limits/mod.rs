//! How often callers may ask: a budget for every rule and everyone it counts, kept by all replicas
//! together.
//!
//! A request is counted in this process's memory, and no request waits for the database. Beside them,
//! the [`Ledger`] tells the other replicas what was used and hears what they used. A key whose share
//! is used up before that has happened waits for it: so all replicas together never let through more
//! than the limit and one share each. `docs/limits.md` has the figures.

mod ledger;
mod table;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Digest, RateLimit, Rule, Subject, Tenant, TenantSlug};
use crate::store::{RateStore, StoreError, Use};
use crate::telemetry::{Counted, Figure, Figures};

use ledger::{Ledger, Note};
use table::{Settlement, Table, Taken, Urgency};

/// How many keys a process remembers at most. Beyond that, those go that need it least.
pub const CAPACITY: usize = table::CAPACITY;

/// The budgets of this process.
#[derive(Debug)]
pub struct RateLimiter {
    table: Table,
    ledger: Ledger,
    hasher: RandomState,
    beginning: Instant,
    figures: Arc<Figures>,
    /// In which second a refusal was logged last.
    logged: AtomicU64,
    /// True while other replicas hear of what is used here.
    shared: AtomicBool,
    exchanges: AtomicU64,
}

/// A budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests: try again in {} s", self.seconds())]
pub struct Limited {
    /// The rule that it follows.
    pub rule: Rule,
    /// After which time there may be one more.
    pub wait: Duration,
}

/// What is counted together.
#[derive(Clone, Copy, Hash)]
struct Budget<'a> {
    tenant: &'a TenantSlug,
    rule: Rule,
    subject: Subject<'a>,
    /// A limit that an operator changes begins anew.
    limit: RateLimit,
}

/// What came of asking the database.
enum Exchange {
    Settled,
    /// There are no other replicas.
    Alone,
}

/// For how long a request waits for the database where its share is used up. After that, this
/// replica counts by itself.
const PATIENCE: Duration = Duration::from_millis(500);

impl RateLimiter {
    /// Budgets that nobody has used yet.
    #[must_use]
    pub fn new(figures: Arc<Figures>) -> Self {
        Self {
            table: Table::new(),
            ledger: Ledger::new(),
            hasher: RandomState::new(),
            beginning: Instant::now(),
            figures,
            logged: AtomicU64::new(0),
            shared: AtomicBool::new(false),
            exchanges: AtomicU64::new(0),
        }
    }

    /// Counts a request of `subject` by `rule`, unless its budget is used up.
    pub async fn admit(
        &self,
        tenant: &Tenant,
        rule: Rule,
        subject: Subject<'_>,
    ) -> Result<(), Limited> {
        let Some(budget) = Budget::of(tenant, rule, subject) else {
            return Ok(());
        };
        let taken = self.take(&budget).await;
        taken.map_err(|wait| self.refuse(&budget, wait))
    }

    /// The same, where it can be said at once. Where it can't, the other replicas are being told.
    pub fn try_admit(
        &self,
        tenant: &Tenant,
        rule: Rule,
        subject: Subject<'_>,
    ) -> Option<Result<(), Limited>> {
        let Some(budget) = Budget::of(tenant, rule, subject) else {
            return Some(Ok(()));
        };
        let taken = self.try_take(self.key(&budget), &budget, self.is_shared())?;
        Some(taken.map_err(|wait| self.refuse(&budget, wait)))
    }

    /// Tells other replicas what is used here and hears from them, for as long as the process
    /// serves; ends at once where there can't be any.
    pub async fn share(self: Arc<Self>, store: Arc<dyn RateStore>) {
        let Some(mut notes) = self.ledger.open() else {
            return;
        };
        loop {
            let batch = notes.gather().await;
            if batch.is_empty() && self.is_shared() {
                continue;
            }
            let exchange = self.exchange(&*store, &batch);
            match tokio::time::timeout(PATIENCE, exchange).await {
                Ok(Ok(Exchange::Settled)) => self.set_shared(),
                Ok(Ok(Exchange::Alone)) => return,
                Ok(Err(error)) => self.set_alone(&batch, &error.to_string()),
                Err(_) => self.set_alone(&batch, "the database takes too long"),
            }
            self.ledger.ring();
        }
    }

    /// How often the database was asked.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }

    /// How often a key lost its place in memory while its budget was not whole.
    #[must_use]
    pub fn displaced(&self) -> u64 {
        self.table.displaced()
    }

    /// True while the limits hold for all replicas together.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    async fn take(&self, budget: &Budget<'_>) -> Result<(), Duration> {
        let key = self.key(budget);
        let mut shared = self.is_shared();
        let mut bell = None;
        loop {
            if let Some(taken) = self.try_take(key, budget, shared) {
                return taken;
            }
            // The second look is for what was settled before the bell was there.
            let Some((bell, deadline)) = &mut bell else {
                bell = Some((self.ledger.bell(), Instant::now() + PATIENCE));
                continue;
            };
            let rung = tokio::time::timeout_at(*deadline, bell.changed()).await;
            shared = matches!(rung, Ok(Ok(()))) && self.is_shared();
        }
    }

    fn key(&self, budget: &Budget<'_>) -> u64 {
        self.hasher.hash_one(budget).max(1)
    }

    /// Nothing where the other replicas have to hear of it first.
    fn try_take(
        &self,
        key: u64,
        budget: &Budget<'_>,
        shared: bool,
    ) -> Option<Result<(), Duration>> {
        let now = self.beginning.elapsed();
        match self.table.take(key, budget.limit, now, shared) {
            Taken::Yes(urgency) => {
                self.note(key, budget, urgency);
                Some(Ok(()))
            }
            Taken::No(wait) => Some(Err(wait)),
            Taken::Owes(urgency) => {
                self.note(key, budget, urgency);
                None
            }
        }
    }

    /// Has the others told of a key, unless somebody is about to.
    fn note(&self, key: u64, budget: &Budget<'_>, urgency: Urgency) {
        if urgency == Urgency::None {
            return;
        }
        let note = Note {
            key,
            digest: budget.digest(),
            limit: budget.limit,
        };
        self.leave(note, urgency);
    }

    fn leave(&self, note: Note, urgency: Urgency) {
        let key = note.key;
        if !self.ledger.leave(note, urgency) {
            // The queue is full: the next request of the same key tries again.
            self.table.forget_note(key);
        }
    }

    async fn exchange(
        &self,
        store: &dyn RateStore,
        notes: &[Note],
    ) -> Result<Exchange, StoreError> {
        let mut told = Vec::with_capacity(notes.len());
        let mut seen = HashSet::with_capacity(notes.len());
        for note in notes {
            let requests = self.table.owed(note.key);
            if requests == 0 {
                self.table.forget_note(note.key);
            } else if seen.insert(note.key) {
                told.push((note, requests));
            }
        }
        let uses = told.iter().map(|(note, requests)| note.of(*requests));
        let uses: Vec<Use> = uses.collect();
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        let Some(waits) = store.add_uses(&uses).await? else {
            return Ok(Exchange::Alone);
        };
        let now = self.beginning.elapsed();
        for ((note, requests), wait) in told.into_iter().zip(waits) {
            let settlement = Settlement {
                told: requests,
                whole_at: now + wait,
            };
            if self.table.settle(note.key, note.limit, settlement) {
                self.leave(*note, Urgency::Soon);
            }
        }
        Ok(Exchange::Settled)
    }

    fn set_shared(&self) {
        if !self.shared.swap(true, Ordering::AcqRel) {
            tracing::info!("limits are kept by all replicas together");
        }
    }

    fn set_alone(&self, notes: &[Note], error: &str) {
        if self.shared.swap(false, Ordering::AcqRel) {
            tracing::warn!(
                error,
                "limits hold for each replica by itself until the database can be asked again"
            );
        }
        for note in notes {
            self.table.forget_note(note.key);
        }
    }

    fn refuse(&self, budget: &Budget<'_>, wait: Duration) -> Limited {
        self.figures.count(budget.tenant, Figure::RateRefusals);
        let meters = self.figures.meters();
        meters.count(Counted::RateRefusals, budget.rule.name());
        // A line for every refusal would be a way to fill the log.
        let second = self.beginning.elapsed().as_secs() + 1;
        if self.logged.swap(second, Ordering::Relaxed) != second {
            tracing::info!(
                tenant = %budget.tenant,
                rule = budget.rule.name(),
                subject = ?budget.subject,
                "refused for the rate of requests; others in this second are not logged"
            );
        }
        Limited {
            rule: budget.rule,
            wait,
        }
    }
}

impl Limited {
    /// The wait in whole seconds, as `Retry-After` says it (RFC 9110 §10.2.3).
    #[must_use]
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
    }
}

impl<'a> Budget<'a> {
    /// What a request of `subject` is counted in, where there is a limit.
    fn of(tenant: &'a Tenant, rule: Rule, subject: Subject<'a>) -> Option<Self> {
        let limit = tenant.rate_limits.find(rule, subject)?;
        Some(Self {
            tenant: &tenant.slug,
            rule,
            subject: subject.counted(),
            limit,
        })
    }

    /// What all replicas know it by.
    fn digest(&self) -> Digest {
        let (first, second) = match self.subject {
            Subject::Everyone => (String::new(), ""),
            Subject::Address(address) => (address.to_string(), ""),
            Subject::Client(client) => (client.to_owned(), ""),
            Subject::Person(person) => (person.to_owned(), ""),
            Subject::Tool(person, tool) => (person.to_owned(), tool),
        };
        let Self {
            tenant,
            rule,
            limit,
            ..
        } = self;
        let (burst, interval) = (limit.burst(), limit.interval().as_nanos());
        // With its length in front, no text runs into the next one.
        let length = first.len();
        let rule = rule.name();
        let text = format!("{tenant} {rule} {burst} {interval} {length} {first}{second}");
        Digest::of(text.as_bytes())
    }
}
