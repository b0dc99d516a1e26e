//! Forecasts in periods of twelve hours: `/gridpoints/{office}/{x},{y}/forecast`.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coordinates::Coordinates;
use super::desk::Desk;
use super::edition::Edition;
use super::error::{NwsError, Reason};
use super::grid_data::GridFeature;
use super::moment::Moment;
use super::point::{Cell, Point};
use super::request::Request;
use super::shelf::Fetched;
use super::units::tenths;
use super::wire::{self, Quantity};
use super::{Nws, marine};
use crate::model::Timestamp;

/// A forecast, and the point that it is for.
#[derive(Clone, Debug)]
pub struct PointForecast {
    /// The point.
    pub point: Arc<Point>,
    /// The forecast of its grid cell.
    pub forecast: Arc<Forecast>,
    /// How old it is, when it stands in for a current one that can't be had.
    pub age: Option<Duration>,
    now: Timestamp,
}

/// The forecast of a grid cell.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// When it was computed.
    pub generated_at: Option<Moment>,
    /// When the data behind it last changed.
    pub updated_at: Option<Moment>,
    /// Its periods, the present one first.
    pub periods: Vec<Period>,
}

/// A day or a night.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// What it is called, such as "Tonight" or "Thursday".
    pub name: String,
    /// When it begins.
    pub start_time: Option<Moment>,
    /// When it ends.
    pub end_time: Option<Moment>,
    /// True for a day, false for a night.
    pub is_daytime: Option<bool>,
    /// The high of a day or the low of a night, in `temperatureUnit`.
    pub temperature: Option<f64>,
    /// F for degrees Fahrenheit, C for degrees Celsius.
    pub temperature_unit: Option<TemperatureUnit>,
    /// How likely rain or snow is, in percent.
    pub probability_of_precipitation: Option<f64>,
    /// The wind speed with its unit, such as "10 to 15 mph".
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
    /// The weather in a few sentences.
    pub detailed_forecast: Option<String>,
}

/// The unit of a temperature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub enum TemperatureUnit {
    /// Degrees Fahrenheit.
    F,
    /// Degrees Celsius.
    C,
}

/// A forecast as it is sent; one without `periods` is none.
#[derive(Deserialize)]
struct ForecastFeature {
    properties: ForecastProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForecastProperties {
    #[serde(default, deserialize_with = "wire::moment")]
    generated_at: Option<Moment>,
    #[serde(default, deserialize_with = "wire::moment")]
    update_time: Option<Moment>,
    periods: Vec<SentPeriod>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentPeriod {
    #[serde(default, deserialize_with = "wire::lenient")]
    number: Option<u32>,
    #[serde(default, deserialize_with = "wire::line")]
    name: Option<String>,
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
    wind_speed: Quantity,
    #[serde(default, deserialize_with = "wire::quantity")]
    wind_gust: Quantity,
    #[serde(default, deserialize_with = "wire::line")]
    wind_direction: Option<String>,
    #[serde(default, deserialize_with = "wire::line")]
    short_forecast: Option<String>,
    #[serde(default, deserialize_with = "wire::passage")]
    detailed_forecast: Option<String>,
}

impl Nws {
    /// The forecast for the point at `coordinates`; calls `located` once its grid cell is known.
    pub async fn forecast(
        &self,
        coordinates: Coordinates,
        located: impl FnOnce() + Send,
    ) -> Result<PointForecast, NwsError> {
        let found = self.at_point(coordinates, located, &self.forecasts, fetch);
        let (point, found) = found.await?;
        Ok(PointForecast {
            point,
            forecast: found.value,
            age: found.age,
            now: self.clock.now(),
        })
    }
}

/// The forecast of a cell; at sea, where offices write none, one made of their numbers.
async fn fetch(desk: Arc<Desk>, cell: Cell) -> Result<Fetched<Forecast>, NwsError> {
    if !cell.marine {
        let sent = desk.load(&Request::Forecast(cell.grid.clone())).await;
        match sent {
            Err(error) if error.reason == Reason::Marine => {}
            other => return other.map(|sent| sent.kept_as(ForecastFeature::into_forecast)),
        }
    }
    let sent = desk.load(&Request::GridData(cell.grid)).await?;
    let now = desk.clock.now();
    let made =
        sent.kept_as(|sent: GridFeature| marine::forecast(&sent.into_data(), now, cell.offset));
    if made.value.periods.is_empty() {
        return Err(NwsError::from(Reason::Marine));
    }
    Ok(made)
}

impl PointForecast {
    /// What an answer with it is made of; none where its age has to be said.
    #[must_use]
    pub fn edition(&self) -> Option<Edition> {
        let current = self.age.is_none();
        current.then(|| Edition::of(&self.forecast, self.now).and(&self.point))
    }

    /// The periods, without those that ended since the forecast was made.
    pub fn periods(&self) -> impl Iterator<Item = &Period> {
        let ended = |end: &Moment| end.at() <= self.now;
        let periods = self.forecast.periods.iter();
        periods.filter(move |period| !period.end_time.as_ref().is_some_and(ended))
    }
}

impl TemperatureUnit {
    pub(super) fn of_code(code: &str) -> Option<Self> {
        match code {
            "F" | "degF" => Some(Self::F),
            "C" | "degC" => Some(Self::C),
            _ => None,
        }
    }

    /// The letter.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::F => 'F',
            Self::C => 'C',
        }
    }
}

impl ForecastFeature {
    fn into_forecast(self) -> Forecast {
        let properties = self.properties;
        Forecast {
            generated_at: properties.generated_at,
            updated_at: properties.update_time,
            periods: properties.periods.into_iter().map(Period::from).collect(),
        }
    }
}

impl From<SentPeriod> for Period {
    fn from(sent: SentPeriod) -> Self {
        // A quantity has its unit with it; only a plain number needs the one beside it.
        let unit = sent.temperature.unit.or(sent.temperature_unit);
        let unnamed = || format!("Period {}", sent.number.unwrap_or_default());
        Self {
            name: sent.name.unwrap_or_else(unnamed),
            start_time: sent.start_time,
            end_time: sent.end_time,
            is_daytime: sent.is_daytime,
            temperature: sent.temperature.value.map(tenths),
            temperature_unit: unit.as_deref().and_then(TemperatureUnit::of_code),
            probability_of_precipitation: sent.probability_of_precipitation.value,
            wind_speed: speed(sent.wind_speed),
            wind_gust: speed(sent.wind_gust),
            wind_direction: sent.wind_direction,
            wave_height: None,
            short_forecast: sent.short_forecast,
            detailed_forecast: sent.detailed_forecast,
        }
    }
}

/// A speed as a text, which it mostly is already.
pub(super) fn speed(sent: Quantity) -> Option<String> {
    let number = |value: f64, unit: &str| format!("{value:.0} {unit}");
    let unit = match sent.unit.as_deref() {
        Some("km_h-1") => "km/h",
        Some("m_s-1") => "m/s",
        other => other.unwrap_or_default(),
    };
    let structured = sent.value.map(|value| match sent.upper {
        Some(upper) => format!("{value:.0} to {}", number(upper, unit)),
        None => number(value, unit),
    });
    sent.text.or(structured)
}
