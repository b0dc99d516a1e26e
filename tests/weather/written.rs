//! Answers that are written once for all who ask within a second: the same bytes, and never those of
//! other data, of another place or of another moment.

use std::sync::Arc;

use bytes::Bytes;
use gatehouse::backends::Backend as _;
use gatehouse::backends::weather::Weather;
use gatehouse::nws::egress_settings;
use gatehouse::resource_server::Operation;
use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, client_with, context, fake_with_forecast, object, permit, settings, weather,
};

async fn bytes(weather: &Weather, tool: &str, arguments: Value) -> Bytes {
    let permit = permit(Operation::CallTool(tool.to_owned()));
    let context = context();
    let answer = weather.call_tool(&permit, tool, object(arguments), &context);
    answer.await.unwrap().body
}

fn clocked(fake: &FakeNws) -> (Weather, Arc<HeldClock>) {
    let clock = HeldClock::at(data::NOW);
    let nws = client_with(settings(fake), &egress_settings(None), Arc::clone(&clock));
    (weather(nws), clock)
}

fn are_the_same(one: &Bytes, other: &Bytes) -> bool {
    one.as_ptr() == other.as_ptr()
}

#[tokio::test]
async fn who_asks_the_same_within_a_second_gets_the_same_bytes() {
    let fake = fake_with_forecast().await;
    let flood = data::alert("Flood Watch", "Severe", "Future");
    fake.always(
        &data::alerts_path("TX"),
        Reply::json(&data::alerts(&[flood])),
    );
    fake.always(&data::alerts_path("CA"), Reply::json(&data::alerts(&[])));
    let (weather, clock) = clocked(&fake);
    let texas = json!({ "state": "TX" });
    let place = json!({ "latitude": 31.5, "longitude": -97.25 });
    for (tool, arguments) in [("get_alerts", &texas), ("get_forecast", &place)] {
        let first = bytes(&weather, tool, arguments.clone()).await;
        let second = bytes(&weather, tool, arguments.clone()).await;
        assert!(are_the_same(&first, &second), "{tool}");
        clock.advance(1);
        let later = bytes(&weather, tool, arguments.clone()).await;
        assert!(!are_the_same(&first, &later) && first == later, "{tool}");
    }
    let california = bytes(&weather, "get_alerts", json!({ "state": "CA" })).await;
    assert!(String::from_utf8_lossy(&california).contains("No active alerts for CA."));
}

#[tokio::test]
async fn an_answer_of_older_data_is_not_told_again() {
    let fake = FakeNws::start().await;
    let path = data::alerts_path("TX");
    let flood = data::alert("Flood Watch", "Severe", "Future");
    fake.always(&path, Reply::json(&data::alerts(&[flood])));
    let (weather, clock) = clocked(&fake);
    let texas = || bytes(&weather, "get_alerts", json!({ "state": "TX" }));
    let old = texas().await;
    assert!(String::from_utf8_lossy(&old).contains("Flood Watch"));
    fake.always(&path, Reply::json(&data::alerts(&[])));
    clock.advance(120);
    let new = texas().await;
    assert!(!String::from_utf8_lossy(&new).contains("Flood Watch"));
    // Of what stands in for newer data, the age is said each time.
    fake.always(&path, Reply::page(502));
    clock.advance(120);
    for age in [120, 121] {
        let aged: Value = serde_json::from_slice(&texas().await).unwrap();
        assert_eq!(aged["structuredContent"]["ageSeconds"], age);
        clock.advance(1);
    }
}
