//! Recorded responses of the real service, replayed where `GATEHOUSE_NWS_RECORDINGS` names their
//! folder. They are not part of the project.
#![expect(clippy::print_stderr, reason = "a test that did nothing says so")]

use std::path::{Path, PathBuf};

use gatehouse::backends::weather::Weather;
use gatehouse::nws::{Reason, egress_settings};
use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, SOMEWHERE_PATH, area, call, client, client_with, settings, somewhere,
};
use crate::house::{text, weather};

/// When the recordings were made: 2026-07-15, 20:08:48 UTC.
const RECORDED: i64 = 1_784_146_128;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("GATEHOUSE_NWS_RECORDINGS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: GATEHOUSE_NWS_RECORDINGS names no folder");
    }
    folder
}

fn weather_then(fake: &FakeNws) -> Weather {
    let clock = HeldClock::at(RECORDED);
    weather(client_with(settings(fake), &egress_settings(None), clock))
}

async fn alerts_of(file: &str) -> Option<Value> {
    let body = std::fs::read(folder()?.join(file)).unwrap();
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("CO"), Reply::bytes(body));
    Some(call(&weather_then(&fake), "get_alerts", json!({ "state": "CO" })).await)
}

#[tokio::test]
async fn a_recorded_forecast_is_told() {
    let Some(folder) = folder() else { return };
    let fake = FakeNws::start().await;
    let point = std::fs::read(folder.join("points-42.745,-73.752.json")).unwrap();
    let forecast = std::fs::read(folder.join("forecast-ALY-71,67.json")).unwrap();
    fake.always("/points/42.745,-73.752", Reply::bytes(point));
    fake.always("/gridpoints/ALY/71,67/forecast", Reply::bytes(forecast));
    let place = json!({ "latitude": 42.745, "longitude": -73.752 });
    let result = call(&weather_then(&fake), "get_forecast", place).await;
    assert_eq!(text(&result).lines().count(), 7);
    assert!(text(&result).starts_with("This Afternoon: 85°F — Patchy Smoke\n"));
    let structured = &result["structuredContent"];
    assert_eq!(structured["city"], "Latham");
    assert_eq!(structured["periods"].as_array().unwrap().len(), 14);
}

/// A fake with the recorded point of Latham and what is recorded of its grid cell.
fn latham(folder: &Path, fake: &FakeNws, files: &[(&str, &str)]) -> Value {
    let point = std::fs::read(folder.join("points-42.745,-73.752.json")).unwrap();
    fake.always("/points/42.745,-73.752", Reply::bytes(point));
    for (path, file) in files {
        fake.always(
            path,
            Reply::bytes(std::fs::read(folder.join(file)).unwrap()),
        );
    }
    json!({ "latitude": 42.745, "longitude": -73.752 })
}

#[tokio::test]
async fn a_recorded_forecast_by_hours_is_told() {
    let Some(folder) = folder() else { return };
    let fake = FakeNws::start().await;
    let hourly = "/gridpoints/ALY/71,67/forecast/hourly";
    let mut place = latham(
        &folder,
        &fake,
        &[(hourly, "forecast-hourly-ALY-71,67.json")],
    );
    place["hours"] = json!(156);
    let result = call(&weather_then(&fake), "get_hourly_forecast", place).await;
    assert_eq!(text(&result).lines().count(), 156);
    let first = text(&result).lines().next().unwrap();
    assert_eq!(first, "Wed 16:00: 83°F — Partly Sunny — 3% precipitation");
}

#[tokio::test]
async fn recorded_numbers_of_a_grid_make_a_forecast() {
    let Some(folder) = folder() else { return };
    for file in [
        "gridpoint-raw-ALY-71,67.json",
        "gridpoint-raw-HFO-hilo-hi.json",
    ] {
        let fake = FakeNws::start().await;
        let place = latham(&folder, &fake, &[("/gridpoints/ALY/71,67", file)]);
        let marine = Reply::problem(404, "MarineForecastNotSupported");
        fake.always("/gridpoints/ALY/71,67/forecast", marine);
        // The second one was recorded a month later.
        let clock = HeldClock::at(if file.contains("HFO") {
            1_786_900_000
        } else {
            RECORDED
        });
        let weather = weather(client_with(settings(&fake), &egress_settings(None), clock));
        let result = call(&weather, "get_forecast", place).await;
        assert!(
            text(&result).lines().count() >= 5,
            "{file}: {}",
            text(&result)
        );
        assert!(text(&result).contains("°F — "), "{file}: {}", text(&result));
    }
}

