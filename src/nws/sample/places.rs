//! The places of the sample: three cities, each with its grid cell, station and forecasters.

use serde_json::{Value, json};

use super::super::area::Area;
use super::super::coordinates::Coordinates;
use super::super::error::{NwsError, Reason};
use super::super::moment::written;
use super::super::point::Grid;
use super::super::station::StationId;
use super::fresh;
use crate::model::Timestamp;

/// A city.
pub(super) struct Place {
    latitude: f64,
    longitude: f64,
    grid: &'static str,
    pub(super) utc_offset_hours: i8,
    pub(super) point: &'static str,
    pub(super) forecast: &'static str,
    /// The station's identifier and name.
    pub(super) station: (&'static str, &'static str),
    /// The identifier of the forecasters' text.
    pub(super) product: &'static str,
    discussion: &'static str,
}

/// No alerts.
pub(super) const NONE: &str = include_str!("alerts-none.json");

pub(super) const PLACES: [Place; 3] = [
    Place {
        latitude: 37.7749,
        longitude: -122.4194,
        grid: "MTR/85,105",
        utc_offset_hours: -8,
        point: include_str!("point-san-francisco.json"),
        forecast: include_str!("forecast-san-francisco.json"),
        station: ("KSFO", "San Francisco International Airport"),
        product: "5a3b1e00-0000-4000-8000-000000000001",
        discussion: include_str!("discussion-san-francisco.txt"),
    },
    Place {
        latitude: 40.7128,
        longitude: -74.006,
        grid: "OKX/33,35",
        utc_offset_hours: -5,
        point: include_str!("point-new-york.json"),
        forecast: include_str!("forecast-new-york.json"),
        station: ("KNYC", "New York City, Central Park"),
        product: "5a3b1e00-0000-4000-8000-000000000002",
        discussion: include_str!("discussion-new-york.txt"),
    },
    Place {
        latitude: 25.7617,
        longitude: -80.1918,
        grid: "MFL/110,50",
        utc_offset_hours: -5,
        point: include_str!("point-miami.json"),
        forecast: include_str!("forecast-miami.json"),
        station: ("KMIA", "Miami International Airport"),
        product: "5a3b1e00-0000-4000-8000-000000000003",
        discussion: include_str!("discussion-miami.txt"),
    },
];

/// The place nearest to `coordinates`.
pub(super) fn nearest(coordinates: Coordinates) -> Result<&'static Place, NwsError> {
    let distance = |place: &&Place| {
        let north = place.latitude - coordinates.latitude();
        // A degree of longitude is shorter away from the equator; around the globe, not across.
        let east = (place.longitude - coordinates.longitude()).abs();
        let east = east.min(360.0 - east) * place.latitude.to_radians().cos();
        north.mul_add(north, east * east)
    };
    let nearer = |one: &&Place, other: &&Place| distance(one).total_cmp(&distance(other));
    let nearest = PLACES.iter().min_by(nearer);
    nearest.ok_or(NwsError::from(Reason::NotFound))
}

/// The place in the cell `grid`.
pub(super) fn of_grid(grid: &Grid) -> Result<&'static Place, NwsError> {
    let grid = grid.to_string();
    let place = PLACES.iter().find(|place| place.grid == grid);
    place.ok_or(NwsError::from(Reason::NotFound))
}

/// The place with the station `id`.
pub(super) fn of_station(id: &StationId) -> Result<&'static Place, NwsError> {
    let id = id.to_string();
    let place = PLACES.iter().find(|place| place.station.0 == id);
    place.ok_or(NwsError::from(Reason::NotFound))
}

impl Place {
    /// The identifier of its forecast office.
    pub(super) fn office(&self) -> &'static str {
        self.grid.split('/').next().unwrap_or_default()
    }

    pub(super) fn area(&self) -> Result<Area, NwsError> {
        let point: Value = serde_json::from_str(self.point).map_err(|_| Reason::Unexpected)?;
        let state = point.pointer("/properties/relativeLocation/properties/state");
        let area = state
            .and_then(Value::as_str)
            .and_then(|state| state.parse().ok());
        area.ok_or(NwsError::from(Reason::NotFound))
    }

    pub(super) fn stations(&self) -> Value {
        let (id, name) = self.station;
        let distance = json!({ "unitCode": "wmoUnit:m", "value": 4_200 });
        let station = json!({ "stationIdentifier": id, "name": name, "distance": distance });
        json!({ "features": [{ "properties": station }] })
    }

    /// The forecasters' text, issued two hours ago.
    pub(super) fn discussion(&self, now: Timestamp) -> Result<Value, NwsError> {
        let issued = now.seconds() - 2 * 60 * 60;
        let issued = written(issued, self.utc_offset_hours, "%a %b %-d %Y, %-I:%M %p");
        let text = self.discussion.replace("{issued}", &issued);
        fresh(
            &json!({ "issuanceTime": "now-120m", "productText": text }).to_string(),
            now,
        )
    }
}
