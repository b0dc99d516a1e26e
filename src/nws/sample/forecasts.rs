//! Forecasts of the sample: the half-days of a file around the present, and hours between them.

use std::f64::consts::PI;

use serde_json::{Value, json};

use super::super::error::{NwsError, Reason};
use super::super::half_day::HalfDay;
use super::super::moment::Moment;
use super::fresh;
use super::places::Place;
use crate::model::Timestamp;

const HOUR: i64 = 60 * 60;

/// A forecast has seven days and seven nights.
const PERIODS: usize = 14;

/// Days are hottest at three in the afternoon.
const HOTTEST: f64 = 15.0;

impl Place {
    /// The forecast with its periods around `now`.
    pub(super) fn half_days(&self, now: Timestamp) -> Result<Value, NwsError> {
        let mut forecast = fresh(self.forecast, now)?;
        let periods = periods_of(&mut forecast)?;
        let first = HalfDay::at(now, self.utc_offset_hours);
        // The file begins with a day.
        if !first.is_day() && !periods.is_empty() {
            periods.remove(0);
        }
        periods.truncate(PERIODS);
        for (count, period) in (0..).zip(periods.iter_mut().filter_map(Value::as_object_mut)) {
            let half_day = first.later(count);
            period.insert("number".to_owned(), json!(count + 1));
            period.insert("name".to_owned(), json!(half_day.name(now)));
            period.insert("startTime".to_owned(), json!(half_day.start(now)));
            period.insert("endTime".to_owned(), json!(half_day.end()));
        }
        Ok(forecast)
    }

    /// The forecast by hours: between the highs and the lows of the half-days.
    pub(super) fn hours(&self, now: Timestamp) -> Result<Value, NwsError> {
        let mut forecast = self.half_days(now)?;
        let half_days = periods_of(&mut forecast)?.clone();
        let first = now.seconds() - now.seconds().rem_euclid(HOUR);
        let current = HalfDay::at(now, self.utc_offset_hours);
        let mut hours = Vec::new();
        for (index, half_day) in (0_i64..).zip(&half_days) {
            let span = current.later(index).span();
            let neighbour = half_days.get(index.unsigned_abs().try_into().unwrap_or(0) + 1_usize);
            let (own, other) = (
                degrees(half_day),
                neighbour.map_or_else(|| degrees(half_day), degrees),
            );
            let is_day = current.later(index).is_day();
            let (high, low) = if is_day { (own, other) } else { (other, own) };
            let mut start = span.start.max(first);
            while start < span.end {
                let mut hour = half_day.clone();
                self.tell(&mut hour, start, (high, low));
                hours.push(hour);
                start += HOUR;
            }
        }
        Ok(json!({ "properties": { "periods": hours } }))
    }

    /// Makes a half-day the hour that begins at `start`.
    fn tell(&self, hour: &mut Value, start: i64, (high, low): (f64, f64)) {
        let moment = |seconds| {
            json!(Moment::with_offset(
                Timestamp::from_seconds(seconds),
                self.utc_offset_hours
            ))
        };
        let temperature = self.temperature(start, (high, low));
        let dewpoint = (temperature - 12.0 - 32.0) / 1.8;
        for (member, value) in [
            ("name", json!("")),
            ("detailedForecast", json!("")),
            ("startTime", moment(start)),
            ("endTime", moment(start + HOUR)),
            ("temperature", json!(temperature.round())),
            (
                "dewpoint",
                json!({ "unitCode": "wmoUnit:degC", "value": dewpoint }),
            ),
            (
                "relativeHumidity",
                json!({ "unitCode": "wmoUnit:percent", "value": 62 }),
            ),
        ] {
            if let Some(members) = hour.as_object_mut() {
                members.insert(member.to_owned(), value);
            }
        }
    }

    /// The temperature between a high and a low.
    pub(super) fn temperature(&self, seconds: i64, (high, low): (f64, f64)) -> f64 {
        let local = seconds + i64::from(self.utc_offset_hours) * HOUR;
        let minutes = i32::try_from(local.rem_euclid(24 * HOUR) / 60).unwrap_or_default();
        let angle = (f64::from(minutes) / 60.0 - HOTTEST) * PI / 12.0;
        f64::midpoint(high, low) + (high - low) / 2.0 * angle.cos()
    }

    /// The high and the low of the first day.
    pub(super) fn first_day(&self, now: Timestamp) -> Result<(f64, f64), NwsError> {
        let mut forecast = fresh(self.forecast, now)?;
        let periods = periods_of(&mut forecast)?;
        let (day, night) = (periods.first(), periods.get(1));
        let both = day.zip(night).ok_or(Reason::Unexpected)?;
        Ok((degrees(both.0), degrees(both.1)))
    }
}

fn periods_of(forecast: &mut Value) -> Result<&mut Vec<Value>, NwsError> {
    let periods = forecast
        .pointer_mut("/properties/periods")
        .and_then(Value::as_array_mut);
    periods.ok_or(NwsError::from(Reason::Unexpected))
}

fn degrees(period: &Value) -> f64 {
    let temperature = period.get("temperature");
    temperature.and_then(Value::as_f64).unwrap_or_default()
}
