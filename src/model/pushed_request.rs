//! Authorization requests that a client pushed before it sent its user here (RFC 9126).

use super::{ClientId, Digest, Timestamp};

/// A pushed authorization request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedRequest {
    /// The digest of its reference.
    pub digest: Digest,
    /// Who pushed it; nobody else may use it.
    pub client: ClientId,
    /// The request as a query.
    pub request: String,
    /// When it was pushed.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}
