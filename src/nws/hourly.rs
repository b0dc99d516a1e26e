//! Forecasts by hours: `/gridpoints/{office}/{x},{y}/forecast/hourly`.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coordinates::Coordinates;
use super::desk::Desk;
use super::error::{NwsError, Reason};
use super::forecast::{TemperatureUnit, speed};
use super::grid_data::GridFeature;
use super::moment::Moment;
use super::point::{Cell, Point};
use super::request::Request;
use super::shelf::Fetched;
use super::units::tenths;
use super::wire::{self, Quantity};
use super::{Nws, marine};
use crate::model::Timestamp;

/// A forecast by hours, and the point that it is for.
#[derive(Clone, Debug)]
pub struct PointHours {
    /// The point.
    pub point: Arc<Point>,
    /// How old the forecast is, when it stands in for a current one that can't be had.
    pub age: Option<Duration>,
    hours: Arc<Vec<Hour>>,
    now: Timestamp,
}

/// The weather of an hour.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hour {
    /// When it begins.
    pub start_time: Option<Moment>,
    /// When it ends.
    pub end_time: Option<Moment>,
    /// True by day, false by night.
    pub is_daytime: Option<bool>,
    /// The temperature, in `temperatureUnit`.
    pub temperature: Option<f64>,
    /// F for degrees Fahrenheit, C for degrees Celsius.
    pub temperature_unit: Option<TemperatureUnit>,
    /// How likely rain or snow is, in percent.
    pub probability_of_precipitation: Option<f64>,
    /// The dew point in degrees Celsius.
    pub dewpoint_celsius: Option<f64>,
    /// The relative humidity in percent.
    pub relative_humidity: Option<f64>,
    /// The wind speed with its unit, such as "10 mph".
    pub wind_speed: Option<String>,
    /// The speed of gusts with its unit.
    pub wind_gust: Option<String>,
    /// Where the wind comes from, one of 16 points of the compass.
    pub wind_direction: Option<String>,
    /// At sea, how high the waves are, with the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave_height: Option<String>,
    /// The weather in a few words.
    pub short_forecast: Option<String>,
}

/// A forecast as it is sent; one without `periods` is none.
#[derive(Deserialize)]
struct HourlyFeature {
    properties: HourlyProperties,
}

#[derive(Deserialize)]
struct HourlyProperties {
    periods: Vec<SentHour>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentHour {
    #[serde(default, deserialize_with = "wire::moment")]
    start_time: Option<Moment>,
    #[serde(default, deserialize_with = "wire::moment")]
    end_time: Option<Moment>,
    #[serde(default, deserialize_with = "wire::lenient")]
    is_daytime: Option<bool>,
    #[serde(default, deserialize_with = "wire::quantity")]
    temperature: Quantity,
    #[serde(default, deserialize_with = "wire::line")]
    temperature_unit: Option<String>,
    #[serde(default, deserialize_with = "wire::quantity")]
    probability_of_precipitation: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    dewpoint: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    relative_humidity: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_speed: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_gust: Quantity,
    #[serde(default, deserialize_with = "wire::line")]
    wind_direction: Option<String>,
    #[serde(default, deserialize_with = "wire::line")]
    short_forecast: Option<String>,
}

impl Nws {
    /// The forecast by hours for the point at `coordinates`.
    pub async fn hourly_forecast(&self, coordinates: Coordinates) -> Result<PointHours, NwsError> {
        let found = self.at_point(coordinates, || (), &self.hours, fetch);
        let (point, found) = found.await?;
        Ok(PointHours {
            point,
            age: found.age,
            hours: found.value,
            now: self.clock.now(),
        })
    }
}

async fn fetch(desk: Arc<Desk>, cell: Cell) -> Result<Fetched<Vec<Hour>>, NwsError> {
    if !cell.marine {
        let sent = desk.load(&Request::HourlyForecast(cell.grid.clone())).await;
        match sent {
            Err(error) if error.reason == Reason::Marine => {}
            other => return other.map(|sent| sent.kept_as(HourlyFeature::into_hours)),
        }
    }
    let sent = desk.load(&Request::GridData(cell.grid)).await?;
    let now = desk.clock.now();
    let made = sent.kept_as(|sent: GridFeature| marine::hours(&sent.into_data(), now, cell.offset));
    if made.value.is_empty() {
        return Err(NwsError::from(Reason::Marine));
    }
    Ok(made)
}

impl PointHours {
    /// The present hour and those after it.
    pub fn iter(&self) -> impl Iterator<Item = &Hour> {
        let ended = |end: &Moment| end.at() <= self.now;
        self.hours
            .iter()
            .filter(move |hour| !hour.end_time.as_ref().is_some_and(ended))
    }
}

impl HourlyFeature {
    fn into_hours(self) -> Vec<Hour> {
        self.properties
            .periods
            .into_iter()
            .map(Hour::from)
            .collect()
    }
}

impl From<SentHour> for Hour {
    fn from(sent: SentHour) -> Self {
        // A quantity has its unit with it; only a plain number needs the one beside it.
        let unit = sent.temperature.unit.or(sent.temperature_unit);
        Self {
            start_time: sent.start_time,
            end_time: sent.end_time,
            is_daytime: sent.is_daytime,
            temperature: sent.temperature.value.map(tenths),
            temperature_unit: unit.as_deref().and_then(TemperatureUnit::of_code),
            probability_of_precipitation: sent.probability_of_precipitation.value,
            dewpoint_celsius: sent.dewpoint.celsius(),
            relative_humidity: sent.relative_humidity.percent(),
            wind_speed: speed(sent.wind_speed),
            wind_gust: speed(sent.wind_gust),
            wind_direction: sent.wind_direction,
            wave_height: None,
            short_forecast: sent.short_forecast,
        }
    }
}
