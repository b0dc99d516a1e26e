//! Instants of NWS data: RFC 3339 with the local offset, which readers want to keep.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::Timestamp;

/// An instant, with the text that it was written in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Moment {
    text: String,
    #[serde(skip)]
    at: Timestamp,
}

impl Moment {
    /// Reads RFC 3339; nothing when it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        // Longer ones are valid too, but NWS writes seconds and an offset.
        (text.len() <= 40).then(|| Self {
            text: text.to_owned(),
            at: Timestamp::from_seconds(at.as_second()),
        })
    }

    /// The instant in UTC, to the second.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}
