//! The numbers behind the forecasts of a grid cell: `/gridpoints/{office}/{x},{y}`.

use std::ops::Range;

use serde::Deserialize;

use super::moment::Moment;
use super::wire::{self, Quantity};

/// The layers that forecasts at sea are made of. There are about fifty more.
#[derive(Debug)]
pub(super) struct GridData {
    pub(super) updated_at: Option<Moment>,
    pub(super) temperature: Series,
    pub(super) dewpoint: Series,
    pub(super) relative_humidity: Series,
    pub(super) sky_cover: Series,
    pub(super) wind_speed: Series,
    pub(super) wind_gust: Series,
    pub(super) wind_direction: Series,
    pub(super) wave_height: Series,
    pub(super) probability_of_precipitation: Series,
    pub(super) weather: Vec<(Range<i64>, String)>,
}

/// A layer: values, each for some time, in seconds since the epoch.
#[derive(Debug, Default)]
pub(super) struct Series(Vec<(Range<i64>, f64)>);

/// What is sent; an answer without properties is none.
#[derive(Deserialize)]
pub(super) struct GridFeature {
    properties: GridProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GridProperties {
    #[serde(default, deserialize_with = "wire::moment")]
    update_time: Option<Moment>,
    #[serde(default, deserialize_with = "wire::or_default")]
    temperature: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    dewpoint: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    relative_humidity: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    sky_cover: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    wind_speed: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    wind_gust: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    wind_direction: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    wave_height: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    probability_of_precipitation: Layer,
    #[serde(default, deserialize_with = "wire::or_default")]
    weather: WeatherLayer,
}

#[derive(Default, Deserialize)]
struct Layer {
    #[serde(default, deserialize_with = "wire::lenient")]
    uom: Option<String>,
    #[serde(default)]
    values: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Value {
    #[serde(default, deserialize_with = "wire::or_default")]
    valid_time: String,
    #[serde(default, deserialize_with = "wire::lenient")]
    value: Option<f64>,
}

#[derive(Default, Deserialize)]
struct WeatherLayer {
    #[serde(default)]
    values: Vec<WeatherValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WeatherValue {
    #[serde(default, deserialize_with = "wire::or_default")]
    valid_time: String,
    #[serde(default, deserialize_with = "wire::or_default")]
    value: Vec<Weather>,
}

#[derive(Deserialize)]
struct Weather {
    #[serde(default, deserialize_with = "wire::line")]
    coverage: Option<String>,
    #[serde(default, deserialize_with = "wire::line")]
    intensity: Option<String>,
    #[serde(rename = "weather", default, deserialize_with = "wire::line")]
    kind: Option<String>,
}

impl GridFeature {
    pub(super) fn into_data(self) -> GridData {
        let sent = self.properties;
        GridData {
            updated_at: sent.update_time,
            temperature: sent.temperature.into_series(Quantity::celsius),
            dewpoint: sent.dewpoint.into_series(Quantity::celsius),
            relative_humidity: sent.relative_humidity.into_series(Quantity::percent),
            sky_cover: sent.sky_cover.into_series(Quantity::percent),
            wind_speed: sent.wind_speed.into_series(Quantity::kilometres_per_hour),
            wind_gust: sent.wind_gust.into_series(Quantity::kilometres_per_hour),
            wind_direction: sent.wind_direction.into_series(Quantity::degrees),
            wave_height: sent.wave_height.into_series(Quantity::metres),
            probability_of_precipitation: sent
                .probability_of_precipitation
                .into_series(Quantity::percent),
            weather: sent.weather.into_texts(),
        }
    }
}

impl Layer {
    fn into_series(self, read: impl Fn(&Quantity) -> Option<f64>) -> Series {
        let unit = self.uom.as_deref().map(wire::without_namespace);
        let values = self.values.into_iter().filter_map(|sent| {
            let quantity = Quantity {
                value: sent.value,
                unit: unit.clone(),
                ..Quantity::default()
            };
            Some((interval(&sent.valid_time)?, read(&quantity)?))
        });
        Series(values.collect())
    }
}

impl WeatherLayer {
    fn into_texts(self) -> Vec<(Range<i64>, String)> {
        let values = self.values.into_iter().filter_map(|sent| {
            let time = interval(&sent.valid_time)?;
            sent.value
                .into_iter()
                .find_map(Weather::words)
                .map(|words| (time, words))
        });
        values.collect()
    }
}

impl Weather {
    /// `Slight chance light rain showers`
    fn words(self) -> Option<String> {
        let kind = self.kind?;
        let parts = [self.coverage, self.intensity, Some(kind)];
        let words: Vec<String> = parts.into_iter().flatten().collect();
        Some(words.join(" ").replace('_', " "))
    }
}

impl Series {
    /// The values that hold at some time within `span`.
    pub(super) fn within(&self, span: &Range<i64>) -> impl Iterator<Item = f64> {
        let span = span.clone();
        let meets = move |time: &Range<i64>| time.start < span.end && span.start < time.end;
        self.0
            .iter()
            .filter(move |(time, _)| meets(time))
            .map(|(_, value)| *value)
    }

    /// The value at an instant.
    pub(super) fn at(&self, seconds: i64) -> Option<f64> {
        self.within(&(seconds..seconds + 1)).next()
    }

    pub(super) fn least(&self, span: &Range<i64>) -> Option<f64> {
        self.within(span).reduce(f64::min)
    }

    pub(super) fn most(&self, span: &Range<i64>) -> Option<f64> {
        self.within(span).reduce(f64::max)
    }
}

/// `2026-03-04T12:00:00+00:00/PT3H` (ISO 8601).
fn interval(text: &str) -> Option<Range<i64>> {
    let (start, length) = text.split_once('/')?;
    let start = Moment::parse(start)?.at().seconds();
    let length: jiff::Span = length.parse().ok()?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds = length.total((jiff::Unit::Second, days)).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a span has whole seconds, and few"
    )]
    let end = start.checked_add(seconds as i64)?;
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_start_and_a_length() {
        let start = 1_772_625_600;
        let hours = |count: i64| start..start + count * 3_600;
        assert_eq!(interval("2026-03-04T12:00:00+00:00/PT3H"), Some(hours(3)));
        assert_eq!(
            interval("2026-03-04T12:00:00+00:00/P1DT6H"),
            Some(hours(30))
        );
        for text in [
            "",
            "2026-03-04T12:00:00+00:00",
            "now/PT1H",
            "2026-03-04T12:00:00+00:00/-PT1H",
        ] {
            assert_eq!(interval(text), None, "{text}");
        }
    }
}
