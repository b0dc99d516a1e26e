//! The requests that NWS is asked, and what comes back of them.

use std::time::Duration;

use bytes::Bytes;

use super::alert::AlertId;
use super::coordinates::Coordinates;
use super::discussion::{Office, ProductId};
use super::observation::{Cursor, Span};
use super::place::Place;
use super::point::Grid;
use super::station::StationId;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// The active alerts of a place.
    Alerts(Place),
    /// One alert.
    Alert(AlertId),
    /// The grid cell of a point.
    Point(Coordinates),
    /// The forecast of a grid cell by half-days.
    Forecast(Grid),
    /// The forecast of a grid cell by hours.
    HourlyForecast(Grid),
    /// The numbers behind the forecasts of a grid cell.
    GridData(Grid),
    /// The stations around a grid cell.
    Stations(Grid),
    /// What a station saw last.
    LatestObservation(StationId),
    /// What a station saw during some time, from the page at the cursor on.
    Observations(Span, Option<Cursor>),
    /// The discussions that an office wrote.
    Discussions(Office),
    /// A text.
    Product(ProductId),
}

/// Data that came back, not yet parsed.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The JSON.
    pub(super) body: Bytes,
    /// For how long it may be kept, as far as it says so.
    pub(super) max_age: Option<Duration>,
}

/// How many observations are asked for at once; there are no larger pages.
pub(super) const OBSERVATIONS: usize = 500;

impl Request {
    /// The path with its query. NWS answers 400 to parameters that it doesn't know.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Alerts(place) => format!("/alerts/active?status=actual&{}", place.query()),
            Self::Alert(id) => format!("/alerts/{id}"),
            Self::Point(coordinates) => format!("/points/{coordinates}"),
            Self::Forecast(grid) => format!("/gridpoints/{grid}/forecast"),
            Self::HourlyForecast(grid) => format!("/gridpoints/{grid}/forecast/hourly"),
            Self::GridData(grid) => format!("/gridpoints/{grid}"),
            // As many as are ever asked for their weather.
            Self::Stations(grid) => format!("/gridpoints/{grid}/stations?limit=3"),
            Self::LatestObservation(station) => format!("/stations/{station}/observations/latest"),
            Self::Observations(span, cursor) => {
                let cursor = cursor.as_ref().map(|cursor| format!("&cursor={cursor}"));
                format!(
                    "/stations/{}/observations?start={}&end={}&limit={OBSERVATIONS}{}",
                    span.station,
                    span.start_text(),
                    span.end_text(),
                    cursor.unwrap_or_default(),
                )
            }
            Self::Discussions(office) => format!("/products/types/AFD/locations/{office}"),
            Self::Product(id) => format!("/products/{id}"),
        }
    }

    /// The media type to ask for. Texts are no geography.
    pub(super) const fn media_type(&self) -> &'static str {
        match self {
            Self::Discussions(_) | Self::Product(_) => "application/ld+json",
            Self::Alerts(_)
            | Self::Alert(_)
            | Self::Point(_)
            | Self::Forecast(_)
            | Self::HourlyForecast(_)
            | Self::GridData(_)
            | Self::Stations(_)
            | Self::LatestObservation(_)
            | Self::Observations(..) => "application/geo+json",
        }
    }

    /// What logs call it.
    pub(super) const fn endpoint(&self) -> &'static str {
        match self {
            Self::Alerts(_) => "alerts",
            Self::Alert(_) => "alert",
            Self::Point(_) => "points",
            Self::Forecast(_) => "forecast",
            Self::HourlyForecast(_) => "hourly",
            Self::GridData(_) => "grid",
            Self::Stations(_) => "stations",
            Self::LatestObservation(_) => "latest",
            Self::Observations(..) => "observations",
            Self::Discussions(_) => "discussions",
            Self::Product(_) => "product",
        }
    }
}
