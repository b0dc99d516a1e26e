//! Stations that observe the weather: `/gridpoints/{office}/{x},{y}/stations`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Desk;
use super::error::NwsError;
use super::point::Cell;
use super::request::Request;
use super::shelf::Fetched;
use super::wire::{self, Quantity};

/// The identifier of a station, such as `KSFO`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct StationId(String);

/// The text is no identifier of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "That is not the identifier of a weather station. Give its letters and digits, such as KSFO; \
     get_current_conditions names the station near a point."
)]
pub struct InvalidStation;

/// A station.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Station {
    /// Its identifier.
    pub id: StationId,
    /// Its name.
    pub name: Option<String>,
    /// How far it is from the point, in kilometres.
    pub distance_km: Option<f64>,
}

/// The stations as they are sent, nearest first.
#[derive(Deserialize)]
struct StationCollection {
    features: Vec<StationFeature>,
}

#[derive(Deserialize)]
struct StationFeature {
    properties: StationProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StationProperties {
    #[serde(default, deserialize_with = "wire::lenient")]
    station_identifier: Option<String>,
    #[serde(default, deserialize_with = "wire::line")]
    name: Option<String>,
    #[serde(default, deserialize_with = "wire::quantity")]
    distance: Quantity,
}

/// How many stations are asked for their weather, as NWS's own site does it.
const NEAREST: usize = 3;

/// The stations nearest to a grid cell, nearest first.
pub(super) async fn fetch(desk: Arc<Desk>, cell: Cell) -> Result<Fetched<Vec<Station>>, NwsError> {
    let sent = desk.load(&Request::Stations(cell.grid)).await?;
    Ok(sent.kept_as(StationCollection::into_stations))
}

impl StationCollection {
    fn into_stations(self) -> Vec<Station> {
        let stations = self.features.into_iter().filter_map(|feature| {
            let properties = feature.properties;
            Some(Station {
                id: properties.station_identifier?.parse().ok()?,
                name: properties.name,
                distance_km: properties.distance.kilometres(),
            })
        });
        stations.take(NEAREST).collect()
    }
}

impl FromStr for StationId {
    type Err = InvalidStation;

    /// Takes upper and lower case.
    fn from_str(text: &str) -> Result<Self, InvalidStation> {
        let plain =
            (3..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain
            .then(|| Self(text.to_ascii_uppercase()))
            .ok_or(InvalidStation)
    }
}

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
