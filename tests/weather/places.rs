//! Alerts of zones and points, single alerts, and what forecasters write.

use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{call, client, text, weather};

const ID: &str = "urn:oid:2.49.0.1.840.0.test.001.1";

const PRODUCT: &str = "0f0e0d0c-1111-2222-3333-444455556666";

async fn fake_with(path: &str, reply: &Value) -> FakeNws {
    let fake = FakeNws::start().await;
    fake.always(path, Reply::json(reply));
    fake
}

#[tokio::test]
async fn alerts_are_found_for_a_zone_and_for_a_point() {
    let alerts = data::alerts(&[data::alert("Gale Warning", "Severe", "Expected")]);
    for (query, arguments, member) in [
        (
            "zone=ANZ335",
            json!({ "zone": "anz335" }),
            ("zone", json!("ANZ335")),
        ),
        (
            "zone=CAC075",
            json!({ "zone": "CAC075" }),
            ("zone", json!("CAC075")),
        ),
        (
            "point=31.5,-97.25",
            json!({ "latitude": 31.5, "longitude": -97.25 }),
            ("latitude", json!(31.5)),
        ),
    ] {
        let fake = fake_with(&format!("/alerts/active?status=actual&{query}"), &alerts).await;
        let result = call(&weather(client(&fake)), "get_alerts", arguments).await;
        assert_eq!(text(&result), "Gale Warning: Gale Warning until 1 PM");
        assert_eq!(result["structuredContent"][member.0], member.1);
        assert!(result["structuredContent"].get("state").is_none());
    }
}

