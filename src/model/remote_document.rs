//! Documents that clients keep on the Web: their metadata and their keys.

use super::Timestamp;

/// A copy of a document, as it was last seen in good order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteDocument {
    /// Where it is.
    pub url: String,
    /// What it said.
    pub body: String,
    /// When it said so.
    pub fetched_at: Timestamp,
    /// Until when that need not be asked again.
    pub fresh_until: Timestamp,
}

/// Whose metadata documents a tenant believes (draft-ietf-oauth-client-id-metadata-document §6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DocumentTrust {
    /// Everyone's: the person decides.
    #[default]
    Any,
    /// Those whose URL begins with one of these.
    Prefixes(Vec<String>),
    /// Nobody's.
    Off,
}

impl DocumentTrust {
    /// True when the document at `url` may speak for a client.
    #[must_use]
    pub fn covers(&self, url: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| url.starts_with(prefix)),
            Self::Off => false,
        }
    }
}
