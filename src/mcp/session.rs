//! Sessions of the earlier revisions (2025-11-25 basic/transports, session management), which are
//! in their identifier: nothing is kept for one that does nothing.

use std::collections::{BTreeSet, HashSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capabilities::Capabilities;
use super::dispatch::Dispatcher;
use super::edge::Edge;
use super::error::Fault;
use super::message::Request;
use super::reply::Reply;
use super::revision::Revision;
use super::seals::Purpose;
use crate::backends::LogLevel;
use crate::model::{Digest, Principal, TenantSlug};
use crate::resource_server::Permit;
use crate::store::{Note, StoreError};

/// A session whose identifier was opened: it belongs to whoever presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// The digest of its identifier.
    pub(super) topic: Digest,
    pub(super) revision: Revision,
    pub(super) capabilities: Capabilities,
}

/// What the identifier holds.
#[derive(Serialize, Deserialize)]
struct Sealed {
    revision: String,
    capabilities: Capabilities,
}

/// What a session did that has to be remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// It wants to be told from this level on.
    Level(String),
    /// It subscribed to a resource.
    Subscribe(String),
    /// It ended that.
    Unsubscribe(String),
    /// It opened a stream for what happens; an earlier one ends.
    Stream(String),
}

/// What is remembered of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) level: Option<LogLevel>,
    pub(super) subscriptions: BTreeSet<String>,
    pub(super) stream: Option<String>,
}

/// The sessions that were ended before their time, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct EndedSessions(RwLock<(HashSet<Digest>, u32)>);

/// How many things are remembered of one session.
const MARKS: u32 = 256;

/// How long a URI may be that a session subscribes to.
const LONGEST_URI: usize = 2048;

/// For how many seconds an ending may have been noted before others could see it.
const OVERLAP: Duration = Duration::from_secs(30);
/// After how many looks at the latest endings all are read: that takes out what is over.
const LOOKS: u32 = 60;

impl Edge {
    /// A new identifier for `principal`.
    pub(super) fn begin_session(
        &self,
        principal: &Principal,
        revision: Revision,
        capabilities: Capabilities,
    ) -> Result<String, Fault> {
        let revision = revision.name().to_owned();
        let sealed = Sealed {
            revision,
            capabilities,
        };
        self.seals
            .seal(Purpose::Session, principal, sealed, self.session_ttl)
    }

    /// The session of that identifier, where it is one of `principal`'s that goes on. The rest is
    /// answered alike, whoever's it is.
    pub(super) fn session(&self, principal: &Principal, id: &str) -> Option<Session> {
        let topic = Digest::of(id.as_bytes());
        let sealed: Sealed = self.seals.open(Purpose::Session, principal, id)?;
        if self.ended.contains(&topic) {
            return None;
        }
        Some(Session {
            topic,
            revision: Revision::named(&sealed.revision).ok()?,
            capabilities: sealed.capabilities,
        })
    }

    /// Ends a session, within seconds at every replica.
    pub(super) async fn end_session(
        &self,
        tenant: &TenantSlug,
        session: &Session,
    ) -> Result<(), Fault> {
        let now = self.seals.clock.now();
        let note = Note {
            topic: session.topic,
            body: "null".to_owned(),
            ends_session: true,
            noted_at: now,
            expires_at: now.after(self.session_ttl),
        };
        self.store.leave_note(tenant, &note, u32::MAX).await?;
        self.ended.add([session.topic]);
        self.wake(&session.topic).await;
        Ok(())
    }

    /// Learns which sessions were ended since the last time.
    pub async fn refresh_sessions(&self) -> Result<(), StoreError> {
        let now = self.seals.clock.now();
        let all = self.ended.wants_all();
        let since = now.before(if all { self.session_ttl } else { OVERLAP });
        let ended = self.store.list_ended_sessions(since).await?;
        if all {
            self.ended.clear();
        }
        self.ended.add(ended);
        Ok(())
    }

    /// Remembers something of a session.
    pub(super) async fn mark(
        &self,
        tenant: &TenantSlug,
        session: &Session,
        mark: &Mark,
    ) -> Result<(), Fault> {
        let body = serde_json::to_string(mark)?;
        let bounds = (self.session_ttl, MARKS);
        if self.leave(tenant, session.topic, body, bounds).await? {
            Ok(())
        } else {
            Err(Fault::TooMany)
        }
    }

    /// What is remembered of a session.
    pub(super) async fn marks(
        &self,
        tenant: &TenantSlug,
        session: &Session,
    ) -> Result<Marks, StoreError> {
        let mut marks = Marks::default();
        for note in self.store.read_notes(tenant, &session.topic).await? {
            match serde_json::from_str(&note) {
                Ok(Mark::Level(level)) => marks.level = LogLevel::named(&level),
                Ok(Mark::Subscribe(uri)) => {
                    marks.subscriptions.insert(uri);
                }
                Ok(Mark::Unsubscribe(uri)) => {
                    marks.subscriptions.remove(&uri);
                }
                Ok(Mark::Stream(id)) => marks.stream = Some(id),
                Err(_) => {}
            }
        }
        Ok(marks)
    }
}

impl EndedSessions {
    pub(super) fn contains(&self, topic: &Digest) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.0.contains(topic)
    }

    fn add(&self, topics: impl IntoIterator<Item = Digest>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.0.extend(topics);
    }

    fn clear(&self) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.0.clear();
    }

    /// True at the first look and at each that comes [`LOOKS`] after one.
    fn wants_all(&self) -> bool {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let all = known.1.is_multiple_of(LOOKS);
        known.1 = known.1.wrapping_add(1);
        all
    }
}

impl Dispatcher {
    /// `logging/setLevel`
    pub(super) async fn set_level(
        &self,
        permit: &Permit,
        request: &Request,
    ) -> Result<Reply, Fault> {
        let level = request.params.get("level").and_then(Value::as_str);
        let level = level.and_then(LogLevel::named);
        let level = level.ok_or(Fault::InvalidParams("unknown level".into()))?;
        self.remember(permit, request, &Mark::Level(level.name().to_owned()))
            .await
    }

    /// `resources/subscribe` and `resources/unsubscribe`
    pub(super) async fn subscribe(
        &self,
        permit: &Permit,
        request: &Request,
        mark: fn(String) -> Mark,
    ) -> Result<Reply, Fault> {
        let uri = request.params.get("uri").and_then(Value::as_str);
        let uri = uri.filter(|uri| uri.len() <= LONGEST_URI);
        let uri = uri.ok_or(Fault::InvalidParams("uri is missing or too long".into()))?;
        self.remember(permit, request, &mark(uri.to_owned())).await
    }

    async fn remember(
        &self,
        permit: &Permit,
        request: &Request,
        mark: &Mark,
    ) -> Result<Reply, Fault> {
        let session = request.session.as_ref().ok_or(Fault::InvalidRequest(
            "without a session this can't be remembered",
        ))?;
        let tenant = &permit.principal().tenant;
        self.edge().mark(tenant, session, mark).await?;
        self.reply(request, b"{}", None)
    }
}