#[tokio::test]
async fn two_places_at_once_are_none() {
    let fake = FakeNws::start().await;
    for arguments in [
        json!({ "state": "CA", "zone": "CAZ006" }),
        json!({ "latitude": 31.5 }),
        json!({ "state": "CA", "latitude": 31.5, "longitude": 1 }),
        json!({ "state": null }),
    ] {
        let result = call(&weather(client(&fake)), "get_alerts", arguments).await;
        assert_eq!(result["isError"], json!(true));
        assert!(text(&result).contains("takes one of"), "{}", text(&result));
    }
    let result = call(
        &weather(client(&fake)),
        "get_alerts",
        json!({ "zone": "CAX006" }),
    )
    .await;
    assert!(text(&result).contains("not a zone"), "{}", text(&result));
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn a_point_out_of_bounds_is_outside_of_the_united_states() {
    let fake = FakeNws::start().await;
    let path = "/alerts/active?status=actual&point=51.5,0";
    fake.always(path, Reply::problem(400, "InvalidParameter"));
    let london = json!({ "latitude": 51.5, "longitude": 0 });
    let result = call(&weather(client(&fake)), "get_alerts", london).await;
    assert_eq!(result["isError"], json!(true));
    assert!(text(&result).contains("United States"), "{}", text(&result));
}

#[tokio::test]
async fn the_sixth_alert_comes_without_its_long_texts() {
    let many: Vec<Value> = (0..6)
        .map(|n| data::alert(&format!("A{n}"), "Minor", "Future"))
        .collect();
    let fake = fake_with(&data::alerts_path("TX"), &data::alerts(&many)).await;
    let result = call(
        &weather(client(&fake)),
        "get_alerts",
        json!({ "state": "TX" }),
    )
    .await;
    let alerts = &result["structuredContent"]["alerts"];
    assert_eq!(alerts[4]["instruction"], "Stay away.");
    assert_eq!(alerts[5]["instruction"], Value::Null);
    assert_eq!(alerts[5]["description"], Value::Null);
    assert_eq!(alerts[5]["headline"], "A5 until 1 PM");
}

#[tokio::test]
async fn one_alert_is_told_with_all_that_it_says() {
    let mut alert = data::alert("Flood Watch", "Severe", "Future");
    alert["description"] = json!("Rivers\u{202e} rise.\u{7}\n\nSlowly.");
    let fake = fake_with(&format!("/alerts/{ID}"), &json!({ "properties": alert })).await;
    let weather = weather(client(&fake));
    for id in [
        ID.to_owned(),
        format!("https://api.weather.gov/alerts/{ID}"),
    ] {
        let result = call(&weather, "get_alert", json!({ "id": id })).await;
        assert_eq!(
            text(&result),
            "Flood Watch: Flood Watch until 1 PM\n\
             Severity: Severe\n\
             Urgency: Future\n\
             Certainty: Likely\n\
             From: Wed 11:30\n\
             Until: Wed 13:00\n\
             Where: Test County; Other County\n\
             Issued by: NWS Testville\n\
             \n\
             What it says (quoted):\nRivers rise.\n\nSlowly.\n\
             \n\
             What people should do (quoted):\nStay away."
        );
        assert_eq!(result["structuredContent"]["active"], json!(true));
    }
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn an_alert_that_is_over_says_so() {
    let mut alert = data::alert("Flood Watch", "Severe", "Future");
    alert["expires"] = json!(data::moment(data::NOW));
    let fake = fake_with(&format!("/alerts/{ID}"), &json!({ "properties": alert })).await;
    let result = call(&weather(client(&fake)), "get_alert", json!({ "id": ID })).await;
    assert!(text(&result).contains("This alert is over."));
    assert_eq!(result["structuredContent"]["active"], json!(false));
}

#[tokio::test]
async fn what_is_no_identifier_never_becomes_a_path() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    for id in [
        "",
        "a/b",
        "urn:oid:1.2.3",
        "urn:oid:2.49.0.1.840.0.a?area=CA",
        "urn:oid:2.49.0.1.840.0...",
        "urn:oid:2.49.0.1.840.0.%2e",
        "../points/31,-97",
    ] {
        let result = call(&weather, "get_alert", json!({ "id": id })).await;
        assert_eq!(result["isError"], json!(true), "{id}");
        let station = json!({ "station": id });
        let result = call(&weather, "export_observations", station).await;
        assert_eq!(result["isError"], json!(true), "{id}");
        let office = json!({ "office": id });
        let result = call(&weather, "get_forecast_discussion", office).await;
        assert_eq!(result["isError"], json!(true), "{id}");
    }
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn an_alert_that_nobody_has_is_told_so() {
    let fake = FakeNws::start().await;
    let result = call(&weather(client(&fake)), "get_alert", json!({ "id": ID })).await;
    assert_eq!(result["isError"], json!(true));
    let told = text(&result);
    assert!(told.contains("no alert with this id"), "{told}");
}

#[tokio::test]
async fn the_newest_discussion_of_an_office_is_told() {
    let list = json!({ "@graph": [
        { "id": "../alerts", "productCode": "AFD" },
        { "id": PRODUCT },
        { "id": "ffffffff-1111-2222-3333-444455556666" },
    ] });
    let fake = fake_with("/products/types/AFD/locations/MTR", &list).await;
    let product = json!({
        "id": PRODUCT,
        "issuanceTime": "2026-03-04T17:00:00+00:00",
        "productText": "\n000\nFXUS66 KMTR\n\n.NEAR TERM...\nFog\u{200b} at night.\n",
    });
    fake.always(&format!("/products/{PRODUCT}"), Reply::json(&product));
    let weather = weather(client(&fake));
    for office in ["MTR", "mtr", "KMTR"] {
        let result = call(
            &weather,
            "get_forecast_discussion",
            json!({ "office": office }),
        )
        .await;
        assert_eq!(
            text(&result),
            "Forecast discussion of MTR (quoted):\n\n000\nFXUS66 KMTR\n\n.NEAR TERM...\nFog at night."
        );
        let issued = &result["structuredContent"]["issuedAt"];
        assert_eq!(issued, "2026-03-04T17:00:00+00:00");
    }
    assert_eq!(fake.all_requests(), 2);
    assert_eq!(fake.last_headers()["accept"], "application/ld+json");
}

#[tokio::test]
async fn an_office_without_discussions_is_told_so() {
    let fake = fake_with(
        "/products/types/AFD/locations/XYZ",
        &json!({ "@graph": [] }),
    )
    .await;
    let office = json!({ "office": "XYZ" });
    let result = call(&weather(client(&fake)), "get_forecast_discussion", office).await;
    assert_eq!(result["isError"], json!(true));
    assert!(text(&result).contains("no forecast discussion"));
}
