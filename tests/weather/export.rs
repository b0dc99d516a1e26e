//! The export of observations: by days, with progress, in pages, and cancelled.

use std::sync::{Arc, Mutex};

use gatehouse::backends::{Backend as _, BackendError, CallContext, ProgressSink};
use gatehouse::nws::egress_settings;
use gatehouse::resource_server::Operation;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, call, client, client_with, context, json_of, object, permit, settings, text, weather,
};

const DAY: i64 = 24 * 3_600;

/// Where the observations of the day that ends so many days before the present are.
fn day_path(back: i64, cursor: &str) -> String {
    let at = |seconds: i64| data::moment(seconds).replace("+00:00", "Z");
    let end = data::NOW - back * DAY;
    format!(
        "/stations/KTST/observations?start={}&end={}&limit=500{cursor}",
        at(end - DAY),
        at(end)
    )
}

/// So many observations of that day, newest first as NWS sends them.
fn seen(back: i64, count: i64) -> Vec<Value> {
    let at = |index: i64| data::observation(back * 24 * 60 + (index + 1) * 2, Some(12.5));
    (0..count).map(at).collect()
}

fn page(features: &[Value]) -> Reply {
    // A link to a next page is there even when there is none.
    let next = "https://api.weather.gov/stations/KTST/observations?cursor=eyJzIjo1MDB9&limit=500";
    Reply::json(&json!({ "features": features, "pagination": { "next": next } }))
}

async fn fake_with_days(counts: &[i64]) -> FakeNws {
    let fake = FakeNws::start().await;
    for (back, count) in (0..).zip(counts) {
        fake.always(&day_path(back, ""), page(&seen(back, *count)));
    }
    fake
}

#[tokio::test]
async fn days_are_read_one_after_the_other_and_progress_tells_of_each() {
    let fake = fake_with_days(&[24, 24, 24]).await;
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let reports = Arc::clone(&reports);
        ProgressSink::new(move |report| reports.lock().unwrap().push(report))
    };
    let context = CallContext {
        progress: Some(sink),
        ..context()
    };
    let permit = permit(Operation::CallTool("export_observations".to_owned()));
    let arguments = object(json!({ "station": "ktst", "days": 3 }));
    let weather = weather(client(&fake));
    let answer = weather
        .call_tool(&permit, "export_observations", arguments, &context)
        .await
        .unwrap();
    let result = json_of(&answer);
    assert_eq!(result["structuredContent"]["total"], 72);
    let lines: Vec<&str> = text(&result).lines().collect();
    assert_eq!(
        lines[0],
        "KTST: 72 observations in 3 days; 1 to 72 on this page."
    );
    assert_eq!(
        lines[2],
        "Mon 17:12 UTC,12.5,,61.2,270,22.2,,1013.2,16.1,Mostly Cloudy"
    );
    assert_eq!(lines.len(), 74);
    let told: Vec<_> = reports
        .lock()
        .unwrap()
        .iter()
        .map(|report| {
            (
                report.progress,
                report.total,
                report.message.clone().unwrap(),
            )
        })
        .collect();
    let expected = ["2026-03-01", "2026-03-02", "2026-03-03"];
    let expected: Vec<_> = (1_u32..)
        .zip(expected)
        .map(|(done, day)| {
            (
                f64::from(done),
                Some(3.0),
                format!("Read the day from {day}"),
            )
        })
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn pages_follow_one_another_although_time_goes_on() {
    let fake = fake_with_days(&[150, 90]).await;
    let clock = HeldClock::at(data::NOW + 61);
    let nws = client_with(settings(&fake), &egress_settings(None), Arc::clone(&clock));
    let weather = weather(nws);
    let (mut cursor, mut times, mut sizes) = (Value::Null, Vec::new(), Vec::new());
    loop {
        let arguments = json!({ "station": "KTST", "days": 2, "cursor": cursor });
        let result = call(&weather, "export_observations", arguments).await;
        let content = &result["structuredContent"];
        assert_eq!(content["total"], 240);
        let page = content["observations"].as_array().unwrap();
        sizes.push(page.len());
        times.extend(
            page.iter()
                .map(|seen| seen["observedAt"].as_str().unwrap().to_owned()),
        );
        cursor = content["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
        // Another export would end five minutes later by now.
        clock.advance(301);
    }
    assert_eq!(sizes, [100, 100, 40]);
    assert!(times.is_sorted());
    times.dedup();
    assert_eq!(times.len(), 240);
}

#[tokio::test]
async fn a_full_page_of_the_service_is_followed_by_its_cursor_and_not_by_its_link() {
    let fake = FakeNws::start().await;
    fake.always(&day_path(0, ""), page(&seen(0, 500)));
    let rest = json!({ "features": null });
    fake.always(&day_path(0, "&cursor=eyJzIjo1MDB9"), Reply::json(&rest));
    let arguments = json!({ "station": "KTST" });
    let result = call(&weather(client(&fake)), "export_observations", arguments).await;
    assert_eq!(result["structuredContent"]["total"], 500);
    assert_eq!(fake.all_requests(), 2);
}

#[tokio::test]
async fn a_cursor_of_something_else_is_refused() {
    let fake = fake_with_days(&[1]).await;
    let weather = weather(client(&fake));
    for cursor in [
        "",
        "x",
        "MTIz",
        "LTEuMA",
        "MTc3MjAwMDAwMC4w",
        "MTc3MjY0NzIwMC4tMQ",
    ] {
        let arguments = json!({ "station": "KTST", "cursor": cursor });
        let result = call(&weather, "export_observations", arguments).await;
        assert_eq!(result["isError"], json!(true), "{cursor}");
        assert!(text(&result).contains("cursor"), "{}", text(&result));
    }
    for days in [0, 8] {
        let arguments = json!({ "station": "KTST", "days": days });
        let result = call(&weather, "export_observations", arguments).await;
        assert!(text(&result).contains("1 to 7"), "{}", text(&result));
    }
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn an_export_that_is_cancelled_asks_for_no_further_day() {
    let fake = fake_with_days(&[1, 1, 1, 1]).await;
    let never = Arc::new(Semaphore::new(0));
    fake.always(&day_path(2, ""), page(&[]).held(&never));
    let cancellation = CancellationToken::new();
    let context = CallContext {
        cancellation: cancellation.clone(),
        ..context()
    };
    let permit = permit(Operation::CallTool("export_observations".to_owned()));
    let arguments = object(json!({ "station": "KTST", "days": 4 }));
    let weather = weather(client(&fake));
    let call = weather.call_tool(&permit, "export_observations", arguments, &context);
    let cancel = async {
        fake.arrived(2).await;
        cancellation.cancel();
    };
    let (answer, ()) = tokio::join!(call, cancel);
    assert_eq!(answer.unwrap_err(), BackendError::Cancelled);
    never.add_permits(1);
    assert_eq!(fake.all_requests(), 2);
}

#[tokio::test]
async fn a_station_that_nobody_knows_is_told_so() {
    let fake = FakeNws::start().await;
    let arguments = json!({ "station": "KTST" });
    let result = call(&weather(client(&fake)), "export_observations", arguments).await;
    assert_eq!(result["isError"], json!(true));
    assert!(
        text(&result).contains("doesn't know this station"),
        "{}",
        text(&result)
    );
}
