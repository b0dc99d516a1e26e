//! Answers in the shapes of api.weather.gov.

use serde_json::{Value, json};

/// The instant that the answers are written for, in seconds since the epoch: 2026-03-04, 18:00 UTC.
pub(crate) const NOW: i64 = 1_772_647_200;

/// Where the forecast of [`point`] is.
pub(crate) const FORECAST_PATH: &str = "/gridpoints/TST/12,34/forecast";

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
