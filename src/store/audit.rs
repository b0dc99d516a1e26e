//! The audit log: what every change writes, and what reads, chains and cuts it.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::row::invalid;
use crate::model::{AuditEntry, ChainHead, ChainedEntry, Change, Digest, TenantSlug};

/// The audit log of every tenant.
///
/// An operation that changes something writes its entry itself, in its own transaction; what
/// changes nothing comes through [`AuditStore::chain_audit`].
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// The tenants with entries that are not in their chain yet.
    async fn list_pending_audit(&self) -> Result<Vec<TenantSlug>, StoreError>;

    /// Adds to the chain of `tenant` what its changes wrote, in that order and at most
    /// [`AUDIT_BATCH`] at a time, then `entries`. Whoever else adds to the same chain waits.
    async fn chain_audit(
        &self,
        tenant: &TenantSlug,
        entries: &[AuditEntry],
    ) -> Result<ChainHead, StoreError>;

    /// Where the chain of `tenant` ends and where it begins.
    async fn audit_chain(&self, tenant: &TenantSlug) -> Result<AuditChain, StoreError>;

    /// Entries of the chain of `tenant`, in its order or from its end back.
    async fn read_audit(
        &self,
        tenant: &TenantSlug,
        query: &AuditQuery,
    ) -> Result<Vec<ChainedEntry>, StoreError>;

    /// Keeps a checkpoint, and the key that verifies it where that is new.
    async fn add_checkpoint(
        &self,
        tenant: &TenantSlug,
        checkpoint: &Checkpoint,
        key: &CheckpointKey,
    ) -> Result<(), StoreError>;

    /// The checkpoints of `tenant` after number `after`, at most [`AUDIT_BATCH`] of them.
    async fn list_checkpoints(
        &self,
        tenant: &TenantSlug,
        after: i64,
    ) -> Result<Vec<Checkpoint>, StoreError>;

    /// The last checkpoint whose entry happened before `at_ms`; the very last one without.
    async fn last_checkpoint(
        &self,
        tenant: &TenantSlug,
        before_ms: Option<i64>,
    ) -> Result<Option<Checkpoint>, StoreError>;

    /// The keys that checkpoints of `tenant` were signed with.
    async fn list_checkpoint_keys(
        &self,
        tenant: &TenantSlug,
    ) -> Result<Vec<CheckpointKey>, StoreError>;

    /// Cuts off the chain up to the entry of `checkpoint`, which stays as the proof of what was
    /// there; false when it was cut off that far before.
    async fn trim_audit(&self, change: &Change, checkpoint: &ChainHead)
    -> Result<bool, StoreError>;
}

/// How much is chained or read at a time.
pub const AUDIT_BATCH: i64 = 1000;

/// Where a chain begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditChain {
    /// Where it ends.
    pub head: ChainHead,
    /// The number of the last entry that was cut off; zero when none was.
    pub trimmed: i64,
}

/// Which entries are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Those after this number; with [`AuditQuery::newest_first`], those before it.
    pub after: Option<i64>,
    /// From the end of the log back.
    pub newest_first: bool,
    /// Those that happened at this moment or later, in milliseconds since the Unix epoch.
    pub since_ms: Option<i64>,
    /// Those that happened before this moment.
    pub until_ms: Option<i64>,
    /// Those of this event, or of all events of a group: `token` for `token.issued` and so on.
    pub event: Option<String>,
    /// Those with this outcome.
    pub outcome: Option<String>,
    /// Those that this actor did.
    pub actor: Option<String>,
    /// Those that concern this person.
    pub user: Option<String>,
    /// Those that concern this client.
    pub client: Option<String>,
    /// Those that concern this grant.
    pub grant: Option<String>,
    /// Those of this request.
    pub request: Option<String>,
    /// How many at most; never more than [`AUDIT_BATCH`], which is also what none means.
    pub limit: Option<i64>,
}

/// A signed statement about where a chain was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of the last entry that it is about.
    pub sequence: i64,
    /// The statement, a compact JWS.
    pub statement: String,
}

/// The public half of a key that signs checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointKey {
    /// Its thumbprint.
    pub id: String,
    /// The JWK.
    pub jwk: String,
    /// What shows that Gatehouse wrote this.
    pub seal: Vec<u8>,
}

/// The columns of an entry, in the order in which they are written.
pub(super) const COLUMNS: &str = "tenant, at_ms, event, outcome, actor_kind, actor, user_id, \
    client_id, grant_id, target, request_id, address, duration_us, detail";

/// How many entries one statement writes.
pub(super) const ROWS: usize = 50;

/// The statement that adds entries to the log, each with its number and hash before its [`COLUMNS`].
pub(super) struct Insertion {
    of_all_rows: Arc<str>,
    parameter: fn(usize) -> String,
}

impl Insertion {
    /// With parameters that are written like this, by their number.
    pub(super) fn new(parameter: fn(usize) -> String) -> Self {
        let of_all_rows = Self::write(ROWS, parameter);
        Self {
            of_all_rows,
            parameter,
        }
    }

