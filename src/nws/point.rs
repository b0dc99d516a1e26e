//! Points and the grid cells that they lie in: `/points/{latitude},{longitude}`.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::coordinates::Coordinates;
use super::desk::Desk;
use super::error::{NwsError, Reason};
use super::request::Request;
use super::shelf::{Fetched, Found, Shelf};
use super::{HOUR, Nws, wire};

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
    /// True for a point that is known to lie on water.
    pub marine: bool,
}

/// The cell that a point lies in, and what a forecast of it needs to know beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) grid: Grid,
    pub(super) marine: bool,
    /// How many hours the sun is before UTC there. Time zones follow it closely enough at sea.
    pub(super) offset: i8,
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
struct PointFeature {
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
    #[serde(default, deserialize_with = "wire::lenient")]
    r#type: Option<String>,
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

impl Nws {
    /// What `kept` has for the grid cell of a point, else what `fetch` yields; calls `located` once
    /// the cell is known.
    pub(super) async fn at_point<V, F>(
        &self,
        coordinates: Coordinates,
        located: impl FnOnce() + Send,
        kept: &Shelf<Grid, V>,
        fetch: impl Fn(Arc<Desk>, Cell) -> F + Send + Sync,
    ) -> Result<(Arc<Point>, Found<V>), NwsError>
    where
        V: Send + Sync + 'static,
        F: Future<Output = Result<Fetched<V>, NwsError>> + Send + 'static,
    {
        let (point, cell) = self.locate(coordinates).await?;
        located();
        let of = async |cell: &Cell| {
            let begin = || fetch(Arc::clone(&self.desk), cell.clone());
            kept.get(&cell.grid, begin).await
        };
        match of(&cell).await {
            // The cell of a point may change, so the one that was kept is tried only once.
            Err(error) if error.reason == Reason::NotFound => {
                self.points.forget(&coordinates);
                let (point, moved) = self.locate(coordinates).await?;
                if moved == cell {
                    return Err(error);
                }
                Ok((point, of(&moved).await?))
            }
            other => other.map(|found| (point, found)),
        }
    }

    async fn locate(&self, coordinates: Coordinates) -> Result<(Arc<Point>, Cell), NwsError> {
        let fetch = || {
            let desk = Arc::clone(&self.desk);
            async move {
                let covered = |sent: PointFeature| Some(Arc::new(sent.into_point()));
                match desk.load(&Request::Point(coordinates)).await {
                    Ok(sent) => Ok(sent.kept_as(covered)),
                    // That is an answer, too.
                    Err(error) if error.reason == Reason::OutsideCoverage => Ok(Fetched {
                        value: None,
                        max_age: Some(HOUR),
                        size: size_of::<Point>(),
                    }),
                    Err(error) => Err(error),
                }
            }
        };
        let found = self.points.get(&coordinates, fetch).await?.value;
        let point = (*found).clone().ok_or(Reason::OutsideCoverage)?;
        let cell = Cell {
            grid: point.grid.clone().ok_or(Reason::NotFound)?,
            marine: point.marine,
            offset: coordinates.solar_offset(),
        };
        Ok((point, cell))
    }
}

impl Grid {
    /// The identifier of the forecast office.
    #[must_use]
    pub fn office(&self) -> &str {
        &self.office
    }

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
    fn into_point(self) -> Point {
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
            marine: properties.r#type.as_deref() == Some("marine"),
        }
    }
}
