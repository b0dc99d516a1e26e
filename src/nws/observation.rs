//! What stations see: `/stations/{id}/observations`, by time and the latest.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Nws;
use super::desk::Desk;
use super::error::{NwsError, Reason};
use super::moment::{Moment, written};
use super::request::{OBSERVATIONS, Request};
use super::shelf::{Fetched, Found};
use super::station::StationId;
use super::units::fahrenheit;
use super::wire::{self, Quantity};
use crate::model::Timestamp;

/// What a station saw at one moment. Instruments fail, so that any part may be missing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// When.
    pub observed_at: Option<Moment>,
    /// The weather in a few words.
    pub description: Option<String>,
    /// The temperature in degrees Celsius.
    pub temperature_celsius: Option<f64>,
    /// The temperature in degrees Fahrenheit.
    pub temperature_fahrenheit: Option<f64>,
    /// The dew point in degrees Celsius.
    pub dewpoint_celsius: Option<f64>,
    /// The relative humidity in percent.
    pub relative_humidity: Option<f64>,
    /// Where the wind comes from, in degrees from the north.
    pub wind_direction_degrees: Option<f64>,
    /// The wind speed in kilometres per hour.
    pub wind_speed_kmh: Option<f64>,
    /// The speed of gusts in kilometres per hour.
    pub wind_gust_kmh: Option<f64>,
    /// The air pressure, reduced to sea level where that is known, in hectopascals.
    pub pressure_hpa: Option<f64>,
    /// How far one sees, in kilometres.
    pub visibility_km: Option<f64>,
    /// Rain or melted snow of the last hour, in millimetres.
    pub precipitation_last_hour_mm: Option<f64>,
    /// How hot it feels, in degrees Celsius, when it is hot.
    pub heat_index_celsius: Option<f64>,
    /// How cold it feels, in degrees Celsius, when it is cold.
    pub wind_chill_celsius: Option<f64>,
}

/// Some time at a station.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub(super) station: StationId,
    start: i64,
    end: i64,
}

/// Where the next page begins: opaque, and only ever sent back.
#[derive(Clone, Debug)]
pub(super) struct Cursor(String);

/// One observation as it is sent.
#[derive(Deserialize)]
struct ObservationFeature {
    properties: SentObservation,
}

/// Many of them. NWS writes null for an empty list here.
#[derive(Deserialize)]
struct ObservationCollection {
    features: Option<Vec<ObservationFeature>>,
    #[serde(default, deserialize_with = "wire::or_default")]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
struct Pagination {
    #[serde(default, deserialize_with = "wire::lenient")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentObservation {
    #[serde(default, deserialize_with = "wire::moment")]
    timestamp: Option<Moment>,
    #[serde(default, deserialize_with = "wire::line")]
    text_description: Option<String>,
    #[serde(default, deserialize_with = "wire::quantity")]
    temperature: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    dewpoint: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    relative_humidity: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_direction: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_speed: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_gust: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    sea_level_pressure: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    barometric_pressure: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    visibility: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    precipitation_last_hour: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    heat_index: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_chill: Quantity,
}

/// However many pages a server offers, no more are read of one span.
const MOST_PAGES: usize = 4;

impl Nws {
    /// What `station` saw last.
    pub(super) async fn latest(&self, station: &StationId) -> Result<Found<Observation>, NwsError> {
        let fetch = || {
            let desk = Arc::clone(&self.desk);
            let request = Request::LatestObservation(station.clone());
            async move {
                let sent = desk.load(&request).await?;
                Ok(sent.kept_as(|feature: ObservationFeature| feature.properties.into()))
            }
        };
        self.latest.get(station, fetch).await
    }

    /// The last whole days of 24 hours at a station, oldest first. They end a few minutes ago, so
    /// that who asks again soon asks for the same.
    #[must_use]
    pub fn last_days(&self, station: &StationId, days: u8) -> Vec<Span> {
        const STEP: i64 = 5 * 60;
        let now = self.clock.now().seconds();
        Self::days_until(station, now - now.rem_euclid(STEP), days)
    }

    /// The days of 24 hours before `end`, oldest first.
    #[must_use]
    pub fn days_until(station: &StationId, end: i64, days: u8) -> Vec<Span> {
        const DAY: i64 = 24 * 60 * 60;
        let day = |back: u8| {
            let end = end.saturating_sub(i64::from(back) * DAY);
            Span {
                station: station.clone(),
                start: end.saturating_sub(DAY),
                end,
            }
        };
        (0..days).rev().map(day).collect()
    }

