//! What operations of the store take, and what comes of them.

use std::time::Duration;

use crate::model::{Client, Digest, Grant, RefreshToken, Timestamp};

/// A client that registers itself.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The client.
    pub client: Client,
    /// The digest of its registration access token (RFC 7592 §1.2).
    pub token: Digest,
    /// How many such clients the tenant may have.
    pub limit: i64,
}

/// A grant that can still be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveGrant {
    /// The grant.
    pub grant: Grant,
    /// When a refresh token of it was last exchanged.
    pub used_at: Option<Timestamp>,
}

/// What came of redeeming a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeRedemption {
    /// It was redeemed now.
    Redeemed,
    /// It had been redeemed before; its grant is now revoked.
    Replayed,
    /// There is no such code, or it has expired, or its grant was revoked.
    Refused,
}

/// The exchange of a refresh token for its successor.
///
/// The successor is `presented.derive(salt)`: whoever holds the presented token gets the same
/// successor again by the stored salt, and the database holds neither.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The digest of the presented token.
    pub presented: Digest,
    /// The salt of the successor.
    pub salt: [u8; 32],
    /// The successor.
    pub successor: RefreshToken,
    /// The present.
    pub now: Timestamp,
    /// For how long a rotation is answered again.
    pub grace: Duration,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The successor is stored.
    Rotated,
    /// It was rotated a moment ago, with this salt.
    Repeated {
        /// The salt of the successor that is stored.
        salt: [u8; 32],
    },
    /// It was rotated before the grace period; its grant is now revoked.
    Reused,
    /// There is no such token, or it has expired, or its grant was revoked.
    Refused,
}

/// How many connections to the database there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those that nobody uses.
    pub idle: u32,
    /// The others.
    pub used: u32,
}

impl Connections {
    /// What a pool of `size` says that has `idle` ones.
    pub(super) fn of(size: u32, idle: usize) -> Self {
        let idle = u32::try_from(idle).unwrap_or(size);
        Self {
            idle,
            used: size.saturating_sub(idle),
        }
    }
}
