//! Half-days, in which forecasts are told: a day from six in the morning, a night from six in the
//! evening.

use std::ops::Range;

use super::moment::{Moment, written};
use crate::model::Timestamp;

/// A half-day on the clocks of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HalfDay {
    /// Counted from the epoch on those clocks; days are even.
    index: i64,
    /// How many hours those clocks are before UTC.
    offset: i8,
}

const HOUR: i64 = 60 * 60;
const LENGTH: i64 = 12 * HOUR;
const DAYBREAK: i64 = 6 * HOUR;

impl HalfDay {
    /// The half-day that `now` lies in, where clocks are `offset` hours before UTC.
    pub(super) const fn at(now: Timestamp, offset: i8) -> Self {
        Self {
            index: (local(now, offset) - DAYBREAK).div_euclid(LENGTH),
            offset,
        }
    }

    /// The half-day `count` after this one.
    pub(super) const fn later(self, count: i64) -> Self {
        Self {
            index: self.index + count,
            ..self
        }
    }

    pub(super) const fn is_day(self) -> bool {
        self.index.rem_euclid(2) == 0
    }

    /// From when until when it lasts, in seconds since the epoch.
    pub(super) fn span(self) -> Range<i64> {
        let start = self.index * LENGTH + DAYBREAK - i64::from(self.offset) * HOUR;
        start..start + LENGTH
    }

    /// What a forecast made at `now` calls it.
    pub(super) fn name(self, now: Timestamp) -> String {
        let hour = local(now, self.offset).rem_euclid(24 * HOUR) / HOUR;
        let current = Self::at(now, self.offset).index == self.index;
        let tonight = self.index - Self::at(now, self.offset).index <= 1;
        match (current, self.is_day()) {
            (true, true) if hour < 12 => "Today".to_owned(),
            (true, true) => "This Afternoon".to_owned(),
            (true, false) if hour < 6 => "Overnight".to_owned(),
            (_, false) if tonight => "Tonight".to_owned(),
            (_, true) => self.weekday("%A"),
            (_, false) => self.weekday("%A Night"),
        }
    }

    /// When it begins; the one that `now` lies in began with the hour.
    pub(super) fn start(self, now: Timestamp) -> Moment {
        let hour = now.seconds() - now.seconds().rem_euclid(HOUR);
        self.moment(self.span().start.max(hour))
    }

    /// When it ends.
    pub(super) fn end(self) -> Moment {
        self.moment(self.span().end)
    }

    fn moment(self, seconds: i64) -> Moment {
        Moment::with_offset(Timestamp::from_seconds(seconds), self.offset)
    }

    fn weekday(self, format: &str) -> String {
        written(self.span().start, self.offset, format)
    }
}

const fn local(now: Timestamp, offset: i8) -> i64 {
    now.seconds() + (offset as i64) * HOUR
}
