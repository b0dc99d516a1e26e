//! Answers in the shapes of api.weather.gov.

use serde_json::{Value, json};

/// The instant that the answers are written for, in seconds since the epoch: 2026-03-04, 18:00 UTC.
pub(crate) const NOW: i64 = 1_772_647_200;

/// Where the forecast of [`point`] is.
pub(crate) const FORECAST_PATH: &str = "/gridpoints/TST/12,34/forecast";

/// Where the numbers behind it are.
pub(crate) const GRID_PATH: &str = "/gridpoints/TST/12,34";

/// Where the forecast by hours is.
pub(crate) const HOURLY_PATH: &str = "/gridpoints/TST/12,34/forecast/hourly";

/// Where the stations of the cell are.
pub(crate) const STATIONS_PATH: &str = "/gridpoints/TST/12,34/stations?limit=3";

/// Where the alerts of `area` are.
pub(crate) fn alerts_path(area: &str) -> String {
    format!("/alerts/active?status=actual&area={area}")
}

/// A collection of alerts.
pub(crate) fn alerts(properties: &[Value]) -> Value {
    let feature = |properties: &Value| {
        json!({ "id": "https://api.weather.gov/alerts/x", "type": "Feature", "geometry": null,
            "properties": properties })
    };
    let features: Vec<Value> = properties.iter().map(feature).collect();
    json!({ "type": "FeatureCollection", "features": features, "title": "Test" })
}

/// The properties of an alert that lasts until an hour after [`NOW`].
pub(crate) fn alert(event: &str, severity: &str, urgency: &str) -> Value {
    json!({
        "id": format!("urn:oid:2.49.0.1.840.0.test.{event}"),
        "areaDesc": "Test County; Other County",
        "sent": "2026-03-04T11:00:00-06:00",
        "effective": "2026-03-04T11:00:00-06:00",
        "onset": "2026-03-04T11:30:00-06:00",
        "expires": "2026-03-04T13:00:00-06:00",
        "ends": null,
        "status": "Actual",
        "messageType": "Alert",
        "severity": severity,
        "certainty": "Likely",
        "urgency": urgency,
        "event": event,
        "senderName": "NWS Testville",
        "headline": format!("{event} until 1 PM"),
        "description": "Something is expected.\n\nSomewhere.",
        "instruction": "Stay away.",
        "response": "Avoid",
    })
}

/// What `/points` says of a point in the grid cell of [`FORECAST_PATH`].
pub(crate) fn point() -> Value {
    point_in("TST", 12, 34)
}

/// What `/points` says of a point in a grid cell.
pub(crate) fn point_in(office: &str, x: u32, y: u32) -> Value {
    json!({
        "type": "Feature",
        "properties": {
            "gridId": office,
            "gridX": x,
            "gridY": y,
            "forecast": "http://169.254.169.254/latest/meta-data/",
            "relativeLocation": {
                "type": "Feature",
                "properties": { "city": "Testville", "state": "TX" },
            },
            "timeZone": "America/Chicago",
            "radarStation": null,
        },
    })
}

/// A forecast of 14 periods: 70, 71, … degrees Fahrenheit.
pub(crate) fn forecast() -> Value {
    let periods: Vec<Value> = (0..14).map(period).collect();
    json!({
        "type": "Feature",
        "properties": {
            "units": "us",
            "generatedAt": "2026-03-04T17:50:00+00:00",
            "updateTime": "2026-03-04T17:00:00+00:00",
            "periods": periods,
        },
    })
}

fn period(index: u32) -> Value {
    json!({
        "number": index + 1,
        "name": format!("Period {}", index + 1),
        "startTime": "2026-03-04T12:00:00-06:00",
        "endTime": "2026-03-04T18:00:00-06:00",
        "isDaytime": index.is_multiple_of(2),
        "temperature": 70 + index,
        "temperatureUnit": "F",
        "temperatureTrend": null,
        "probabilityOfPrecipitation": { "unitCode": "wmoUnit:percent", "value": 10 },
        "windSpeed": "5 to 10 mph",
        "windDirection": "SW",
        "shortForecast": "Sunny",
        "detailedForecast": "Sunny, with a light wind.",
    })
}

