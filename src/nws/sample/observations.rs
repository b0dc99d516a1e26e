//! Observations of the sample: one an hour, seven minutes before the hour.

use serde_json::{Value, json};

use super::super::error::NwsError;
use super::super::moment::written;
use super::places::Place;
use crate::model::Timestamp;

const HOUR: i64 = 60 * 60;

const BEFORE_THE_HOUR: i64 = 7 * 60;

impl Place {
    /// What the station saw last.
    pub(super) fn latest_observation(&self, now: Timestamp) -> Result<Value, NwsError> {
        let latest = (now.seconds() + BEFORE_THE_HOUR).div_euclid(HOUR) * HOUR - BEFORE_THE_HOUR;
        self.observation(latest, now)
    }

    /// What the station saw from `start` until `end`, newest first.
    pub(super) fn observations(
        &self,
        (start, end): (i64, i64),
        now: Timestamp,
    ) -> Result<Value, NwsError> {
        let first = (start + BEFORE_THE_HOUR + HOUR - 1).div_euclid(HOUR);
        let times = (first..)
            .map(|hour| hour * HOUR - BEFORE_THE_HOUR)
            .take_while(|time| *time < end.min(now.seconds()));
        let features: Result<Vec<Value>, NwsError> =
            times.map(|time| self.observation(time, now)).collect();
        let mut features = features?;
        features.reverse();
        Ok(json!({ "features": features }))
    }

    fn observation(&self, time: i64, now: Timestamp) -> Result<Value, NwsError> {
        let temperature = (self.temperature(time, self.first_day(now)?) - 32.0) / 1.8;
        // Something that differs from hour to hour and is the same whenever it is asked for.
        let varied = time.div_euclid(HOUR).rem_euclid(7);
        let quantity = |unit: &str, value: f64| json!({ "unitCode": unit, "value": value });
        let varying = f64::from(i32::try_from(varied).unwrap_or_default());
        let sky = if varied < 3 { "Clear" } else { "Partly Cloudy" };
        let properties = json!({
            "timestamp": written(time, 0, "%Y-%m-%dT%H:%M:%S+00:00"),
            "textDescription": sky,
            "temperature": quantity("wmoUnit:degC", temperature),
            "dewpoint": quantity("wmoUnit:degC", temperature - 6.0),
            "relativeHumidity": quantity("wmoUnit:percent", 58.0 + varying),
            "windDirection": quantity("wmoUnit:degree_(angle)", 240.0 + 10.0 * varying),
            "windSpeed": quantity("wmoUnit:km_h-1", 11.0 + varying),
            "windGust": null,
            "seaLevelPressure": quantity("wmoUnit:Pa", 101_500.0 + 20.0 * varying),
            "visibility": quantity("wmoUnit:m", 16_093.44),
        });
        Ok(json!({ "properties": properties }))
    }
}
