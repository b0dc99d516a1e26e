//! `get_forecast(latitude, longitude)`: the forecast for a point in periods of half a day.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::super::{Answer, CallContext, Definition};
use super::super::provenance::Provenance;
use super::super::written::Question;
use super::super::{Weather, reply, schema, words};
use super::Failure;
use super::position::Position;
use crate::nws::{Coordinates, Grid, Moment, Nws, Period, PointForecast};

pub(super) const NAME: &str = "get_forecast";

const TITLE: &str = "Weather forecast";

const DESCRIPTION: &str = "Weather forecast for a point in the United States, its territories or \
    its coastal waters from the National Weather Service, in periods of half a day. The text has \
    the first seven periods; the structured content has all of them with wind and the chance of \
    precipitation, and the forecast office of the point. For single hours ask get_hourly_forecast.";

pub(super) const USAGE: &str = "Give two numbers, `latitude` (-90 to 90) and `longitude` (-180 to \
    180), for example {\"latitude\": 37.7749, \"longitude\": -122.4194}.";

/// How many periods the text has.
const TOLD: usize = 7;

/// The forecast for one point.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ForecastResult<'a> {
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
    /// The identifier of the forecast office, as `get_forecast_discussion` takes it.
    office: Option<&'a str>,
    /// When the forecast was computed.
    generated_at: Option<&'a Moment>,
    /// When the data behind it last changed.
    updated_at: Option<&'a Moment>,
    /// The days and nights to come, in order.
    periods: Vec<&'a Period>,
    #[serde(flatten)]
    provenance: Provenance,
}

impl<'a> ForecastResult<'a> {
    fn new(nws: &Nws, coordinates: Coordinates, found: &'a PointForecast) -> Self {
        let PointForecast {
            point, forecast, ..
        } = found;
        Self {
            latitude: coordinates.latitude(),
            longitude: coordinates.longitude(),
            city: point.city.as_deref(),
            state: point.state.as_deref(),
            time_zone: point.time_zone.as_deref(),
            office: point.grid.as_ref().map(Grid::office),
            generated_at: forecast.generated_at.as_ref(),
            updated_at: forecast.updated_at.as_ref(),
            periods: found.periods().collect(),
            provenance: Provenance::new(nws, found.age),
        }
    }

    fn text(&self) -> String {
        let told = self.periods.iter().take(TOLD).map(|period| line(period));
        let mut lines: Vec<String> = told.collect();
        if lines.is_empty() {
            lines.push("The forecast for this point has no periods now.".to_owned());
        }
        let mut notice = self.provenance.notice("a real forecast");
        if self.provenance.is_sample() {
            let place = self.city.unwrap_or("an unnamed place");
            notice = format!("{} Place: {place}.\n", notice.trim_end());
        }
        notice + &lines.join("\n")
    }
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Position>(),
        schema::of_result::<ForecastResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, true)
}

pub(super) async fn call(
    weather: &Weather,
    arguments: Map<String, Value>,
    context: &CallContext,
) -> Result<Answer, Failure> {
    let nws = &*weather.nws;
    let position: Position = super::parse(arguments, USAGE)?;
    let coordinates = position.coordinates()?;
    let located = || super::report(context, (1, 2), "Found the forecast grid cell");
    let found = nws.forecast(coordinates, located).await?;
    super::report(context, (2, 2), "Read the forecast");
    let question = Question::Forecast(coordinates);
    let write = || {
        let result = ForecastResult::new(nws, coordinates, &found);
        reply::tool(&result.text(), &result)
    };
    Ok(weather.written.or_write(question, found.edition(), write)?)
}

/// `Tonight: 58°F — Mostly Clear`
fn line(period: &Period) -> String {
    let temperature = period
        .temperature
        .map(|degrees| words::temperature(degrees, period.temperature_unit));
    words::line(&period.name, [temperature, period.short_forecast.clone()])
}