    /// What a station saw during `span`, oldest first.
    pub async fn observations(&self, span: &Span) -> Result<Found<Vec<Observation>>, NwsError> {
        let fetch = || fetch(Arc::clone(&self.desk), span.clone());
        self.observations.get(span, fetch).await
    }
}

async fn fetch(desk: Arc<Desk>, span: Span) -> Result<Fetched<Vec<Observation>>, NwsError> {
    let (mut observations, mut size, mut cursor) = (Vec::new(), 0, None);
    for _ in 0..MOST_PAGES {
        let request = Request::Observations(span.clone(), cursor.take());
        let page = desk.load(&request).await?;
        let page: Fetched<ObservationCollection> = page.kept_as(|sent| sent);
        size += page.size;
        // A link to a next page is there even when there is nothing on it.
        let ObservationCollection {
            features,
            pagination,
        } = page.value;
        let features = features.unwrap_or_default();
        let full = features.len() >= OBSERVATIONS;
        let seen = features.into_iter().map(|it| it.properties.into());
        observations.extend(seen.filter(|seen| span.has(seen)));
        cursor = pagination.next.as_deref().and_then(Cursor::of_link);
        if !full || cursor.is_none() {
            break;
        }
    }
    observations.sort_by_key(|seen: &Observation| seen.observed_at.as_ref().map(Moment::at));
    Ok(Fetched {
        value: observations,
        max_age: None,
        size,
    })
}

impl Observation {
    /// How long ago it was.
    pub(super) fn age(&self, now: Timestamp) -> Option<Duration> {
        self.observed_at
            .as_ref()
            .map(|moment| now.since(moment.at()))
    }
}

impl Span {
    /// When it ends, in seconds since the epoch.
    #[must_use]
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// The day on which it begins, in UTC.
    #[must_use]
    pub fn day(&self) -> String {
        written(self.start, 0, "%Y-%m-%d")
    }

    pub(super) const fn range(&self) -> (i64, i64) {
        (self.start, self.end)
    }

    pub(super) fn start_text(&self) -> String {
        written(self.start, 0, "%Y-%m-%dT%H:%M:%SZ")
    }

    pub(super) fn end_text(&self) -> String {
        written(self.end, 0, "%Y-%m-%dT%H:%M:%SZ")
    }

    /// True for what was seen within it; the ends of two spans are no two observations.
    fn has(&self, seen: &Observation) -> bool {
        let at = seen
            .observed_at
            .as_ref()
            .map(|moment| moment.at().seconds());
        at.is_some_and(|at| self.start <= at && at < self.end)
    }
}

impl Cursor {
    /// The cursor of a link to the next page. The link itself is never followed.
    fn of_link(link: &str) -> Option<Self> {
        let link = url::Url::parse(link).ok()?;
        let (_, cursor) = link.query_pairs().find(|(name, _)| name == "cursor")?;
        (cursor.len() <= 512).then(|| Self(cursor.into_owned()))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        url::form_urlencoded::byte_serialize(self.0.as_bytes())
            .try_for_each(|part| f.write_str(part))
    }
}

impl From<SentObservation> for Observation {
    fn from(sent: SentObservation) -> Self {
        let temperature = sent.temperature.celsius();
        let sea_level = sent.sea_level_pressure.hectopascals();
        Self {
            observed_at: sent.timestamp,
            description: sent.text_description,
            temperature_celsius: temperature,
            temperature_fahrenheit: temperature.map(fahrenheit),
            dewpoint_celsius: sent.dewpoint.celsius(),
            relative_humidity: sent.relative_humidity.percent(),
            wind_direction_degrees: sent.wind_direction.degrees(),
            wind_speed_kmh: sent.wind_speed.kilometres_per_hour(),
            wind_gust_kmh: sent.wind_gust.kilometres_per_hour(),
            pressure_hpa: sea_level.or_else(|| sent.barometric_pressure.hectopascals()),
            visibility_km: sent.visibility.kilometres(),
            precipitation_last_hour_mm: sent.precipitation_last_hour.millimetres(),
            heat_index_celsius: sent.heat_index.celsius(),
            wind_chill_celsius: sent.wind_chill.celsius(),
        }
    }
}

/// True when the failure is of one station, so that the next one may do.
pub(super) const fn is_of_station(reason: Reason) -> bool {
    !matches!(reason, Reason::Throttled { .. } | Reason::Unreachable)
}
