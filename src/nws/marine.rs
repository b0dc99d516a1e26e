//! Forecasts at sea, made of the numbers of the grid, since offices write none in words there.

use std::ops::Range;

use super::forecast::{Forecast, Period, TemperatureUnit};
use super::grid_data::{GridData, Series};
use super::half_day::HalfDay;
use super::hourly::Hour;
use super::moment::Moment;
use super::units::{compass, fahrenheit};
use crate::model::Timestamp;

/// As many half-days as other forecasts have.
const PERIODS: i64 = 14;

/// As many hours as other forecasts have.
const HOURS: i64 = 156;

const HOUR: i64 = 60 * 60;

const KNOT: f64 = 1.852;

const FEET_PER_METRE: f64 = 3.280_84;

/// The forecast by half-days from `now` on, where clocks are `offset` hours before UTC.
pub(super) fn forecast(data: &GridData, now: Timestamp, offset: i8) -> Forecast {
    let first = HalfDay::at(now, offset);
    let periods = (0..PERIODS).map_while(|count| {
        let half_day = first.later(count);
        let span = half_day.span();
        data.knows(&span).then(|| period(data, half_day, now))
    });
    Forecast {
        generated_at: None,
        updated_at: data.updated_at.clone(),
        periods: periods.collect(),
    }
}

/// The forecast by hours from `now` on.
pub(super) fn hours(data: &GridData, now: Timestamp, offset: i8) -> Vec<Hour> {
    let first = now.seconds() - now.seconds().rem_euclid(HOUR);
    let hours = (0..HOURS).map_while(|count| {
        let start = first + count * HOUR;
        data.knows(&(start..start + HOUR))
            .then(|| hour(data, start, offset))
    });
    hours.collect()
}

fn period(data: &GridData, half_day: HalfDay, now: Timestamp) -> Period {
    let span = half_day.span();
    let temperature = if half_day.is_day() {
        data.temperature.most(&span)
    } else {
        data.temperature.least(&span)
    };
    let waves = range(&data.wave_height, &span, FEET_PER_METRE, "ft");
    Period {
        name: half_day.name(now),
        start_time: Some(half_day.start(now)),
        end_time: Some(half_day.end()),
        is_daytime: Some(half_day.is_day()),
        temperature: temperature.map(|celsius| fahrenheit(celsius).round()),
        temperature_unit: temperature.map(|_| TemperatureUnit::F),
        probability_of_precipitation: data.probability_of_precipitation.most(&span),
        wind_speed: range(&data.wind_speed, &span, 1.0 / KNOT, "kt"),
        wind_gust: data.wind_gust.most(&span).map(knots),
        wind_direction: direction(data, i64::midpoint(span.start, span.end)),
        short_forecast: words(data, &span, half_day.is_day(), waves.as_deref()),
        detailed_forecast: None,
        wave_height: waves,
    }
}

fn hour(data: &GridData, start: i64, offset: i8) -> Hour {
    let span = start..start + HOUR;
    let is_day = HalfDay::at(Timestamp::from_seconds(start), offset).is_day();
    let temperature = data.temperature.at(start);
    let waves = range(&data.wave_height, &span, FEET_PER_METRE, "ft");
    let moment = |seconds| Moment::with_offset(Timestamp::from_seconds(seconds), offset);
    Hour {
        start_time: Some(moment(span.start)),
        end_time: Some(moment(span.end)),
        is_daytime: Some(is_day),
        temperature: temperature.map(|celsius| fahrenheit(celsius).round()),
        temperature_unit: temperature.map(|_| TemperatureUnit::F),
        probability_of_precipitation: data.probability_of_precipitation.at(start),
        dewpoint_celsius: data.dewpoint.at(start),
        relative_humidity: data.relative_humidity.at(start),
        wind_speed: data.wind_speed.at(start).map(knots),
        wind_gust: data.wind_gust.at(start).map(knots),
        wind_direction: direction(data, start),
        short_forecast: words(data, &span, is_day, waves.as_deref()),
        wave_height: waves,
    }
}

impl GridData {
    /// True when there is something to tell of that time.
    fn knows(&self, span: &Range<i64>) -> bool {
        let layers = [&self.temperature, &self.wind_speed, &self.wave_height];
        layers
            .iter()
            .any(|layer| layer.within(span).next().is_some())
    }
}

fn direction(data: &GridData, seconds: i64) -> Option<String> {
    data.wind_direction
        .at(seconds)
        .map(|degrees| compass(degrees).to_owned())
}

fn knots(kilometres_per_hour: f64) -> String {
    format!("{:.0} kt", kilometres_per_hour / KNOT)
}

/// `10 to 15 kt`, or `10 kt` where both are the same.
fn range(series: &Series, span: &Range<i64>, factor: f64, unit: &str) -> Option<String> {
    let (least, most) = (series.least(span)? * factor, series.most(span)? * factor);
    let (least, most) = (format!("{least:.0}"), format!("{most:.0}"));
    Some(if least == most {
        format!("{most} {unit}")
    } else {
        format!("{least} to {most} {unit}")
    })
}

/// The weather, else the sky, and the seas.
fn words(data: &GridData, span: &Range<i64>, is_day: bool, waves: Option<&str>) -> Option<String> {
    let meets = |time: &Range<i64>| time.start < span.end && span.start < time.end;
    let weather = data.weather.iter().find(|(time, _)| meets(time));
    let weather = weather.map(|(_, words)| words.as_str());
    let sky = || data.sky_cover.most(span).map(|cover| sky(cover, is_day));
    let seas = waves.map(|waves| format!("seas {waves}"));
    let parts = [weather.or_else(sky).map(str::to_owned), seas];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let mut words = parts.join(", ");
    let first = words.get(..1)?.to_ascii_uppercase();
    words.replace_range(..1, &first);
    Some(words)
}

const fn sky(cover: f64, is_day: bool) -> &'static str {
    match (cover, is_day) {
        (..12.5, true) => "sunny",
        (..12.5, false) => "clear",
        (..37.5, true) => "mostly sunny",
        (..37.5, false) => "mostly clear",
        (..62.5, true) => "partly sunny",
        (..62.5, false) => "partly cloudy",
        (..87.5, _) => "mostly cloudy",
        _ => "cloudy",
    }
}
