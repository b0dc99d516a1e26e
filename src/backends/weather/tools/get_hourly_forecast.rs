//! `get_hourly_forecast(latitude, longitude, hours)`: the forecast for a point by hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::{Answer, Definition};
use super::super::provenance::Provenance;
use super::super::{reply, schema, words};
use super::Failure;
use crate::nws::{Coordinates, Hour, Moment, Nws, PointHours};

pub(super) const NAME: &str = "get_hourly_forecast";

const TITLE: &str = "Hourly weather forecast";

const DESCRIPTION: &str = "Weather forecast for a point in the United States, its territories or \
    its coastal waters from the National Weather Service, hour by hour from the present hour on, \
    for up to 156 hours. Times are on the clocks of the point. For an overview of the week ask \
    get_forecast.";

const USAGE: &str = "get_hourly_forecast takes `latitude` (-90 to 90), `longitude` (-180 to 180) \
    and, if you like, `hours` (1 to 156), for example {\"latitude\": 37.7749, \"longitude\": \
    -122.4194, \"hours\": 12}.";

/// The most hours that NWS forecasts.
const MOST: u8 = 156;

const USUAL: u8 = 24;

/// The arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The latitude in degrees, north positive; two decimals are enough for a forecast.
    #[schemars(range(min = -90.0, max = 90.0), extend("examples" = [37.7749]))]
    latitude: f64,
    /// The longitude in degrees, east positive and so negative in the Americas; two decimals are
    /// enough for a forecast.
    #[schemars(range(min = -180.0, max = 180.0), extend("examples" = [-122.4194]))]
    longitude: f64,
    /// How many hours to tell of.
    #[serde(default = "usual")]
    #[schemars(range(min = 1, max = 156))]
    hours: u8,
}

/// The forecast for one point by hours.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct HourlyResult<'a> {
    /// The latitude that was asked for, in degrees.
    latitude: f64,
    /// The longitude that was asked for, in degrees.
    longitude: f64,
    /// The nearest place.
    city: Option<&'a str>,
    /// The state or territory of that place.
    state: Option<&'a str>,
    /// The IANA name of the point's time zone.
    time_zone: Option<&'a str>,
    /// The present hour and those after it.
    hours: Vec<&'a Hour>,
    #[serde(flatten)]
    provenance: Provenance,
}

const fn usual() -> u8 {
    USUAL
}

impl<'a> HourlyResult<'a> {
    fn new(nws: &Nws, coordinates: Coordinates, hours: u8, found: &'a PointHours) -> Self {
        Self {
            latitude: coordinates.latitude(),
            longitude: coordinates.longitude(),
            city: found.point.city.as_deref(),
            state: found.point.state.as_deref(),
            time_zone: found.point.time_zone.as_deref(),
            hours: found.iter().take(usize::from(hours)).collect(),
            provenance: Provenance::new(nws, found.age),
        }
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = self.hours.iter().map(|hour| line(hour)).collect();
        if lines.is_empty() {
            lines.push("The forecast for this point has no hours now.".to_owned());
        }
        self.provenance.notice("a real forecast") + &lines.join("\n")
    }
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Arguments>(),
        schema::of_result::<HourlyResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, true)
}

pub(super) async fn call(nws: &Nws, arguments: Map<String, Value>) -> Result<Answer, Failure> {
    let Arguments {
        latitude,
        longitude,
        hours,
    } = super::parse(arguments, USAGE)?;
    if !(1..=MOST).contains(&hours) {
        return Err(Failure::Told(format!(
            "`hours` goes from 1 to {MOST}. {USAGE}"
        )));
    }
    let coordinates = Coordinates::new(latitude, longitude)?;
    let found = nws.hourly_forecast(coordinates).await?;
    let result = HourlyResult::new(nws, coordinates, hours, &found);
    Ok(reply::tool(&result.text(), &result)?)
}

/// `Wed 14:00: 75°F — Sunny — 10% precipitation`
fn line(hour: &Hour) -> String {
    let name = hour.start_time.as_ref().map(Moment::on_the_clock);
    let temperature = hour
        .temperature
        .map(|degrees| words::temperature(degrees, hour.temperature_unit));
    let likely = hour
        .probability_of_precipitation
        .filter(|percent| *percent >= 1.0);
    let likely = likely.map(|percent| format!("{percent:.0}% precipitation"));
    let parts = [temperature, hour.short_forecast.clone(), likely];
    words::line(name.as_deref().unwrap_or("Some hour"), parts)
}
