//! The bundled sample: invented answers of api.weather.gov, made fresh whenever they are read.

mod forecasts;
mod observations;
mod places;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use self::places::{NONE, PLACES};
use super::alert::AlertId;
use super::area::Area;
use super::error::{NwsError, Reason};
use super::place::Place;
use super::request::{Reply, Request};
use crate::model::{Clock, Timestamp};

/// Answers from the files in this folder.
///
/// In them `now-90m` stands for the instant 90 minutes ago, and periods have neither names nor
/// times.
#[derive(Debug)]
pub(super) struct Sample {
    clock: Arc<dyn Clock>,
}

impl Sample {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// What the service would send.
    pub(super) fn reply(&self, request: &Request) -> Result<Reply, NwsError> {
        let now = self.clock.now();
        let body = match request {
            Request::Alerts(place) => fresh(alerts_for(place)?, now)?,
            Request::Alert(id) => alert(id, now)?,
            Request::Point(coordinates) => fresh(places::nearest(*coordinates)?.point, now)?,
            Request::Forecast(grid) => places::of_grid(grid)?.half_days(now)?,
            Request::HourlyForecast(grid) => places::of_grid(grid)?.hours(now)?,
            Request::Stations(grid) => places::of_grid(grid)?.stations(),
            Request::LatestObservation(station) => {
                places::of_station(station)?.latest_observation(now)?
            }
            Request::Observations(span, _) => {
                places::of_station(&span.station)?.observations(span.range(), now)?
            }
            // No place of the sample is at sea.
            Request::GridData(_) => return Err(NwsError::from(Reason::NotFound)),
            Request::Discussions(office) => {
                let office = office.to_string();
                let written = PLACES.iter().find(|place| place.office() == office);
                let listed = written.map(|place| json!({ "id": place.product }));
                json!({ "@graph": listed.into_iter().collect::<Vec<_>>() })
            }
            Request::Product(id) => {
                let id = id.to_string();
                let place = PLACES.iter().find(|place| place.product == id);
                place.ok_or(Reason::NotFound)?.discussion(now)?
            }
        };
        Ok(Reply {
            body: Bytes::from(body.to_string()),
            max_age: None,
        })
    }
}

fn alerts_for(place: &Place) -> Result<&'static str, NwsError> {
    Ok(match place {
        Place::Area(area) => alerts_of(*area),
        Place::Zone(zone) => zone.area().map_or(NONE, alerts_of),
        Place::Point(point) => alerts_of(places::nearest(*point)?.area()?),
    })
}

fn alerts_of(area: Area) -> &'static str {
    match area.code() {
        "FL" => include_str!("alerts-fl.json"),
        "NY" => include_str!("alerts-ny.json"),
        "TX" => include_str!("alerts-tx.json"),
        _ => NONE,
    }
}

fn alert(id: &AlertId, now: Timestamp) -> Result<Value, NwsError> {
    let id = id.to_string();
    for area in Area::ALL {
        let mut alerts = fresh(alerts_of(area), now)?;
        let features = alerts.get_mut("features").and_then(Value::as_array_mut);
        let mut features = features.into_iter().flatten();
        let named = |feature: &&mut Value| {
            feature.pointer("/properties/id").and_then(Value::as_str) == Some(id.as_str())
        };
        if let Some(found) = features.find(named) {
            return Ok(found.take());
        }
    }
    Err(NwsError::from(Reason::NotFound))
}

/// The JSON of a file with instants in the place of `now-90m`.
fn fresh(file: &str, now: Timestamp) -> Result<Value, NwsError> {
    let mut json = serde_json::from_str(file).map_err(|_| Reason::Unexpected)?;
    resolve(&mut json, now);
    Ok(json)
}

fn resolve(json: &mut Value, now: Timestamp) {
    match json {
        Value::String(text) => {
            if let Some(instant) = relative(text, now) {
                *text = instant;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, now)),
        Value::Object(members) => members.values_mut().for_each(|value| resolve(value, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn relative(text: &str, now: Timestamp) -> Option<String> {
    let minutes: i64 = text.strip_prefix("now")?.strip_suffix('m')?.parse().ok()?;
    // To the minute, as NWS writes them.
    let seconds = now.seconds() - now.seconds().rem_euclid(60) + minutes * 60;
    Some(super::moment::written(
        seconds,
        0,
        "%Y-%m-%dT%H:%M:%S+00:00",
    ))
}
