//! The National Weather Service: a client for api.weather.gov, and a bundled sample of its data.
//!
//! Each upstream product has a file with its types and its operation of [`Nws`]. All of them go the
//! same way: [`shelf`] keeps answers and lets one caller at a time fetch, [`desk`] parses, [`live`]
//! asks within the [`budget`] unless the [`breaker`] is open.

mod alert;
mod area;
mod breaker;
mod budget;
mod conditions;
mod coordinates;
mod desk;
mod discussion;
mod edition;
mod error;
mod flight;
mod forecast;
mod grid_data;
mod half_day;
mod hourly;
mod live;
mod marine;
mod moment;
mod observation;
mod place;
mod point;
mod problem;
mod request;
mod sample;
mod shelf;
mod station;
mod text;
mod units;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use alert::{ActiveAlerts, Alert, AlertId, InvalidAlertId, Severity, Urgency};
pub use area::{Area, UnknownArea};
pub use conditions::Conditions;
pub use coordinates::{Coordinates, InvalidCoordinates};
pub use discussion::{Discussion, InvalidOffice, Office};
pub use edition::Edition;
pub use error::{NwsError, Reason, Reference};
pub use forecast::{Forecast, Period, PointForecast, TemperatureUnit};
pub use hourly::{Hour, PointHours};
pub use live::{Settings, egress_settings};
pub use moment::Moment;
pub use observation::{Observation, Span};
pub use place::{InvalidZone, Place, Zone};
pub use point::{Grid, Point};
pub use shelf::Found;
pub use station::{InvalidStation, Station, StationId};
pub use text::passage as cleaned;

use crate::egress;
use crate::model::{Clock, Random};
use desk::{Desk, Source};
use live::Live;
use sample::Sample;
use shelf::{Lifetime, Shelf};

/// Whose data it is, as NWS asks to be named.
pub const ATTRIBUTION: &str = "NOAA/National Weather Service";

/// Weather of the United States, from the service or from the bundled sample.
#[derive(Debug)]
pub struct Nws {
    desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    alerts_ttl: Duration,
    alerts: Shelf<Place, Vec<Alert>>,
    single_alerts: Shelf<AlertId, Alert>,
    /// Under a point outside of what NWS covers lies `None`: that is an answer, too.
    points: Shelf<Coordinates, Option<Arc<Point>>>,
    forecasts: Shelf<Grid, Forecast>,
    hours: Shelf<Grid, Vec<Hour>>,
    stations: Shelf<Grid, Vec<Station>>,
    latest: Shelf<StationId, Observation>,
    observations: Shelf<Span, Vec<Observation>>,
    discussions: Shelf<Office, Discussion>,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// NWS asks not to poll a feed of alerts more often.
const ALERTS_INTERVAL: Duration = Duration::from_secs(30);

const POINTS: Lifetime = Lifetime {
    bounds: MINUTE..=DAY,
    usual: HOUR,
    revalidate: DAY,
    on_error: Duration::from_hours(7 * 24),
};
const FORECASTS: Lifetime = Lifetime {
    bounds: MINUTE..=HOUR,
    usual: HOUR,
    revalidate: Duration::from_mins(10),
    on_error: Duration::from_hours(6),
};
const OBSERVATIONS: Lifetime = Lifetime {
    bounds: MINUTE..=Duration::from_mins(5),
    usual: Duration::from_mins(2),
    revalidate: Duration::from_mins(2),
    on_error: Duration::from_hours(2),
};
const DISCUSSIONS: Lifetime = Lifetime {
    bounds: Duration::from_mins(5)..=HOUR,
    usual: Duration::from_mins(10),
    revalidate: Duration::from_mins(10),
    on_error: Duration::from_hours(12),
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
        let live = Live::new(settings, egress, Arc::clone(&clock), Arc::clone(&random));
        let desk = Desk {
            source: Source::Live(Box::new(live)),
            clock,
            random,
        };
        Self::new(desk, alerts_ttl)
    }

    /// Invented data that is always fresh, for trying things out without a network.
    #[must_use]
    pub fn sample(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let desk = Desk {
            source: Source::Sample(Sample::new(Arc::clone(&clock))),
            clock,
            random,
        };
        Self::new(desk, ALERTS_INTERVAL)
    }

    fn new(desk: Desk, alerts_ttl: Duration) -> Self {
        let clock = &Arc::clone(&desk.clock);
        let alerts = Lifetime {
            bounds: alerts_ttl..=MINUTE.max(alerts_ttl),
            usual: ALERTS_INTERVAL,
            revalidate: ALERTS_INTERVAL,
            on_error: (MINUTE * 10).max(alerts_ttl * 2),
        };
        Self {
            desk: Arc::new(desk),
            clock: Arc::clone(clock),
            alerts_ttl,
            alerts: Shelf::new(16 * MEBIBYTE, alerts.clone(), clock),
            single_alerts: Shelf::new(2 * MEBIBYTE, alerts, clock),
            points: Shelf::new(4 * MEBIBYTE, POINTS, clock),
            forecasts: Shelf::new(12 * MEBIBYTE, FORECASTS, clock),
            hours: Shelf::new(24 * MEBIBYTE, FORECASTS, clock),
            stations: Shelf::new(4 * MEBIBYTE, POINTS, clock),
            latest: Shelf::new(4 * MEBIBYTE, OBSERVATIONS, clock),
            observations: Shelf::new(16 * MEBIBYTE, OBSERVATIONS, clock),
            discussions: Shelf::new(4 * MEBIBYTE, DISCUSSIONS, clock),
        }
    }

    /// True when the data is invented.
    #[must_use]
    pub fn is_sample(&self) -> bool {
        matches!(self.desk.source, Source::Sample(_))
    }

    /// For how long alerts are kept at least.
    #[must_use]
    pub fn alerts_ttl(&self) -> Duration {
        self.alerts_ttl
    }
}