#[tokio::test]
async fn recorded_observations_are_told() {
    let Some(folder) = folder() else { return };
    for (stations, station, latest) in [
        (
            "gridpoint-stations-ALY-71,67.json",
            "KALB",
            "observations-latest-KALB.json",
        ),
        (
            "gridpoint-stations-2023-pynws.json",
            "KSGF",
            "observations-latest-2022-pynws.json",
        ),
    ] {
        let sent: Value =
            serde_json::from_slice(&std::fs::read(folder.join(stations)).unwrap()).unwrap();
        let nearest = sent["features"][0]["properties"]["stationIdentifier"]
            .as_str()
            .unwrap();
        let fake = FakeNws::start().await;
        let paths = [
            "/gridpoints/ALY/71,67/stations?limit=3",
            &data::latest_path(nearest),
        ];
        let place = latham(&folder, &fake, &[(paths[0], stations), (paths[1], latest)]);
        let result = call(&weather_then(&fake), "get_current_conditions", place).await;
        assert!(
            text(&result).contains("°C)"),
            "{station}: {}",
            text(&result)
        );
        assert_eq!(result["structuredContent"]["station"]["id"], nearest);
    }
}

#[tokio::test]
async fn a_recorded_alert_and_a_recorded_discussion_are_told() {
    let Some(folder) = folder() else { return };
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    let fake = FakeNws::start().await;
    let id = "urn:oid:2.49.0.1.840.0.46764a246ef72c63d5540a40a309f0d7737ea29d.001.1";
    fake.always(
        &format!("/alerts/{id}"),
        Reply::bytes(read("alert-single.json")),
    );
    let list: Value = serde_json::from_slice(&read("products-AFD-TBW-list.json")).unwrap();
    let newest = list["@graph"][0]["id"].as_str().unwrap();
    fake.always("/products/types/AFD/locations/TBW", Reply::json(&list));
    let product = Reply::bytes(read("product-AFD-single.json"));
    fake.always(&format!("/products/{newest}"), product);
    let weather = weather_then(&fake);
    let alert = call(&weather, "get_alert", json!({ "id": id })).await;
    assert!(
        text(&alert).contains("Turn around, don't drown"),
        "{}",
        text(&alert)
    );
    let office = json!({ "office": "TBW" });
    let discussion = call(&weather, "get_forecast_discussion", office).await;
    assert!(
        text(&discussion).contains(".NEAR TERM..."),
        "{}",
        text(&discussion)
    );
}

#[tokio::test]
async fn recorded_points_of_any_shape_are_read() {
    let Some(folder) = folder() else { return };
    for file in ["points-2023-pynws.json", "points-guam-13.444,144.778.json"] {
        let fake = FakeNws::start().await;
        let point = std::fs::read(folder.join(file)).unwrap();
        let sent: Value = serde_json::from_slice(&point).unwrap();
        let grid = |member: &str| sent["properties"][member].clone();
        let office = grid("gridId").as_str().unwrap().to_owned();
        let path = format!(
            "/gridpoints/{office}/{},{}/forecast",
            grid("gridX"),
            grid("gridY")
        );
        fake.always(SOMEWHERE_PATH, Reply::bytes(point));
        fake.always(&path, Reply::json(&data::forecast()));
        let found = client(&fake).forecast(somewhere(), || ()).await.unwrap();
        assert!(found.point.city.is_some(), "{file}");
    }
}

#[tokio::test]
async fn recorded_alerts_of_every_kind_are_told() {
    let Some(result) = alerts_of("alerts-active-multi.json").await else {
        return;
    };
    let alerts = result["structuredContent"]["alerts"].as_array().unwrap();
    assert!(!alerts.is_empty());
    assert!(alerts.iter().all(|alert| alert["event"].is_string()));
    assert!(alerts.iter().any(|alert| alert["onset"].is_null()));
}

#[tokio::test]
async fn the_recorded_alerts_of_the_whole_country_fit() {
    let Some(result) = alerts_of("alerts-active-all-396.json").await else {
        return;
    };
    let count = result["structuredContent"]["count"].as_u64().unwrap();
    assert!(count > 300, "{count}");
    assert_eq!(text(&result).lines().count(), 6);
}

#[tokio::test]
async fn recorded_alerts_of_a_hurricane_that_is_to_come_are_told() {
    let Some(result) = alerts_of("alerts-active-point-hilo-hi.json").await else {
        return;
    };
    assert_eq!(result["structuredContent"]["count"], 5);
}

#[tokio::test]
async fn recorded_problems_are_told_apart() {
    let Some(folder) = folder() else { return };
    for (status, name, expected) in [
        (404, "InvalidPoint-points", Reason::OutsideCoverage),
        (400, "InvalidParameter-alerts-point", Reason::Refused),
        (503, "ForecastGridExpired", Reason::ForecastLate),
        (503, "ForecastMissingData", Reason::ForecastLate),
        (503, "UnavailableWebService", Reason::Unavailable),
        (503, "ServiceUnavailable", Reason::Unavailable),
        (500, "UnexpectedProblem", Reason::Unavailable),
        (404, "MarineForecastNotSupported", Reason::Marine),
        (404, "InvalidObservationStation", Reason::NotFound),
        (404, "NotFound", Reason::NotFound),
    ] {
        let fake = FakeNws::start().await;
        let body = std::fs::read(folder.join(format!("problems/{status}-{name}.json"))).unwrap();
        fake.always(&data::alerts_path("CO"), Reply::problem_bytes(status, body));
        let error = client(&fake)
            .active_alerts(area("CO"))
            .await
            .unwrap_err()
            .reason;
        assert_eq!(error, expected, "{name}");
    }
}
