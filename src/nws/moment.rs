//! Instants of NWS data: RFC 3339 with the local offset, which readers want to keep.

use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
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

    /// The instant `at`, written with an offset of so many hours from UTC.
    pub(super) fn with_offset(at: Timestamp, hours: i8) -> Self {
        Self {
            text: written(at.seconds(), hours, "%Y-%m-%dT%H:%M:%S%:z"),
            at,
        }
    }

    /// The instant in UTC, to the second.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The day and the time on the clocks of the place: `Thu 14:00`.
    #[must_use]
    pub fn on_the_clock(&self) -> String {
        let local = || {
            let pieces = Pieces::parse(&self.text).ok()?;
            let local = pieces.date().to_datetime(pieces.time()?);
            Some(local.strftime("%a %H:%M").to_string())
        };
        local().unwrap_or_else(|| self.text.clone())
    }

    /// The day and the time in UTC: `Thu 20:00 UTC`.
    #[must_use]
    pub fn in_utc(&self) -> String {
        written(self.at.seconds(), 0, "%a %H:%M UTC")
    }
}

/// An instant in seconds since the epoch, in `format`, with an offset of so many hours from UTC.
pub(super) fn written(seconds: i64, hours: i8, format: &str) -> String {
    let offset = Offset::from_hours(hours).unwrap_or(Offset::UTC);
    let instant = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let local = instant.to_zoned(TimeZone::fixed(offset));
    local.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_as_the_clocks_of_its_place_show_it() {
        let moment = Moment::parse("2026-03-04T14:00:00-06:00").unwrap();
        assert_eq!(moment.on_the_clock(), "Wed 14:00");
        let same = Moment::with_offset(moment.at(), -6);
        assert_eq!(same, moment);
    }
}
