//! `get_forecast(latitude, longitude)`: the forecast for a point in periods of half a day.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::{Answer, CallContext, Definition, Progress};
use super::super::{reply, schema};
use super::Failure;
use crate::nws::{ATTRIBUTION, Coordinates, Moment, Nws, Period, PointForecast, TemperatureUnit};

pub(super) const NAME: &str = "get_forecast";

const TITLE: &str = "Weather forecast";

const DESCRIPTION: &str = "Weather forecast for a point in the United States or its territories \
    from the National Weather Service, in periods of half a day. The text has the first seven \
    periods; the structured content has all of them with wind and the chance of precipitation.";

const USAGE: &str = "get_forecast takes two numbers, `latitude` (-90 to 90) and `longitude` (-180 \
    to 180), for example {\"latitude\": 37.7749, \"longitude\": -122.4194}.";

/// How many periods the text has.
const TOLD: usize = 7;

/// The arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The latitude in degrees, north positive; four decimals count.
    #[schemars(range(min = -90.0, max = 90.0), extend("examples" = [37.7749]))]
    latitude: f64,
    /// The longitude in degrees, east positive and so negative in the Americas; four decimals
    /// count.
    #[schemars(range(min = -180.0, max = 180.0), extend("examples" = [-122.4194]))]
    longitude: f64,
}

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
    /// When the forecast was computed.
    generated_at: Option<&'a Moment>,
    /// When the data behind it last changed.
    updated_at: Option<&'a Moment>,
    /// The days and nights to come, in order.
    periods: &'a [Period],
    /// Whose data this is.
    attribution: &'a str,
    /// True when the forecast is invented sample data.
    sample: bool,
}

impl<'a> ForecastResult<'a> {
    fn new(nws: &Nws, coordinates: Coordinates, found: &'a PointForecast) -> Self {
        let PointForecast { point, forecast } = found;
        Self {
            latitude: coordinates.latitude(),
            longitude: coordinates.longitude(),
            city: point.city.as_deref(),
            state: point.state.as_deref(),
            time_zone: point.time_zone.as_deref(),
            generated_at: forecast.generated_at.as_ref(),
            updated_at: forecast.updated_at.as_ref(),
            periods: &forecast.periods,
            attribution: ATTRIBUTION,
            sample: nws.is_sample(),
        }
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = self.periods.iter().take(TOLD).map(line).collect();
        if lines.is_empty() {
            lines.push("The forecast for this point has no periods now.".to_owned());
        }
        if self.sample {
            let place = self.city.unwrap_or("an unnamed place");
            lines.insert(
                0,
                format!("Sample data, not a real forecast. Place: {place}."),
            );
        }
        lines.join("\n")
    }
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Arguments>(),
        schema::of_result::<ForecastResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, true)
}

pub(super) async fn call(
    nws: &Nws,
    arguments: Map<String, Value>,
    context: &CallContext,
) -> Result<Answer, Failure> {
    let Arguments {
        latitude,
        longitude,
    } = super::parse(arguments, USAGE)?;
    let coordinates = Coordinates::new(latitude, longitude)?;
    let located = || report(context, 1.0, "Found the forecast grid cell");
    let found = nws.forecast(coordinates, located).await?;
    report(context, 2.0, "Read the forecast");
    let result = ForecastResult::new(nws, coordinates, &found);
    Ok(reply::tool(&result.text(), &result)?)
}

fn report(context: &CallContext, step: f64, message: &str) {
    if let Some(sink) = &context.progress {
        sink.report(Progress {
            progress: step,
            total: Some(2.0),
            message: Some(message.to_owned()),
        });
    }
}

/// `Tonight: 58°F — Mostly Clear`, as far as it is known.
fn line(period: &Period) -> String {
    let temperature = period.temperature.map(|degrees| {
        let unit = period.temperature_unit.map(TemperatureUnit::letter);
        // Adding zero makes a rounded -0 a 0.
        format!(
            "{}°{}",
            degrees.round() + 0.0,
            unit.map(String::from).unwrap_or_default()
        )
    });
    let words = period.short_forecast.clone();
    let parts: Vec<String> = temperature.into_iter().chain(words).collect();
    if parts.is_empty() {
        format!("{}: no details", period.name)
    } else {
        format!("{}: {}", period.name, parts.join(" — "))
    }
}
