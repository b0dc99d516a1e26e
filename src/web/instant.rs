//! Instants as people and programs read them (RFC 3339).

use crate::model::Timestamp;

/// The instant, in UTC.
#[must_use]
pub fn rfc3339(instant: Timestamp) -> String {
    jiff::Timestamp::from_second(instant.seconds())
        .map_or_else(|_| instant.seconds().to_string(), |date| date.to_string())
}
