//! The bundled sample: invented answers of api.weather.gov, made fresh whenever they are read.

use std::sync::Arc;

use bytes::Bytes;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value};

use super::area::Area;
use super::coordinates::Coordinates;
use super::error::NwsError;
use super::request::{Reply, Request};
use crate::model::{Clock, Timestamp};

/// Answers from the files in `sample/`.
///
/// In them `now-90m` stands for the instant 90 minutes ago, and periods have neither names nor
/// times.
#[derive(Debug)]
pub(super) struct Sample {
    clock: Arc<dyn Clock>,
}

struct Place {
    latitude: f64,
    longitude: f64,
    grid: &'static str,
    utc_offset_hours: i8,
    point: &'static str,
    forecast: &'static str,
}

const PLACES: [Place; 3] = [
    Place {
        latitude: 37.7749,
        longitude: -122.4194,
        grid: "MTR/85,105",
        utc_offset_hours: -8,
        point: include_str!("sample/point-san-francisco.json"),
        forecast: include_str!("sample/forecast-san-francisco.json"),
    },
    Place {
        latitude: 40.7128,
        longitude: -74.006,
        grid: "OKX/33,35",
        utc_offset_hours: -5,
        point: include_str!("sample/point-new-york.json"),
        forecast: include_str!("sample/forecast-new-york.json"),
    },
    Place {
        latitude: 25.7617,
        longitude: -80.1918,
        grid: "MFL/110,50",
        utc_offset_hours: -5,
        point: include_str!("sample/point-miami.json"),
        forecast: include_str!("sample/forecast-miami.json"),
    },
];

const HOUR: i64 = 60 * 60;
const HALF_DAY: i64 = 12 * HOUR;
/// Days begin at six in the morning, and nights at six in the evening.
const DAYBREAK: i64 = 6 * HOUR;
/// A forecast has seven days and seven nights.
const PERIODS: usize = 14;

impl Sample {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// What the service would send.
    pub(super) fn reply(&self, request: &Request) -> Result<Reply, NwsError> {
        let now = self.clock.now();
        let body = match request {
            Request::Alerts(area) => fresh(alerts_of(*area), now)?,
            Request::Point(coordinates) => fresh(nearest(*coordinates)?.point, now)?,
            Request::Forecast(grid) => {
                let grid = grid.to_string();
                let place = PLACES.iter().find(|place| place.grid == grid);
                place.ok_or(NwsError::NotFound)?.forecast_at(now)?
            }
        };
        Ok(Reply {
            body: Bytes::from(body.to_string()),
            max_age: None,
        })
    }
}

impl Place {
    /// The forecast with its periods around `now`.
    fn forecast_at(&self, now: Timestamp) -> Result<Value, NwsError> {
        let mut forecast = fresh(self.forecast, now)?;
        let periods = forecast
            .pointer_mut("/properties/periods")
            .and_then(Value::as_array_mut);
        let periods = periods.ok_or(NwsError::Unexpected)?;
        let local = now.seconds() + i64::from(self.utc_offset_hours) * HOUR;
        let current = (local - DAYBREAK).div_euclid(HALF_DAY);
        // The file begins with a day.
        if !is_day(current) && !periods.is_empty() {
            periods.remove(0);
        }
        periods.truncate(PERIODS);
        for (number, period) in (1..).zip(periods.iter_mut().filter_map(Value::as_object_mut)) {
            self.date(period, number, current + number - 1, local);
        }
        Ok(forecast)
    }

    /// Gives a period its number, its name and its times; `half_day` counts from the epoch.
    fn date(&self, period: &mut Map<String, Value>, number: i64, half_day: i64, local: i64) {
        let start = half_day * HALF_DAY + DAYBREAK;
        let first_hour = local - local.rem_euclid(HOUR);
        let offset = i64::from(self.utc_offset_hours) * HOUR;
        let time = |seconds: i64| Value::from(self.time("%Y-%m-%dT%H:%M:%S%:z", seconds - offset));
        let hour = local.rem_euclid(24 * HOUR) / HOUR;
        let name = match (number, is_day(half_day)) {
            (1, true) if hour < 12 => "Today".to_owned(),
            (1, true) => "This Afternoon".to_owned(),
            (1, false) if hour < 6 => "Overnight".to_owned(),
            (1 | 2, false) => "Tonight".to_owned(),
            (_, true) => self.time("%A", start - offset),
            (_, false) => self.time("%A Night", start - offset),
        };
        period.insert("number".to_owned(), Value::from(number));
        period.insert("name".to_owned(), Value::from(name));
        period.insert("startTime".to_owned(), time(start.max(first_hour)));
        period.insert("endTime".to_owned(), time(start + HALF_DAY));
    }

    fn time(&self, format: &str, seconds: i64) -> String {
        let zone = TimeZone::fixed(Offset::constant(self.utc_offset_hours));
        let instant = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        instant.to_zoned(zone).strftime(format).to_string()
    }
}

fn is_day(half_day: i64) -> bool {
    half_day.rem_euclid(2) == 0
}

fn alerts_of(area: Area) -> &'static str {
    match area.code() {
        "FL" => include_str!("sample/alerts-fl.json"),
        "NY" => include_str!("sample/alerts-ny.json"),
        "TX" => include_str!("sample/alerts-tx.json"),
        _ => include_str!("sample/alerts-none.json"),
    }
}

fn nearest(coordinates: Coordinates) -> Result<&'static Place, NwsError> {
    let distance = |place: &&Place| {
        let north = place.latitude - coordinates.latitude();
        // A degree of longitude is shorter away from the equator; around the globe, not across.
        let east = (place.longitude - coordinates.longitude()).abs();
        let east = east.min(360.0 - east) * place.latitude.to_radians().cos();
        north.mul_add(north, east * east)
    };
    let nearer = |one: &&Place, other: &&Place| distance(one).total_cmp(&distance(other));
    PLACES.iter().min_by(nearer).ok_or(NwsError::NotFound)
}

/// The JSON of a file with instants in the place of `now-90m`.
fn fresh(file: &str, now: Timestamp) -> Result<Value, NwsError> {
    let mut json = serde_json::from_str(file).map_err(|_| NwsError::Unexpected)?;
    resolve(&mut json, now);
    Ok(json)
}

fn resolve(json: &mut Value, now: Timestamp) {
    match json {
        Value::String(text) => {
            if let Some(instant) = relative(text, now) {
                *text = instant;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, now)),
        Value::Object(members) => members.values_mut().for_each(|value| resolve(value, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn relative(text: &str, now: Timestamp) -> Option<String> {
    let minutes: i64 = text.strip_prefix("now")?.strip_suffix('m')?.parse().ok()?;
    // To the minute, as NWS writes them.
    let seconds = now.seconds() - now.seconds().rem_euclid(60) + minutes * 60;
    let instant = jiff::Timestamp::from_second(seconds).ok()?;
    Some(instant.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}
