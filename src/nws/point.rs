//! Points and the grid cells that they lie in: `/points/{latitude},{longitude}`.

use std::fmt;

use serde::Deserialize;

use super::wire;

/// What NWS knows about a point.
#[derive(Clone, Debug)]
pub struct Point {
    /// The cell of the forecast grid; some points on a 200 have none.
    pub grid: Option<Grid>,
    /// The nearest place.
    pub city: Option<String>,
    /// The state of that place.
    pub state: Option<String>,
    /// The IANA name of the time zone.
    pub time_zone: Option<String>,
}

/// A cell of a forecast office's grid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    office: String,
    x: u16,
    y: u16,
}

/// `/points` as it is sent.
#[derive(Deserialize)]
pub(super) struct PointFeature {
    properties: PointProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PointProperties {
    #[serde(default, deserialize_with = "wire::lenient")]
    grid_id: Option<String>,
    #[serde(default, deserialize_with = "wire::lenient")]
    grid_x: Option<u16>,
    #[serde(default, deserialize_with = "wire::lenient")]
    grid_y: Option<u16>,
    #[serde(default, deserialize_with = "wire::or_default")]
    relative_location: PlaceFeature,
    #[serde(default, deserialize_with = "wire::line")]
    time_zone: Option<String>,
}

#[derive(Default, Deserialize)]
struct PlaceFeature {
    #[serde(default, deserialize_with = "wire::or_default")]
    properties: PlaceProperties,
}

#[derive(Default, Deserialize)]
struct PlaceProperties {
    #[serde(default, deserialize_with = "wire::line")]
    city: Option<String>,
    #[serde(default, deserialize_with = "wire::line")]
    state: Option<String>,
}

impl Grid {
    /// The cell, when `office` has the form of an office's identifier: it becomes part of a path.
    fn new(office: String, x: u16, y: u16) -> Option<Self> {
        let letters = office.len() == 3 && office.bytes().all(|byte| byte.is_ascii_uppercase());
        // The two offices that have a digit.
        let known = letters || matches!(office.as_str(), "NH1" | "NH2");
        known.then_some(Self { office, x, y })
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{},{}", self.office, self.x, self.y)
    }
}

impl PointFeature {
    pub(super) fn into_point(self) -> Point {
        let properties = self.properties;
        let place = properties.relative_location.properties;
        let cell = properties
            .grid_id
            .zip(properties.grid_x)
            .zip(properties.grid_y);
        Point {
            grid: cell.and_then(|((office, x), y)| Grid::new(office, x, y)),
            city: place.city,
            state: place.state,
            time_zone: properties.time_zone,
        }
    }
}
