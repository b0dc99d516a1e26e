//! The National Weather Service: a client for api.weather.gov, and a bundled sample of its data.

mod alert;
mod area;
mod coordinates;
mod error;
mod forecast;
mod live;
mod moment;
mod point;
mod problem;
mod request;
mod sample;
mod shelf;
mod text;
mod throttle;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

pub use alert::{ActiveAlerts, Alert, Severity, Urgency};
pub use area::{Area, UnknownArea};
pub use coordinates::{Coordinates, InvalidCoordinates};
pub use error::NwsError;
pub use forecast::{Forecast, Period, PointForecast, TemperatureUnit};
pub use live::{Settings, egress_settings};
pub use moment::Moment;
pub use point::{Grid, Point};

use crate::egress;
use crate::model::{Clock, Random};
use alert::AlertCollection;
use forecast::ForecastFeature;
use live::Live;
use point::PointFeature;
use request::{Reply, Request};
use sample::Sample;
use shelf::{Kept, Lifetime, Shelf};

/// Whose data it is, as NWS asks to be named.
pub const ATTRIBUTION: &str = "NOAA/National Weather Service";

/// Weather of the United States, from the service or from the bundled sample.
#[derive(Debug)]
pub struct Nws {
    source: Source,
    clock: Arc<dyn Clock>,
    alerts_lifetime: Lifetime,
    alerts: Shelf<Area, Vec<Alert>>,
    /// Under a point outside of what NWS covers lies `None`: that is an answer, too.
    points: Shelf<Coordinates, Option<Arc<Point>>>,
    forecasts: Shelf<Grid, Forecast>,
}

#[derive(Debug)]
enum Source {
    Live(Box<Live>),
    Sample(Sample),
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// NWS asks not to poll a feed of alerts more often.
const ALERTS_INTERVAL: Duration = Duration::from_secs(30);

const POINTS: Lifetime = Lifetime {
    bounds: MINUTE..=DAY,
    usual: HOUR,
};
const FORECASTS: Lifetime = Lifetime {
    bounds: MINUTE..=HOUR,
    usual: HOUR,
};

const MEBIBYTE: u64 = 1024 * 1024;

impl Nws {
    /// The service itself, asked through `egress`.
    #[must_use]
    pub fn live(
        settings: Settings,
        egress: egress::Client,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let alerts_ttl = settings.alerts_ttl;
        let live = Live::new(settings, egress, Arc::clone(&clock), random);
        Self::new(Source::Live(Box::new(live)), alerts_ttl, clock)
    }

    /// Invented data that is always fresh, for trying things out without a network.
    #[must_use]
    pub fn sample(clock: Arc<dyn Clock>) -> Self {
        let sample = Sample::new(Arc::clone(&clock));
        Self::new(Source::Sample(sample), ALERTS_INTERVAL, clock)
    }

    fn new(source: Source, alerts_ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            alerts_lifetime: Lifetime {
                bounds: alerts_ttl..=MINUTE.max(alerts_ttl),
                usual: ALERTS_INTERVAL,
            },
            alerts: Shelf::new(16 * MEBIBYTE),
            points: Shelf::new(4 * MEBIBYTE),
            forecasts: Shelf::new(12 * MEBIBYTE),
        }
    }

    /// True when the data is invented.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        matches!(self.source, Source::Sample(_))
    }

    /// For how long alerts are kept at least.
    #[must_use]
    pub fn alerts_ttl(&self) -> Duration {
        *self.alerts_lifetime.bounds.start()
    }

    /// The alerts of `area` that are active now, worst first.
    pub async fn active_alerts(&self, area: Area) -> Result<ActiveAlerts, NwsError> {
        let fetch = self.load(
            Request::Alerts(area),
            &self.alerts_lifetime,
            AlertCollection::into_alerts,
        );
        let alerts = self.alerts.get(&area, fetch).await?;
        Ok(ActiveAlerts::new(alerts, self.clock.now()))
    }

    /// The forecast for the point at `coordinates`; calls `located` once its grid cell is known.
    pub async fn forecast(
        &self,
        coordinates: Coordinates,
        located: impl FnOnce() + Send,
    ) -> Result<PointForecast, NwsError> {
        let (point, grid) = self.locate(coordinates).await?;
        located();
        match self.forecast_of(&grid).await {
            // The grid cell of a point may change, so the one that was kept is tried only once.
            Err(NwsError::NotFound) => {
                self.points.forget(&coordinates).await;
                let (point, moved) = self.locate(coordinates).await?;
                if moved == grid {
                    return Err(NwsError::NotFound);
                }
                let forecast = self.forecast_of(&moved).await?;
                Ok(PointForecast { point, forecast })
            }
            other => other.map(|forecast| PointForecast { point, forecast }),
        }
    }

    async fn locate(&self, coordinates: Coordinates) -> Result<(Arc<Point>, Grid), NwsError> {
        let fetch = async {
            let request = Request::Point(coordinates);
            let covered = |sent: PointFeature| Some(Arc::new(sent.into_point()));
            match self.load(request, &POINTS, covered).await {
                Err(NwsError::OutsideCoverage) => Ok(Kept {
                    value: Arc::new(None),
                    ttl: HOUR,
                    size: size_of::<Point>(),
                }),
                other => other,
            }
        };
        let found = self.points.get(&coordinates, fetch).await?;
        let point = (*found).clone().ok_or(NwsError::OutsideCoverage)?;
        let grid = point.grid.clone().ok_or(NwsError::NotFound)?;
        Ok((point, grid))
    }

    async fn forecast_of(&self, grid: &Grid) -> Result<Arc<Forecast>, NwsError> {
        let request = Request::Forecast(grid.clone());
        let fetch = self.load(request, &FORECASTS, ForecastFeature::into_forecast);
        self.forecasts.get(grid, fetch).await
    }

    /// Fetches and parses what `request` asks for.
    async fn load<T: DeserializeOwned, V>(
        &self,
        request: Request,
        lifetime: &Lifetime,
        make: impl FnOnce(T) -> V + Send,
    ) -> Result<Kept<V>, NwsError> {
        let Reply { body, max_age } = match &self.source {
            Source::Live(live) => live.fetch(&request).await?,
            Source::Sample(sample) => sample.reply(&request)?,
        };
        let sent: T = serde_json::from_slice(&body).map_err(|error| {
            // Where it doesn't fit, but nothing of what was sent.
            tracing::warn!(
                nws.endpoint = request.endpoint(),
                line = error.line(),
                column = error.column(),
                "the National Weather Service sent something unexpected"
            );
            NwsError::Unexpected
        })?;
        Ok(Kept {
            value: Arc::new(make(sent)),
            ttl: lifetime.of(max_age),
            size: body.len(),
        })
    }
}
