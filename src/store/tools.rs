//! What the store keeps of the tools of mounted servers.

use async_trait::async_trait;
use sqlx::FromRow;

use super::StoreError;
use super::row::{invalid, parse_digest};
use crate::model::{
    Change, Digest, TenantSlug, Timestamp, ToolChanges, ToolDefinition, ToolNews, ToolOffer,
    ToolRecord,
};

/// The tools of mounted servers.
#[async_trait]
pub trait ToolStore: Send + Sync {
    /// What is on record of each tool of a server, in short.
    async fn tool_marks(
        &self,
        tenant: &TenantSlug,
        server: &str,
    ) -> Result<Vec<ToolMark>, StoreError>;

    /// What is on record of the tools of a server, by name.
    async fn list_tools(
        &self,
        tenant: &TenantSlug,
        server: &str,
    ) -> Result<Vec<ToolRecord>, StoreError>;

    /// The servers of which something is on record, by name.
    async fn list_tool_servers(&self, tenant: &TenantSlug) -> Result<Vec<String>, StoreError>;

    /// Does this with what is on record of a server.
    async fn change_tools(
        &self,
        change: &Change,
        server: &str,
        deed: &ToolDeed<'_>,
    ) -> Result<ToolOutcome, StoreError>;

    /// A number that is higher after every decision of an operator.
    async fn tool_decisions(&self) -> Result<i64, StoreError>;

    /// The servers of all tenants about which was decided after that number.
    async fn tools_decided_after(
        &self,
        number: i64,
    ) -> Result<Vec<(TenantSlug, String)>, StoreError>;
}

/// What is on record of a tool, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolMark {
    /// The server's name for it.
    pub name: String,
    /// What was approved.
    pub approved: Option<Digest>,
    /// What is offered instead.
    pub offered: Option<Digest>,
    /// True where the server does not list it any more.
    pub is_missing: bool,
}

/// Something to do with what is on record of a server.
#[derive(Debug)]
pub enum ToolDeed<'a> {
    /// The server offers these tools, and no others; changes are treated so.
    Record(&'a [ToolOffer], ToolChanges),
    /// An operator approves what is offered as the tool of this name, if this is its digest.
    Approve(&'a str, Digest),
    /// These definitions are approved, and no others.
    Lock(&'a [ToolDefinition]),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolOutcome {
    /// It was done, and this happened.
    Done(Vec<ToolNews>),
    /// There is no tool of that name.
    Missing,
    /// Something else is offered as the tool of that name.
    Superseded,
    /// What is offered can't be approved, for this reason.
    Refused(String),
}

#[derive(FromRow)]
pub(super) struct ToolRow {
    name: String,
    approved: Option<String>,
    approved_at: Option<i64>,
    approved_by: Option<String>,
    offered: Option<String>,
    offered_at: Option<i64>,
    refusal: Option<String>,
    missing_since: Option<i64>,
}

#[derive(FromRow)]
pub(super) struct ToolMarkRow {
    name: String,
    approved_digest: Option<Vec<u8>>,
    offered_digest: Option<Vec<u8>>,
    missing_since: Option<i64>,
}

impl TryFrom<ToolRow> for ToolRecord {
    type Error = StoreError;

    fn try_from(row: ToolRow) -> Result<Self, StoreError> {
        let definition = |text: Option<String>| {
            let read = |text: String| ToolDefinition::restore(&text).ok_or(invalid("definition"));
            text.map(read).transpose()
        };
        Ok(Self {
            name: row.name,
            approved: definition(row.approved)?,
            approved_at: row.approved_at.map(Timestamp::from_seconds),
            approved_by: row.approved_by,
            offered: definition(row.offered)?,
            offered_at: row.offered_at.map(Timestamp::from_seconds),
            refusal: row.refusal,
            missing_since: row.missing_since.map(Timestamp::from_seconds),
        })
    }
}

impl TryFrom<ToolMarkRow> for ToolMark {
    type Error = StoreError;

    fn try_from(row: ToolMarkRow) -> Result<Self, StoreError> {
        let digest = |bytes: Option<Vec<u8>>| bytes.map(|bytes| parse_digest(&bytes)).transpose();
        Ok(Self {
            name: row.name,
            approved: digest(row.approved_digest)?,
            offered: digest(row.offered_digest)?,
            is_missing: row.missing_since.is_some(),
        })
    }
}
