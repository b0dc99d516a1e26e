//! `export_observations(station, days)`: what a station observed, day by day, in pages.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::{Answer, CallContext, Definition};
use super::super::provenance::Provenance;
use super::super::{reply, schema};
use super::Failure;
use crate::nws::{Moment, Nws, Observation, Span, StationId};

pub(super) const NAME: &str = "export_observations";

const TITLE: &str = "Export observations";

const DESCRIPTION: &str = "Everything that a weather station observed during the last days, oldest \
    first, a hundred observations at a time: as a table in the text and as objects in the \
    structured content. Where there are more, the result has a `nextCursor`; call again with the \
    same `station` and `days` and that `cursor`. It reads one day after the other, reports progress \
    for each and can be cancelled. get_current_conditions names the station near a point.";

const USAGE: &str = "export_observations takes `station`, `days` (1 to 7) and, for further pages, \
    `cursor`; for example {\"station\": \"KSFO\", \"days\": 2}.";

const MISSING: &str = "The National Weather Service doesn't know this station. \
    get_current_conditions names the station near a point.";

const STALE_CURSOR: &str = "This cursor is not one of this export. Leave it out to begin anew.";

/// NWS keeps observations for about a week.
const MOST_DAYS: u8 = 7;

const PAGE: usize = 100;

/// A cursor of longer ago, in seconds, would ask for what nobody keeps.
const OLDEST_CURSOR: i64 = 24 * 60 * 60;

/// The arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The identifier of a weather station.
    #[schemars(extend("pattern" = "^[A-Za-z0-9]{3,12}$", "examples" = ["KSFO", "KNYC"]))]
    station: String,
    /// How many days to go back, each of 24 hours.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 7))]
    days: u8,
    /// The `nextCursor` of the page before.
    #[serde(default)]
    #[schemars(with = "String")]
    cursor: Option<String>,
}

/// A page of observations.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportResult<'a> {
    /// The station.
    station: &'a StationId,
    /// How many days were asked for.
    days: u8,
    /// How many observations there are on all pages.
    total: usize,
    /// The observations of this page, oldest first.
    observations: Vec<&'a Observation>,
    /// What to give as `cursor` for the next page; there is none after the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    #[serde(flatten)]
    provenance: Provenance,
}

/// Where a page begins: the end of the export, so that all pages are of the same, and how many
/// observations come before it.
#[derive(Clone, Copy)]
struct Cursor {
    end: i64,
    skip: usize,
}

const fn one() -> u8 {
    1
}

impl Cursor {
    fn parse(text: &str) -> Result<Self, Failure> {
        let read = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (end, skip) = text.split_once('.')?;
            Some(Self {
                end: end.parse().ok()?,
                skip: skip.parse().ok()?,
            })
        };
        read().ok_or(Failure::Told(STALE_CURSOR.to_owned()))
    }

    fn text(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}", self.end, self.skip))
    }
}

impl ExportResult<'_> {
    fn text(&self, skip: usize) -> String {
        let mut text = self.provenance.notice("real observations");
        let (station, total) = (self.station, self.total);
        // Writing to a `String` can't fail.
        let _ = writeln!(
            text,
            "{station}: {total} observations in {} days; {} to {} on this page.",
            self.days,
            (skip + 1).min(total),
            skip + self.observations.len()
        );
        if let Some(cursor) = &self.next_cursor {
            let _ = writeln!(text, "There are more: call again with the cursor {cursor}");
        }
        if !self.observations.is_empty() {
            text.push_str(
                "time (UTC),temperature °C,dew point °C,humidity %,wind from °,wind km/h,\
                 gusts km/h,pressure hPa,visibility km,weather\n",
            );
        }
        for seen in &self.observations {
            text.push_str(&row(seen));
        }
        text.truncate(text.trim_end().len());
        text
    }
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Arguments>(),
        schema::of_result::<ExportResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, true)
}

pub(super) async fn call(
    nws: &Nws,
    arguments: Map<String, Value>,
    context: &CallContext,
) -> Result<Answer, Failure> {
    let Arguments {
        station,
        days,
        cursor,
    } = super::parse(arguments, USAGE)?;
    let station: StationId = station.parse()?;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Failure::Told(format!(
            "`days` goes from 1 to {MOST_DAYS}. {USAGE}"
        )));
    }
    let cursor = cursor.as_deref().map(Cursor::parse).transpose()?;
    let spans = spans(nws, &station, days, cursor)?;
    let (observations, age) = read(nws, &spans, context).await?;
    let skip = cursor.map_or(0, |cursor| cursor.skip);
    let page: Vec<&Observation> = observations.iter().skip(skip).take(PAGE).collect();
    let read = skip + page.len();
    let end = spans.last().map_or(0, Span::end);
    let next =
        (read < observations.len() && !page.is_empty()).then_some(Cursor { end, skip: read });
    let result = ExportResult {
        station: &station,
        days,
        total: observations.len(),
        observations: page,
        next_cursor: next.map(Cursor::text),
        provenance: Provenance::new(nws, age),
    };
    Ok(reply::tool(&result.text(skip), &result)?)
}

/// The days to read: the last ones, or those that the first page was of.
fn spans(
    nws: &Nws,
    station: &StationId,
    days: u8,
    cursor: Option<Cursor>,
) -> Result<Vec<Span>, Failure> {
    let last = nws.last_days(station, days);
    let Some(Cursor { end, .. }) = cursor else {
        return Ok(last);
    };
    let latest = last.last().map_or(0, Span::end);
    if !(latest - OLDEST_CURSOR..=latest).contains(&end) {
        return Err(Failure::Told(STALE_CURSOR.to_owned()));
    }
    Ok(Nws::days_until(station, end, days))
}

/// All that was observed, and the age of the oldest answer that stands in for a newer one.
async fn read(
    nws: &Nws,
    spans: &[Span],
    context: &CallContext,
) -> Result<(Vec<Observation>, Option<Duration>), Failure> {
    let (mut observations, mut age) = (Vec::new(), None);
    for (done, span) in (1..).zip(spans) {
        let found = nws.observations(span).await;
        let found = found.map_err(|error| Failure::or_missing(error, MISSING))?;
        observations.extend(found.value.iter().cloned());
        age = age.max(found.age);
        let message = format!("Read the day from {}", span.day());
        super::report(context, (done, spans.len()), &message);
    }
    Ok((observations, age))
}

fn row(seen: &Observation) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let time = seen.observed_at.as_ref().map(Moment::in_utc);
    let mut fields = vec![time.unwrap_or_default()];
    fields.extend(
        [
            seen.temperature_celsius,
            seen.dewpoint_celsius,
            seen.relative_humidity,
            seen.wind_direction_degrees,
            seen.wind_speed_kmh,
            seen.wind_gust_kmh,
            seen.pressure_hpa,
            seen.visibility_km,
        ]
        .map(number),
    );
    // The one text could bring a comma of its own.
    fields.push(
        seen.description
            .as_deref()
            .unwrap_or_default()
            .replace(',', ";"),
    );
    fields.join(",") + "\n"
}
