//! `get_current_conditions(latitude, longitude)`: the present weather at a point.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::super::{Answer, Definition};
use super::super::provenance::Provenance;
use super::super::{reply, schema};
use super::Failure;
use super::get_forecast::USAGE;
use super::position::Position;
use crate::nws::{Conditions, Coordinates, Moment, Nws, Observation, Station};

pub(super) const NAME: &str = "get_current_conditions";

const TITLE: &str = "Current weather";

const DESCRIPTION: &str = "The present weather at a point in the United States or its territories, \
    as a weather station nearby observed it: temperature, wind, humidity, pressure and visibility. \
    It says which station and when; instruments fail, so that parts may be missing. For the \
    weather to come ask get_forecast.";

const MISSING: &str = "No weather station near this point has current observations. Try a point \
    near a larger place.";

/// The present weather at one point.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ConditionsResult<'a> {
    /// The latitude that was asked for, in degrees.
    latitude: f64,
    /// The longitude that was asked for, in degrees.
    longitude: f64,
    /// The nearest place.
    city: Option<&'a str>,
    /// The state or territory of that place.
    state: Option<&'a str>,
    /// The station that observed.
    station: &'a Station,
    /// What it observed.
    observation: &'a Observation,
    #[serde(flatten)]
    provenance: Provenance,
}

impl<'a> ConditionsResult<'a> {
    fn new(nws: &Nws, coordinates: Coordinates, found: &'a Conditions) -> Self {
        Self {
            latitude: coordinates.latitude(),
            longitude: coordinates.longitude(),
            city: found.point.city.as_deref(),
            state: found.point.state.as_deref(),
            station: &found.station,
            observation: &found.observation,
            provenance: Provenance::new(nws, found.age),
        }
    }

    fn text(&self) -> String {
        let seen = self.observation;
        let mut lines = vec![sky(seen)];
        lines.extend(wind(seen));
        for (name, value, unit) in [
            ("Humidity", seen.relative_humidity, "%"),
            ("Dew point", seen.dewpoint_celsius, "°C"),
            ("Heat index", seen.heat_index_celsius, "°C"),
            ("Wind chill", seen.wind_chill_celsius, "°C"),
            ("Pressure", seen.pressure_hpa, " hPa"),
            ("Visibility", seen.visibility_km, " km"),
            (
                "Precipitation in the last hour",
                seen.precipitation_last_hour_mm,
                " mm",
            ),
        ] {
            lines.extend(value.map(|value| format!("{name}: {value}{unit}")));
        }
        lines.push(self.source());
        self.provenance.notice("real weather") + &lines.join("\n")
    }

    /// `Observed Wed 17:53 UTC at San Francisco International Airport (KSFO), 4.2 km away`
    fn source(&self) -> String {
        let station = self.station;
        let when = self.observation.observed_at.as_ref().map(Moment::in_utc);
        let name = station.name.as_deref().unwrap_or("a station");
        let distance = station.distance_km.map(|km| format!(", {km} km away"));
        format!(
            "Observed {} at {name} ({}){}",
            when.as_deref().unwrap_or("at an unknown time"),
            station.id,
            distance.unwrap_or_default()
        )
    }
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Position>(),
        schema::of_result::<ConditionsResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, true)
}

pub(super) async fn call(nws: &Nws, arguments: Map<String, Value>) -> Result<Answer, Failure> {
    let position: Position = super::parse(arguments, USAGE)?;
    let coordinates = position.coordinates()?;
    let found = nws.conditions(coordinates).await;
    let found = found.map_err(|error| Failure::or_missing(error, MISSING))?;
    let result = ConditionsResult::new(nws, coordinates, &found);
    Ok(reply::tool(&result.text(), &result)?)
}

/// `64°F (17.8°C), Partly Cloudy`
fn sky(seen: &Observation) -> String {
    let fahrenheit = seen.temperature_fahrenheit.zip(seen.temperature_celsius);
    let temperature = fahrenheit.map(|(f, c)| format!("{:.0}°F ({c}°C)", f + 0.0));
    let parts: Vec<String> = temperature
        .into_iter()
        .chain(seen.description.clone())
        .collect();
    if parts.is_empty() {
        "The temperature is not known.".to_owned()
    } else {
        parts.join(", ")
    }
}

/// `Wind: 14 km/h from 270°, gusts 30 km/h`
fn wind(seen: &Observation) -> Option<String> {
    let speed = seen.wind_speed_kmh?;
    let from = seen
        .wind_direction_degrees
        .map(|degrees| format!(" from {degrees}°"));
    let gust = seen
        .wind_gust_kmh
        .map(|gust| format!(", gusts {gust} km/h"));
    Some(format!(
        "Wind: {speed} km/h{}{}",
        from.unwrap_or_default(),
        gust.unwrap_or_default()
    ))
}