    /// The statement for so many entries.
    pub(super) fn of(&self, rows: usize) -> Arc<str> {
        if rows == ROWS {
            Arc::clone(&self.of_all_rows)
        } else {
            Self::write(rows, self.parameter)
        }
    }

    fn write(rows: usize, parameter: fn(usize) -> String) -> Arc<str> {
        let columns = 2 + COLUMNS.split(',').count();
        let row = |row: usize| {
            let parameters = (1..=columns).map(|column| parameter(row * columns + column));
            format!("({})", parameters.collect::<Vec<_>>().join(", "))
        };
        let rows = (0..rows).map(row).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO audit_log (sequence, hash, {COLUMNS}) VALUES {rows}").into()
    }
}

#[derive(FromRow)]
pub(super) struct EntryRow {
    tenant: String,
    at_ms: i64,
    event: String,
    outcome: String,
    actor_kind: String,
    actor: Option<String>,
    user_id: Option<String>,
    client_id: Option<String>,
    grant_id: Option<String>,
    target: Option<String>,
    request_id: Option<String>,
    address: Option<String>,
    duration_us: Option<i64>,
    detail: Option<String>,
}

#[derive(FromRow)]
pub(super) struct PendingRow {
    id: i64,
    #[sqlx(flatten)]
    entry: EntryRow,
}

#[derive(FromRow)]
pub(super) struct ChainedRow {
    sequence: i64,
    hash: Vec<u8>,
    #[sqlx(flatten)]
    entry: EntryRow,
}

#[derive(FromRow)]
pub(super) struct HeadRow {
    sequence: i64,
    hash: Vec<u8>,
    trimmed: i64,
}

#[derive(FromRow)]
pub(super) struct CheckpointRow {
    sequence: i64,
    statement: String,
}

#[derive(FromRow)]
pub(super) struct CheckpointKeyRow {
    id: String,
    jwk: String,
    seal: Vec<u8>,
}

impl AuditQuery {
    /// The columns that must have a value, with that value.
    pub(super) fn equalities(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("outcome", &self.outcome),
            ("actor", &self.actor),
            ("user_id", &self.user),
            ("client_id", &self.client),
            ("grant_id", &self.grant),
            ("request_id", &self.request),
        ];
        all.map(|(column, value)| (column, value.as_deref()))
            .into_iter()
            .filter_map(|(column, value)| value.map(|value| (column, value)))
    }

    /// How many are read.
    pub(super) fn limit(&self) -> i64 {
        self.limit.unwrap_or(AUDIT_BATCH).clamp(1, AUDIT_BATCH)
    }
}

impl PendingRow {
    /// Their numbers, and they.
    pub(super) fn read(rows: Vec<Self>) -> Result<(Vec<i64>, Vec<AuditEntry>), StoreError> {
        let parts = rows
            .into_iter()
            .map(|row| Ok((row.id, row.entry.try_into()?)));
        parts
            .collect::<Result<Vec<_>, _>>()
            .map(|parts| parts.into_iter().unzip())
    }
}

impl TryFrom<EntryRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: row.tenant.parse().map_err(|_| invalid("tenant's name"))?,
            at_ms: row.at_ms,
            event: row.event,
            outcome: row.outcome,
            actor_kind: row.actor_kind,
            actor: row.actor,
            user: row.user_id,
            client: row.client_id,
            grant: row.grant_id,
            target: row.target,
            request: row.request_id,
            address: row.address,
            duration_us: row.duration_us,
            detail: row.detail,
        })
    }
}

impl TryFrom<ChainedRow> for ChainedEntry {
    type Error = StoreError;

    fn try_from(row: ChainedRow) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.sequence,
            // One of another length verifies as little as any other that is wrong.
            hash: Digest::from_bytes(&row.hash).unwrap_or(ChainHead::EMPTY.hash),
            entry: row.entry.try_into()?,
        })
    }
}

impl TryFrom<HeadRow> for AuditChain {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let hash = Digest::from_bytes(&row.hash).ok_or_else(|| invalid("hash of the audit log"))?;
        Ok(Self {
            head: ChainHead {
                sequence: row.sequence,
                hash,
            },
            trimmed: row.trimmed,
        })
    }
}

impl AuditChain {
    /// A chain that has not begun.
    pub(super) const EMPTY: Self = Self {
        head: ChainHead::EMPTY,
        trimmed: 0,
    };
}

impl From<CheckpointRow> for Checkpoint {
    fn from(row: CheckpointRow) -> Self {
        Self {
            sequence: row.sequence,
            statement: row.statement,
        }
    }
}

impl From<CheckpointKeyRow> for CheckpointKey {
    fn from(row: CheckpointKeyRow) -> Self {
        Self {
            id: row.id,
            jwk: row.jwk,
            seal: row.seal,
        }
    }
}
