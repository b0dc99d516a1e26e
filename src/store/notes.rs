//! What one replica leaves for whichever replica needs it: short-lived notes about a topic.

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::StoreError;
use crate::model::{Digest, TenantSlug, Timestamp};

/// Notes between the replicas of one gateway, and between the requests of one client.
#[async_trait]
pub trait NoteStore: Send + Sync {
    /// Leaves a note, and wakes whoever listens; false when there are `limit` about its topic.
    async fn leave_note(
        &self,
        tenant: &TenantSlug,
        note: &Note,
        limit: u32,
    ) -> Result<bool, StoreError>;

    /// The bodies of the notes about `topic`, oldest first.
    async fn read_notes(
        &self,
        tenant: &TenantSlug,
        topic: &Digest,
    ) -> Result<Vec<String>, StoreError>;

    /// Wakes whoever listens for `topic`, without a note.
    async fn wake(&self, topic: &Digest) -> Result<(), StoreError>;

    /// Listens for what other replicas leave; `None` where there are no others.
    async fn listen(&self) -> Result<Option<mpsc::Receiver<Heard>>, StoreError>;

    /// The sessions that were ended since then, in every tenant, by their topics.
    async fn list_ended_sessions(&self, since: Timestamp) -> Result<Vec<Digest>, StoreError>;
}

/// A note to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The digest of the handle that it is about.
    pub topic: Digest,
    /// What it says.
    pub body: String,
    /// True for the last one about a session.
    pub ends_session: bool,
    /// When it is left.
    pub noted_at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Timestamp,
}

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There is something about this topic.
    Topic(Digest),
    /// The connection was lost for a while: there may be something about any topic.
    Anything,
}
