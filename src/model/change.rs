//! Who changes something, where and when: what the audit log says of every event.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{ClientId, Clock, Grant, GrantId, Random, TenantSlug, Timestamp, UserId};

/// A change that is about to be made, by whom and on which request. Every operation of the store
/// that changes something takes one, and writes it into the audit log in the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The tenant in whose log it is written.
    pub tenant: TenantSlug,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: Actor,
    /// The person whom it concerns.
    pub user: Option<UserId>,
    /// The client that it concerns.
    pub client: Option<ClientId>,
    /// The grant that it concerns.
    pub grant: Option<GrantId>,
    /// The request that it is made for.
    pub origin: Option<RequestOrigin>,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, by themselves or through a client.
    User(UserId),
    /// A client.
    Client(ClientId),
    /// An operator, by the name that the log is to have.
    Operator(String),
    /// The tenant's identity provider, by its token for provisioning.
    Provider,
    /// Gatehouse itself.
    System,
    /// Someone who has not shown who they are.
    Unknown,
}

/// The request that something is done for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestOrigin {
    /// Its identifier.
    pub request: RequestId,
    /// The address that it came from, where that is known.
    pub address: Option<IpAddr>,
}

/// The identifier of a request, as `X-Request-Id` and the log have it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId([u8; 12]);

impl Change {
    /// A change by `actor` at this moment.
    #[must_use]
    pub fn new(tenant: &TenantSlug, actor: Actor, clock: &dyn Clock) -> Self {
        let (user, client) = match &actor {
            Actor::User(user) => (Some(user.clone()), None),
            Actor::Client(client) => (None, Some(client.clone())),
            Actor::Operator(_) | Actor::Provider | Actor::System | Actor::Unknown => (None, None),
        };
        Self {
            tenant: tenant.clone(),
            at_ms: clock.now_ms(),
            actor,
            user,
            client,
            grant: None,
            origin: None,
        }
    }

    /// A change that Gatehouse makes by itself.
    #[must_use]
    pub fn by_system(tenant: &TenantSlug, now: Timestamp) -> Self {
        Self {
            tenant: tenant.clone(),
            at_ms: now.seconds().saturating_mul(1000),
            actor: Actor::System,
            user: None,
            client: None,
            grant: None,
            origin: None,
        }
    }

    /// The same, for that request.
    #[must_use]
    pub fn within(self, origin: Option<RequestOrigin>) -> Self {
        Self { origin, ..self }
    }

    /// The same, with `grant` and its two parties as what it concerns.
    #[must_use]
    pub fn about(self, grant: &Grant) -> Self {
        Self {
            user: Some(grant.user.clone()),
            client: Some(grant.client.clone()),
            grant: Some(grant.id.clone()),
            ..self
        }
    }

    /// The same, with `client` as the one that it concerns.
    #[must_use]
    pub fn through(self, client: &ClientId) -> Self {
        Self {
            client: Some(client.clone()),
            ..self
        }
    }

    /// When, in whole seconds.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_seconds(self.at_ms.div_euclid(1000))
    }
}

impl Actor {
    /// What kind of actor it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Client(_) => "client",
            Self::Operator(_) => "operator",
            Self::Provider => "provider",
            Self::System => "system",
            Self::Unknown => "unknown",
        }
    }

    /// The identifier or the name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::User(user) => Some(user.as_str()),
            Self::Client(client) => Some(client.as_str()),
            Self::Operator(name) => Some(name),
            Self::Provider | Self::System | Self::Unknown => None,
        }
    }
}

impl RequestId {
    /// A new identifier.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 12];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// The identifier of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}