/// A forecast by 156 hours from the hour of [`NOW`] on, three of them before it.
pub(crate) fn hourly() -> Value {
    let hour = |index: i64| {
        let mut hour = period(0);
        hour["name"] = json!("");
        hour["startTime"] = json!(moment(NOW + (index - 3) * 3_600));
        hour["endTime"] = json!(moment(NOW + (index - 2) * 3_600));
        hour["temperature"] = json!(index);
        hour["dewpoint"] = json!({ "unitCode": "wmoUnit:degC", "value": 4.444_444 });
        hour["relativeHumidity"] = json!({ "unitCode": "wmoUnit:percent", "value": 43 });
        hour
    };
    let hours: Vec<Value> = (0..156).map(hour).collect();
    json!({ "type": "Feature", "properties": { "periods": hours } })
}

/// The numbers of a cell at sea for the day after [`NOW`].
pub(crate) fn grid() -> Value {
    let layer = |unit: &str, values: [f64; 2]| {
        let [first, second] = values;
        json!({ "uom": unit, "values": [
            { "validTime": "2026-03-04T12:00:00+00:00/PT12H", "value": first },
            { "validTime": "2026-03-05T00:00:00+00:00/P1D", "value": second },
            { "validTime": "2026-03-06T00:00:00+00:00/PT1H", "value": null },
        ] })
    };
    let rain = json!([{ "coverage": "slight_chance", "weather": "rain_showers", "intensity": "light",
        "attributes": [] }]);
    json!({ "type": "Feature", "properties": {
        "updateTime": "2026-03-04T17:00:00+00:00",
        "temperature": layer("wmoUnit:degC", [10.0, 5.0]),
        "windSpeed": layer("wmoUnit:km_h-1", [18.52, 37.04]),
        "windGust": layer("unit:km_h-1", [55.56, 55.56]),
        "windDirection": layer("wmoUnit:degree_(angle)", [270.0, 315.0]),
        "waveHeight": layer("wmoUnit:m", [1.2, 1.8]),
        "skyCover": layer("wmoUnit:percent", [20.0, 90.0]),
        "probabilityOfPrecipitation": layer("wmoUnit:percent", [5.0, 30.0]),
        "snowLevel": { "values": [] },
        "brandNew": 7,
        "weather": { "values": [
            { "validTime": "2026-03-05T00:00:00+00:00/PT12H", "value": rain },
        ] },
    } })
}

/// Three stations, of which the last one asked for has a name that deceives.
pub(crate) fn stations(ids: [&str; 3]) -> Value {
    let feature = |id: &str| {
        json!({ "properties": { "stationIdentifier": id, "name": format!("Station\u{202e} {id}"),
            "distance": { "unitCode": "wmoUnit:m", "value": 4_242.0 } } })
    };
    json!({ "features": ids.map(feature) })
}

/// Where what a station saw last is.
pub(crate) fn latest_path(station: &str) -> String {
    format!("/stations/{station}/observations/latest")
}

/// What a station saw so many minutes before [`NOW`], with that temperature.
pub(crate) fn observation(minutes: i64, celsius: Option<f64>) -> Value {
    json!({ "properties": {
        "timestamp": moment(NOW - minutes * 60),
        "textDescription": "Mostly Cloudy",
        "presentWeather": [],
        "temperature": { "unitCode": "wmoUnit:degC", "value": celsius, "qualityControl": "V" },
        "dewpoint": { "unitCode": "wmoUnit:degC", "value": null, "qualityControl": "Z" },
        "windDirection": { "unitCode": "wmoUnit:degree_(angle)", "value": 270 },
        "windSpeed": { "unitCode": "wmoUnit:km_h-1", "value": 22.212 },
        "windGust": null,
        "barometricPressure": { "unitCode": "wmoUnit:Pa", "value": 101_320 },
        "seaLevelPressure": { "unitCode": "wmoUnit:Pa", "value": null },
        "visibility": { "unitCode": "wmoUnit:m", "value": 16_093.44 },
        "relativeHumidity": { "unitCode": "wmoUnit:percent", "value": 61.234_5 },
        "cloudLayers": null,
    } })
}

/// An instant as NWS writes it.
pub(crate) fn moment(seconds: i64) -> String {
    let instant = jiff::Timestamp::from_second(seconds).unwrap();
    instant.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
