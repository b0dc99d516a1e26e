//! The audit log as others read it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{OperationError, Operations};
use crate::audit::Verified;
use crate::model::{ChainedEntry, TenantSlug, Timestamp};
use crate::store::AuditQuery;
use crate::web::rfc3339;

/// An entry of the audit log, with its place in the chain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditRecord {
    /// Its number: one more than that of the entry before.
    pub sequence: i64,
    /// The SHA-256 hash of the entry and of all before it, in hexadecimal.
    pub hash: String,
    /// When it happened (RFC 3339, in milliseconds).
    pub time: String,
    /// Whose log it is in.
    pub tenant: String,
    /// What happened, as in `token.issued`.
    pub event: String,
    /// How it went: `success`, `refused`, `failed` or `cancelled`.
    pub outcome: String,
    /// Who did it.
    pub actor: AuditActor,
    /// The identifier of the person whom it concerns.
    pub user: Option<String>,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The grant that it concerns.
    pub grant: Option<String>,
    /// What it was done to: a tool, a URI, a user name, a key.
    pub target: Option<String>,
    /// The request's identifier, as in `X-Request-Id`.
    pub request: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// What else there is to say: an object.
    pub detail: Option<Value>,
}

/// Who did something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditActor {
    /// `user`, `client`, `operator`, `provider`, `system` or `unknown`.
    pub kind: String,
    /// Their identifier, or an operator's name.
    pub name: Option<String>,
}

impl From<&ChainedEntry> for AuditRecord {
    fn from(chained: &ChainedEntry) -> Self {
        let entry = chained.entry.clone();
        let detail = entry.detail.as_deref();
        Self {
            sequence: chained.sequence,
            hash: chained.hash.to_hex(),
            time: time(entry.at_ms),
            tenant: entry.tenant.to_string(),
            detail: detail.and_then(|text| serde_json::from_str(text).ok()),
            event: entry.event,
            outcome: entry.outcome,
            actor: AuditActor {
                kind: entry.actor_kind,
                name: entry.actor,
            },
            user: entry.user,
            client: entry.client,
            grant: entry.grant,
            target: entry.target,
            request: entry.request,
            address: entry.address,
            duration_us: entry.duration_us,
        }
    }
}

impl Operations {
    /// Verifies the tenant's log; `progress` hears how many of how many entries are done.
    pub async fn verify_audit(
        &self,
        tenant: &TenantSlug,
        progress: &mut (dyn FnMut(i64, i64) + Send),
    ) -> Result<Verified, OperationError> {
        self.store.chain_audit(tenant, &[]).await?;
        Ok(self.checkpoints.verify(tenant, progress).await?)
    }

    /// Entries of the tenant's log, those included that no replica has chained yet.
    pub async fn read_audit(
        &self,
        tenant: &TenantSlug,
        query: &AuditQuery,
    ) -> Result<Vec<AuditRecord>, OperationError> {
        self.store.chain_audit(tenant, &[]).await?;
        let entries = self.store.read_audit(tenant, query).await?;
        Ok(entries.iter().map(AuditRecord::from).collect())
    }
}

fn time(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| rfc3339(Timestamp::from_seconds(at_ms.div_euclid(1000))),
        |time| time.to_string(),
    )
}
