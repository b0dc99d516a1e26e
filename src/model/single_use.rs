//! Identifiers that count once (`jti`, RFC 7519 §4.1.7).

use super::{Digest, Timestamp};

/// The identifier of something that may be used a single time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleUse {
    /// What tells it from every other one.
    pub digest: Digest,
    /// From when on it can be forgotten, because it is refused for its age.
    pub expires_at: Timestamp,
}

impl SingleUse {
    /// The identifier `id` of a thing of this `kind` that `holder` made.
    #[must_use]
    pub fn new(kind: &str, holder: &str, id: &str, expires_at: Timestamp) -> Self {
        // With its length before it, no part can run into the next one.
        let mut bytes = Vec::new();
        for part in [kind, holder, id] {
            bytes.extend_from_slice(&part.len().to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self {
            digest: Digest::of(&bytes),
            expires_at,
        }
    }
}
