//! What the service may change without breaking the client.

use gatehouse::nws::{Nws, Period, Severity, TemperatureUnit, Urgency};
use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{SOMEWHERE_PATH, area, client, somewhere};

async fn nws_with_alerts(properties: &[Value]) -> (FakeNws, Nws) {
    let fake = FakeNws::start().await;
    fake.always(
        &data::alerts_path("TX"),
        Reply::json(&data::alerts(properties)),
    );
    let nws = client(&fake);
    (fake, nws)
}

async fn first_period(changes: Value) -> Period {
    let fake = FakeNws::start().await;
    let mut forecast = data::forecast();
    for (member, value) in changes.as_object().unwrap() {
        forecast["properties"]["periods"][0][member] = value.clone();
    }
    fake.always(SOMEWHERE_PATH, Reply::json(&data::point()));
    fake.always(data::FORECAST_PATH, Reply::json(&forecast));
    let found = client(&fake).forecast(somewhere(), || ()).await.unwrap();
    found.forecast.periods[0].clone()
}

#[tokio::test]
async fn an_alert_of_nulls_and_unknown_values_is_still_an_alert() {
    let mut odd = data::alert("Odd", "Apocalyptic", "Yesterday");
    for member in [
        "headline",
        "onset",
        "expires",
        "instruction",
        "response",
        "status",
        "id",
    ] {
        odd[member] = Value::Null;
    }
    odd["sent"] = json!("some time ago");
    odd["certainty"] = json!(7);
    odd["brandNew"] = json!({ "deep": [1, 2, 3] });
    let (_fake, nws) = nws_with_alerts(&[odd, json!({})]).await;
    let active = nws.active_alerts(area("TX")).await.unwrap();
    let alerts: Vec<_> = active.iter().collect();
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[0].event.as_deref(), Some("Odd"));
    assert_eq!(
        (alerts[0].severity, alerts[0].urgency),
        (Severity::Unknown, Urgency::Unknown)
    );
    assert!(alerts[0].sent.is_none() && alerts[0].certainty.is_none());
}

#[tokio::test]
async fn alerts_come_worst_first_then_most_urgent_then_newest() {
    let sent = |mut alert: Value, at: &str| {
        alert["sent"] = json!(at);
        alert
    };
    let (_fake, nws) = nws_with_alerts(&[
        data::alert("air quality", "Unknown", "Unknown"),
        sent(
            data::alert("older", "Severe", "Expected"),
            "2026-03-04T10:00:00-06:00",
        ),
        data::alert("past", "Severe", "Past"),
        sent(
            data::alert("newer", "Severe", "Expected"),
            "2026-03-04T10:30:00-06:00",
        ),
        data::alert("tornado", "Extreme", "Immediate"),
        data::alert("now", "Severe", "Immediate"),
    ])
    .await;
    let active = nws.active_alerts(area("TX")).await.unwrap();
    let events: Vec<_> = active
        .iter()
        .filter_map(|alert| alert.event.as_deref())
        .collect();
    assert_eq!(
        events,
        ["tornado", "now", "newer", "older", "past", "air quality"]
    );
}

#[tokio::test]
async fn tests_and_exercises_are_no_alerts() {
    let mut exercise = data::alert("drill", "Extreme", "Immediate");
    exercise["status"] = json!("Exercise");
    let (_fake, nws) = nws_with_alerts(&[exercise]).await;
    assert_eq!(
        nws.active_alerts(area("TX")).await.unwrap().iter().count(),
        0
    );
}

#[tokio::test]
async fn characters_that_deceive_are_gone_from_alerts() {
    let mut hostile = data::alert("Flood\u{200b} War\u{202e}ning", "Severe", "Immediate");
    hostile["headline"] = json!("one\nline\u{1b}[2J \u{e0041}only");
    hostile["description"] = json!(format!("two\nlines{}", "!".repeat(20_000)));
    let (_fake, nws) = nws_with_alerts(&[hostile]).await;
    let active = nws.active_alerts(area("TX")).await.unwrap();
    let alert = active.iter().next().unwrap();
    assert_eq!(alert.event.as_deref(), Some("Flood Warning"));
    assert_eq!(alert.headline.as_deref(), Some("one line[2J only"));
    let description = alert.description.as_deref().unwrap();
    assert!(description.starts_with("two\nlines!") && description.len() < 9_000);
}

#[tokio::test]
async fn a_temperature_may_be_a_number_or_a_quantity() {
    let plain = first_period(json!({})).await;
    assert_eq!(
        (plain.temperature, plain.temperature_unit),
        (Some(70.0), Some(TemperatureUnit::F))
    );
    for unit in ["wmoUnit:degC", "unit:degC", "degC"] {
        let quantity = json!({ "unitCode": unit, "value": 21.111_111 });
        let changes = json!({ "temperature": quantity, "temperatureUnit": "" });
        let period = first_period(changes).await;
        let expected = (Some(21.1), Some(TemperatureUnit::C));
        assert_eq!((period.temperature, period.temperature_unit), expected);
    }
    let unknown = json!({ "temperature": { "unitCode": "wmoUnit:degC", "value": null } });
    assert_eq!(first_period(unknown).await.temperature, None);
}

#[tokio::test]
async fn a_wind_speed_may_be_a_text_or_a_quantity() {
    let speed =
        |value: Value| async move { first_period(json!({ "windSpeed": value })).await.wind_speed };
    assert_eq!(
        speed(json!("10 to 15 mph")).await.as_deref(),
        Some("10 to 15 mph")
    );
    let range = json!({ "unitCode": "wmoUnit:km_h-1", "minValue": 8.4, "maxValue": 16 });
    assert_eq!(speed(range).await.as_deref(), Some("8 to 16 km/h"));
    let single = json!({ "unitCode": "wmoUnit:km_h-1", "value": 24.1 });
    assert_eq!(speed(single).await.as_deref(), Some("24 km/h"));
    assert_eq!(speed(Value::Null).await, None);
}

#[tokio::test]
async fn a_period_of_nulls_is_still_a_period() {
    let nulls = json!({
        "name": "", "startTime": null, "isDaytime": null, "temperature": null,
        "temperatureUnit": null, "temperatureTrend": "", "probabilityOfPrecipitation": null,
        "windSpeed": null, "windDirection": null, "shortForecast": null,
    });
    let period = first_period(nulls).await;
    assert_eq!(period.name, "Period 1");
    assert_eq!((period.temperature, period.short_forecast), (None, None));
}

#[tokio::test]
async fn a_point_without_a_place_has_a_forecast() {
    let fake = FakeNws::start().await;
    let mut point = data::point();
    point["properties"]["relativeLocation"] = Value::Null;
    point["properties"]["timeZone"] = Value::Null;
    fake.always(SOMEWHERE_PATH, Reply::json(&point));
    fake.always(data::FORECAST_PATH, Reply::json(&data::forecast()));
    let found = client(&fake).forecast(somewhere(), || ()).await.unwrap();
    assert_eq!(found.point.city, None);
}
