//! The arguments `latitude` and `longitude`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::nws::{Coordinates, InvalidCoordinates};

/// A point.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    /// The latitude in degrees, north positive; two decimals are enough for a forecast.
    #[schemars(range(min = -90.0, max = 90.0), extend("examples" = [37.7749]))]
    latitude: f64,
    /// The longitude in degrees, east positive and so negative in the Americas; two decimals are
    /// enough for a forecast.
    #[schemars(range(min = -180.0, max = 180.0), extend("examples" = [-122.4194]))]
    longitude: f64,
}

impl Position {
    pub(super) fn coordinates(&self) -> Result<Coordinates, InvalidCoordinates> {
        Coordinates::new(self.latitude, self.longitude)
    }
}
