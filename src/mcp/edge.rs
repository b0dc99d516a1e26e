//! What the requests of an endpoint share: seals, notes in the database, who waits for what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bells::{Bell, Bells};
use super::error::Fault;
use super::outbox::Outbox;
use super::seals::Seals;
use super::session::EndedSessions;
use super::shares::Shares;
use super::tenant_changes::TenantChanges;
use crate::jose::Sealer;
use crate::model::{Clock, Digest, Principal, Random, TenantSlug};
use crate::resource_server::AccessTokens;
use crate::store::{Note, Store};

/// What the edge is made of.
#[derive(Debug)]
pub struct EdgeParts {
    /// Holds notes and tasks.
    pub store: Arc<dyn Store>,
    /// Seals what clients carry; the same for all replicas.
    pub sealer: Sealer,
    /// Dates what is sealed.
    pub clock: Arc<dyn Clock>,
    /// Makes seals unlike each other.
    pub random: Arc<dyn Random>,
    /// Says whether a principal still is one; none where principals don't end.
    pub tokens: Option<Arc<AccessTokens>>,
    /// How many entries a page of a list has.
    pub page_size: usize,
    /// For how long a session of the earlier revisions is good.
    pub session_ttl: Duration,
}

/// What the requests of an endpoint share. All of it can be thrown away but for what is under way.
#[derive(Debug)]
pub struct Edge {
    pub(super) store: Arc<dyn Store>,
    pub(super) seals: Seals,
    pub(super) page_size: usize,
    pub(super) session_ttl: Duration,
    pub(super) ended: EndedSessions,
    /// Streams that can be resumed here, by topic.
    pub(super) outboxes: Mutex<HashMap<Digest, Arc<Outbox>>>,
    /// Streams that wait for something to happen.
    pub(super) streams: Arc<Shares>,
    /// Calls that go on without their request, and questions that wait for an answer.
    pub(super) waiting: Arc<Shares>,
    /// The tenants that somebody listens at.
    pub(super) tenants: TenantChanges,
    bells: Arc<Bells>,
    tokens: Option<Arc<AccessTokens>>,
    closing: CancellationToken,
}

/// For how long a note waits for its reader.
pub(super) const NOTE_TTL: Duration = Duration::from_mins(2);

/// How often a waiting reader looks by itself, in case that it was not woken.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many streams that wait for events a client may have open for a person.
const STREAMS_EACH: u32 = 16;
/// How many calls and questions of a client may wait for a person.
const WAITING_EACH: u32 = 64;

impl Edge {
    /// The edge with these parts.
    #[must_use]
    pub fn new(parts: EdgeParts) -> Self {
        Self {
            store: parts.store,
            seals: Seals {
                sealer: parts.sealer,
                clock: parts.clock,
                random: parts.random,
            },
            page_size: parts.page_size.max(1),
            session_ttl: parts.session_ttl,
            ended: EndedSessions::default(),
            outboxes: Mutex::default(),
            streams: Shares::new(STREAMS_EACH),
            waiting: Shares::new(WAITING_EACH),
            tenants: TenantChanges::default(),
            bells: Arc::default(),
            tokens: parts.tokens,
            closing: CancellationToken::new(),
        }
    }

    /// From now on streams end with their last message.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Waits until streams are to end.
    pub(super) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Hears what other replicas leave, for as long as this is kept waiting.
    pub async fn hear(&self) {
        const PAUSE: Duration = Duration::from_secs(1);
        loop {
            match self.store.listen().await {
                Ok(None) => return,
                Ok(Some(heard)) => {
                    // Nobody heard what was left until now.
                    self.bells.ring_all();
                    self.bells.answer_all(heard).await;
                }
                Err(error) => tracing::warn!(%error, "could not listen to other replicas"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// True as long as the token of `principal` would be taken.
    pub(super) fn trusts(&self, principal: &Principal) -> bool {
        let tokens = self.tokens.as_ref();
        tokens.is_none_or(|tokens| tokens.still_speaks_for(principal))
    }

    /// A bell for what is left about `topic`.
    pub(super) fn bell(&self, topic: Digest) -> Bell {
        self.bells.hang(topic)
    }

    /// Leaves a note for whoever waits for it, at whichever replica; false when there are too many.
    pub(super) async fn leave(
        &self,
        tenant: &TenantSlug,
        topic: Digest,
        body: String,
        (ttl, limit): (Duration, u32),
    ) -> Result<bool, Fault> {
        let now = self.seals.clock.now();
        let note = Note {
            topic,
            body,
            ends_session: false,
            noted_at: now,
            expires_at: now.after(ttl),
        };
        let left = self.store.leave_note(tenant, &note, limit).await;
        self.bells.ring(&topic);
        Ok(left?)
    }

    /// Wakes whoever waits for `topic`, at whichever replica.
    pub(super) async fn wake(&self, topic: &Digest) {
        self.bells.ring(topic);
        if let Err(error) = self.store.wake(topic).await {
            tracing::warn!(%error, "could not wake other replicas");
        }
    }

    /// Waits for the first note about the bell's topic.
    pub(super) async fn first_note(&self, tenant: &TenantSlug, bell: &Bell) -> String {
        loop {
            let notes = self.store.read_notes(tenant, bell.topic()).await;
            match notes.map(|notes| notes.into_iter().next()) {
                Ok(Some(note)) => return note,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "could not read notes"),
            }
            // A lost wake-up costs seconds, not the answer.
            let _ = tokio::time::timeout(LOOK_EVERY, bell.rung()).await;
        }
    }
}
