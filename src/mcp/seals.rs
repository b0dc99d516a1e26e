//! Handles that clients carry for us: sessions, cursors, states, streams, questions, tasks. Each is
//! sealed for one purpose, one tenant, one person and one client, until a moment.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Fault;
use crate::jose::Sealer;
use crate::model::{Clock, Digest, Principal, Random};

/// Makes handles and opens them.
#[derive(Debug)]
pub(super) struct Seals {
    pub(super) sealer: Sealer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
}

/// What a handle is for. One for another purpose doesn't open.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// A session.
    Session,
    /// The place in the list of this name.
    Cursor(&'static str),
    /// What a call carries from round to round; the digest of the call.
    State(&'a Digest),
    /// A stream of the session with this topic.
    Stream(&'a Digest),
    /// A question to the session with this topic.
    Question(&'a Digest),
    /// A task of the tool with this name.
    Task(&'a str),
}

#[derive(Serialize, Deserialize)]
struct Dated<T> {
    until: i64,
    value: T,
}

impl Seals {
    /// A handle for `principal` that holds `value` and is good for `ttl`.
    pub(super) fn seal<T: Serialize>(
        &self,
        purpose: Purpose<'_>,
        principal: &Principal,
        value: T,
        ttl: Duration,
    ) -> Result<String, Fault> {
        let until = self.clock.now().after(ttl).seconds();
        let value = serde_json::to_vec(&Dated { until, value })?;
        self.sealer
            .seal(&*self.random, &binding(purpose, principal), &value)
            .map_err(|_| Fault::Internal)
    }

    /// What the handle holds. `None` for one that is not ours, not for this purpose, not for this
    /// principal, or over: nobody learns which.
    pub(super) fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose<'_>,
        principal: &Principal,
        handle: &str,
    ) -> Option<T> {
        let value = self.sealer.open(&binding(purpose, principal), handle);
        let dated: Dated<T> = serde_json::from_slice(&value.ok()?).ok()?;
        (dated.until > self.clock.now().seconds()).then_some(dated.value)
    }
}

/// The bytes that a handle is bound to. Each part has its length before it, so that no two lists of
/// parts look alike. The person and the client, never the token: a client that refreshed its token
/// goes on.
fn binding(purpose: Purpose<'_>, principal: &Principal) -> Vec<u8> {
    let (name, detail): (&str, &[u8]) = match purpose {
        Purpose::Session => ("session", b""),
        Purpose::Cursor(list) => ("cursor", list.as_bytes()),
        Purpose::State(call) => ("state", call.as_bytes()),
        Purpose::Stream(session) => ("stream", session.as_bytes()),
        Purpose::Question(session) => ("question", session.as_bytes()),
        Purpose::Task(tool) => ("task", tool.as_bytes()),
    };
    let parts = [
        name.as_bytes(),
        detail,
        principal.tenant.as_str().as_bytes(),
        principal.user.as_str().as_bytes(),
        principal.client.as_str().as_bytes(),
    ];
    let mut bytes = Vec::with_capacity(128);
    for part in parts {
        bytes.extend_from_slice(&part.len().to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::model::{
        ClientId, EncryptionKey, RefusalDialect, ScopeSet, SystemRandom, Timestamp, UserId,
    };

    #[derive(Debug)]
    struct HeldClock(AtomicI64);

    impl Clock for HeldClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
        }
    }

    const TTL: Duration = Duration::from_mins(15);

    fn seals() -> (Seals, Arc<HeldClock>) {
        let clock = Arc::new(HeldClock(AtomicI64::new(1_000)));
        let seals = Seals {
            sealer: Sealer::new(&EncryptionKey::generate(&SystemRandom)),
            clock: Arc::<HeldClock>::clone(&clock),
            random: Arc::new(SystemRandom),
        };
        (seals, clock)
    }

    fn principal(tenant: &str, user: &str, client: &str) -> Principal {
        Principal {
            tenant: tenant.parse().unwrap(),
            user: UserId::new(user),
            client: ClientId::new(client),
            grant: None,
            key: None,
            refusals: RefusalDialect::Http,
            scopes: ScopeSet::default(),
            issued_at: Timestamp::from_seconds(0),
            expires_at: Timestamp::from_seconds(i64::MAX),
        }
    }

    #[test]
    fn g11_g13_a_handle_is_for_one_purpose_tenant_person_and_client() {
        let (seals, _) = seals();
        let (call, other_call) = (Digest::of(b"call"), Digest::of(b"other"));
        let ada = principal("acme", "ada", "client");
        let purpose = Purpose::State(&call);
        let handle = seals.seal(purpose, &ada, 7, TTL).unwrap();
        let open = |purpose, who: &Principal| seals.open::<u32>(purpose, who, &handle);
        assert_eq!(open(purpose, &ada), Some(7));
        for who in [
            principal("other", "ada", "client"),
            principal("acme", "bob", "client"),
            principal("acme", "ada", "other"),
            // The same letters, cut elsewhere.
            principal("acme", "adac", "lient"),
        ] {
            assert_eq!(open(purpose, &who), None, "{who:?}");
        }
        for purpose in [
            Purpose::State(&other_call),
            Purpose::Stream(&call),
            Purpose::Question(&call),
            Purpose::Session,
            Purpose::Cursor("state"),
            Purpose::Task("state"),
        ] {
            assert_eq!(open(purpose, &ada), None, "{purpose:?}");
        }
    }

    #[test]
    fn g13_a_handle_is_good_until_its_moment_and_unchanged_only() {
        let (seals, clock) = seals();
        let ada = principal("acme", "ada", "client");
        let handle = seals.seal(Purpose::Session, &ada, 7, TTL).unwrap();
        for at in 0..handle.len() {
            let mut changed = handle.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let opened = seals.open::<u32>(Purpose::Session, &ada, &changed);
            assert_eq!(opened, None, "{at}");
        }
        clock.0.fetch_add(15 * 60 - 1, Ordering::SeqCst);
        assert_eq!(seals.open(Purpose::Session, &ada, &handle), Some(7));
        clock.0.fetch_add(1, Ordering::SeqCst);
        assert_eq!(seals.open::<u32>(Purpose::Session, &ada, &handle), None);
    }
}
