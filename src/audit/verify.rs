//! Verification of a log: finds every entry that was edited, removed or moved, and says where.

use std::collections::VecDeque;
use std::fmt;

use super::checkpoint::{Checkpoints, TrustedKeys};
use crate::model::{ChainedEntry, Digest, TenantSlug};
use crate::store::{AuditChain, AuditQuery, Checkpoint, StoreError};

/// What a verification came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many entries there are.
    pub entries: u64,
    /// How many checkpoints confirm them.
    pub checkpoints: u64,
    /// What is wrong, in the order of the log.
    pub faults: Vec<Fault>,
}

/// Something that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entry's hash is not that of the entry and of those before it: it was edited, or another
    /// one was put in its place.
    Hash(i64),
    /// The entries from the first to the second number are missing.
    Missing(i64, i64),
    /// The entries after this number were removed from the end: there is a signed checkpoint, or
    /// the head of the chain, at the second one.
    Truncated(i64, i64),
    /// The chain differs from what was signed at this number: all up to it were made anew.
    Differs(i64),
    /// The checkpoint at this number was not signed by Gatehouse.
    Checkpoint(i64),
    /// The head of the chain is not its last entry.
    Head(i64),
    /// The log was cut off up to this number, and no entry tells of it.
    Trimmed(i64),
}

struct Walk<'a> {
    tenant: &'a TenantSlug,
    keys: TrustedKeys,
    checkpoints: VecDeque<Checkpoint>,
    last: i64,
    hash: Digest,
    tells_of_trim: bool,
    verified: Verified,
}

impl Checkpoints {
    /// Verifies the whole log of `tenant`; `progress` hears how many of how many entries are done.
    pub async fn verify(
        &self,
        tenant: &TenantSlug,
        progress: &mut (dyn FnMut(i64, i64) + Send),
    ) -> Result<Verified, StoreError> {
        let chain = self.store.audit_chain(tenant).await?;
        let mut walk = self.begin(tenant, &chain).await?;
        loop {
            let query = AuditQuery {
                after: Some(walk.last),
                ..AuditQuery::default()
            };
            let page = self.store.read_audit(tenant, &query).await?;
            if page.is_empty() {
                break;
            }
            for entry in &page {
                walk.step(entry, chain.trimmed);
            }
            progress(walk.last, chain.head.sequence);
        }
        Ok(walk.end(&chain))
    }

    async fn begin<'a>(
        &self,
        tenant: &'a TenantSlug,
        chain: &AuditChain,
    ) -> Result<Walk<'a>, StoreError> {
        let keys = self.trusted_keys(tenant).await?;
        let mut checkpoints = VecDeque::new();
        let mut after = chain.trimmed.saturating_sub(1);
        loop {
            let page = self.store.list_checkpoints(tenant, after).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.sequence;
            checkpoints.extend(page);
        }
        let mut walk = Walk {
            tenant,
            keys,
            checkpoints,
            last: chain.trimmed,
            hash: crate::model::ChainHead::EMPTY.hash,
            tells_of_trim: chain.trimmed == 0,
            verified: Verified::default(),
        };
        walk.take_up_trimmed(chain.trimmed);
        Ok(walk)
    }
}

impl Walk<'_> {
    /// A log that was cut off goes on from the hash that was signed there.
    fn take_up_trimmed(&mut self, trimmed: i64) {
        if trimmed == 0 {
            return;
        }
        let first = self.checkpoints.pop_front();
        let signed = first
            .filter(|checkpoint| checkpoint.sequence == trimmed)
            .and_then(|checkpoint| self.keys.hash_of(self.tenant, &checkpoint));
        match signed.and_then(|hash| Digest::from_hex(&hash)) {
            Some(hash) => self.hash = hash,
            None => self.verified.faults.push(Fault::Checkpoint(trimmed)),
        }
    }

    fn step(&mut self, chained: &ChainedEntry, trimmed: i64) {
        let expected = self.last.saturating_add(1);
        let sequence = chained.sequence;
        if sequence != expected {
            let fault = Fault::Missing(expected, sequence.saturating_sub(1));
            self.verified.faults.push(fault);
        } else if chained.entry.hash(&self.hash, sequence) != chained.hash {
            self.verified.faults.push(Fault::Hash(sequence));
        }
        self.tells_of_trim |= chained.entry.event == "audit.trimmed"
            && chained.entry.detail.as_deref()
                == Some(format!("{{\"sequence\":\"{trimmed}\"}}").as_str());
        // What follows is held against the hash that is there, so that each fault is told once.
        self.hash = chained.hash;
        self.last = sequence;
        self.verified.entries += 1;
        while self
            .checkpoints
            .front()
            .is_some_and(|next| next.sequence <= sequence)
        {
            if let Some(checkpoint) = self.checkpoints.pop_front() {
                self.hold_against(&checkpoint, chained);
            }
        }
    }

    fn hold_against(&mut self, checkpoint: &Checkpoint, chained: &ChainedEntry) {
        if self.keys.hash_of(self.tenant, checkpoint).is_none() {
            self.verified
                .faults
                .push(Fault::Checkpoint(checkpoint.sequence));
        } else if checkpoint.sequence == chained.sequence {
            if self.keys.confirm(self.tenant, checkpoint, &chained.hash) {
                self.verified.checkpoints += 1;
            } else {
                self.verified
                    .faults
                    .push(Fault::Differs(checkpoint.sequence));
            }
        }
    }

    fn end(mut self, chain: &AuditChain) -> Verified {
        let signed = self.checkpoints.back().map_or(0, |last| last.sequence);
        let known = signed.max(chain.head.sequence);
        if known > self.last {
            self.verified
                .faults
                .push(Fault::Truncated(self.last, known));
        } else if chain.head.sequence != self.last || chain.head.hash != self.hash {
            // While it was verified, the log may have grown.
            if chain.head.sequence == self.last {
                self.verified.faults.push(Fault::Head(self.last));
            }
        }
        if !self.tells_of_trim {
            self.verified.faults.push(Fault::Trimmed(chain.trimmed));
        }
        self.verified
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(at) => write!(f, "entry {at} was edited, or is not the one that was here"),
            Self::Missing(from, to) if from == to => write!(f, "entry {from} is missing"),
            Self::Missing(from, to) => write!(f, "entries {from} to {to} are missing"),
            Self::Truncated(last, known) => {
                write!(f, "the log ends at entry {last}, and there were {known}")
            }
            Self::Differs(at) => write!(f, "entry {at} is not the one that was signed"),
            Self::Checkpoint(at) => {
                write!(
                    f,
                    "the checkpoint at entry {at} was not signed by this gateway"
                )
            }
            Self::Head(at) => write!(f, "entry {at} is not the last one that was written"),
            Self::Trimmed(at) => {
                write!(
                    f,
                    "the log begins after entry {at}, and nothing says who cut it off"
                )
            }
        }
    }
}
