//! The requests that NWS is asked, and what comes back of them.

use std::time::Duration;

use bytes::Bytes;

use super::area::Area;
use super::coordinates::Coordinates;
use super::point::Grid;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// The active alerts of an area.
    Alerts(Area),
    /// The grid cell of a point.
    Point(Coordinates),
    /// The forecast of a grid cell.
    Forecast(Grid),
}

/// Data that came back, not yet parsed.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The JSON.
    pub(super) body: Bytes,
    /// For how long it may be kept, as far as it says so.
    pub(super) max_age: Option<Duration>,
}

impl Request {
    /// The path with its query. NWS answers 400 to parameters that it doesn't know.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Alerts(area) => format!("/alerts/active?status=actual&area={area}"),
            Self::Point(coordinates) => format!("/points/{coordinates}"),
            Self::Forecast(grid) => format!("/gridpoints/{grid}/forecast"),
        }
    }

    /// What logs call it.
    pub(super) const fn endpoint(&self) -> &'static str {
        match self {
            Self::Alerts(_) => "alerts",
            Self::Point(_) => "points",
            Self::Forecast(_) => "forecast",
        }
    }
}
