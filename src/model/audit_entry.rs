//! An entry of the audit log, and the hash that chains it to the one before.

use serde_json::{Map, Value};

use super::{Change, Digest, Outcome, TenantSlug};

/// An entry of the audit log, as it is written and read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Whose log it is in.
    pub tenant: TenantSlug,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What happened.
    pub event: String,
    /// How it went.
    pub outcome: String,
    /// What kind of actor did it.
    pub actor_kind: String,
    /// Who did it.
    pub actor: Option<String>,
    /// The person whom it concerns.
    pub user: Option<String>,
    /// The client that it concerns.
    pub client: Option<String>,
    /// The grant that it concerns.
    pub grant: Option<String>,
    /// What it was done to: a tool, a URI, a user name, a key.
    pub target: Option<String>,
    /// The identifier of the request.
    pub request: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// How long it took, in microseconds.
    pub duration_us: Option<i64>,
    /// What else there is to say: a JSON object.
    pub detail: Option<String>,
}

/// An entry with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainedEntry {
    /// Its number in its tenant's log: one more than that of the entry before.
    pub sequence: i64,
    /// The hash of the entry and of all before it.
    pub hash: Digest,
    /// The entry.
    pub entry: AuditEntry,
}

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The number of the last entry; zero where there is none.
    pub sequence: i64,
    /// Its hash.
    pub hash: Digest,
}

/// What the first hash of every chain begins with, and each after it: another encoding would be
/// another word here.
const DOMAIN: &[u8] = b"gatehouse audit 1\n";

/// The longest target that is written, in bytes: it may be a caller's text.
const MAX_TARGET: usize = 1024;

impl AuditEntry {
    /// An entry that says what `change` says.
    #[must_use]
    pub fn of(change: &Change, event: &str, outcome: Outcome) -> Self {
        let origin = change.origin;
        Self {
            tenant: change.tenant.clone(),
            at_ms: change.at_ms,
            event: event.to_owned(),
            outcome: outcome.as_str().to_owned(),
            actor_kind: change.actor.kind().to_owned(),
            actor: change.actor.name().map(ToOwned::to_owned),
            user: change.user.as_ref().map(|id| id.as_str().to_owned()),
            client: change.client.as_ref().map(|id| id.as_str().to_owned()),
            grant: change.grant.as_ref().map(|id| id.as_str().to_owned()),
            target: None,
            request: origin.map(|origin| origin.request.to_string()),
            address: origin
                .and_then(|origin| origin.address)
                .map(|address| address.to_string()),
            duration_us: None,
            detail: None,
        }
    }

    /// Says what it was done to, cut off where that is very long.
    pub fn aim(&mut self, target: Option<&str>) {
        self.target = target.map(|text| {
            let end = text.floor_char_boundary(MAX_TARGET);
            let text = text.get(..end).unwrap_or_default();
            // Postgres has no place for it.
            text.replace('\0', "\u{fffd}")
        });
    }

    /// Says what else there is to say.
    pub fn explain(&mut self, detail: Vec<(&'static str, String)>) {
        if !detail.is_empty() {
            let members = detail
                .into_iter()
                .map(|(name, text)| (name.to_owned(), Value::from(text)));
            self.detail = Some(Value::Object(members.collect::<Map<_, _>>()).to_string());
        }
    }

    /// The hash of this entry as number `sequence`, after an entry with the hash `previous`.
    ///
    /// SHA-256 over the domain, `previous`, the number, and every field in the order of the struct:
    /// numbers as eight bytes, big-endian; text as its length, in such a number, and its bytes; a
    /// field that may be absent with a byte 1 before it, or as a byte 0 alone.
    #[must_use]
    pub fn hash(&self, previous: &Digest, sequence: i64) -> Digest {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(DOMAIN);
        bytes.extend_from_slice(previous.as_bytes());
        bytes.extend_from_slice(&sequence.to_be_bytes());
        put(&mut bytes, self.tenant.as_str());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        put(&mut bytes, &self.event);
        put(&mut bytes, &self.outcome);
        put(&mut bytes, &self.actor_kind);
        for text in [
            &self.actor,
            &self.user,
            &self.client,
            &self.grant,
            &self.target,
            &self.request,
            &self.address,
        ] {
            put_optional(&mut bytes, text.as_deref());
        }
        match self.duration_us {
            Some(duration) => {
                bytes.push(1);
                bytes.extend_from_slice(&duration.to_be_bytes());
            }
            None => bytes.push(0),
        }
        put_optional(&mut bytes, self.detail.as_deref());
        Digest::of(&bytes)
    }
}

fn put(bytes: &mut Vec<u8>, text: &str) {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => {
            bytes.push(1);
            put(bytes, text);
        }
        None => bytes.push(0),
    }
}

impl ChainHead {
    /// The head of a chain without an entry.
    pub const EMPTY: Self = Self {
        sequence: 0,
        hash: Digest::ZERO,
    };

    /// Where it ends once `entry` is in it.
    #[must_use]
    pub fn after(&self, entry: &AuditEntry) -> Self {
        let sequence = self.sequence.saturating_add(1);
        Self {
            sequence,
            hash: entry.hash(&self.hash, sequence),
        }
    }
}
