//! R21: answers that never come, never end, or are none. Each is told in words and none is kept.
#![expect(
    clippy::print_stdout,
    reason = "the figures are what these tests are for"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{call, impatient_client, text, weather};

/// How long the clients of these tests wait for a whole answer.
const DEADLINE: Duration = Duration::from_millis(300);

/// The memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.unwrap_or(0)
}

#[tokio::test]
async fn r21_a_bad_answer_is_told_in_time_and_never_kept() {
    let never = Arc::new(Semaphore::new(0));
    let alerts = data::alerts(&[]);
    for (name, reply) in [
        ("silence", Reply::json(&alerts).held(&never)),
        ("a byte now and then", Reply::trickling()),
        ("a body that stops", Reply::stalled()),
        ("a connection that breaks", Reply::truncated(&alerts)),
        ("a truncated gzip", Reply::half_a_gzip()),
        ("HTML with status 200", Reply::page(200)),
        ("a body without end", Reply::endless()),
        (
            "the wrong schema",
            Reply::json(&json!({ "features": { "0": 1 } })),
        ),
        ("nulls", Reply::bytes("null")),
        (
            "a redirect to another host",
            Reply::redirect("https://example.com/alerts"),
        ),
        (
            "a redirect to another scheme",
            Reply::redirect("file:///etc/passwd"),
        ),
    ] {
        let fake = FakeNws::start().await;
        fake.next(&data::alerts_path("CA"), 1, &reply);
        fake.always(&data::alerts_path("CA"), Reply::json(&alerts));
        let weather = weather(impatient_client(&fake));
        let state = json!({ "state": "CA" });
        let (start, before) = (Instant::now(), resident());
        let result = call(&weather, "get_alerts", state.clone()).await;
        let (time, grown) = (start.elapsed(), resident().saturating_sub(before));
        println!(
            "R21: {name}: told after {} ms, {grown} KiB more memory",
            time.as_millis()
        );
        assert_eq!(result["isError"], json!(true), "{name}");
        assert!(
            text(&result).starts_with("The National Weather Service"),
            "{name}: {}",
            text(&result)
        );
        assert!(time < DEADLINE * 10, "{name}: {time:?}");
        assert!(grown < 32 * 1024, "{name}: {grown} KiB");
        let next = call(&weather, "get_alerts", state).await;
        assert_eq!(text(&next), "No active alerts for CA.", "{name}");
    }
}

#[tokio::test]
async fn every_documented_problem_is_told_and_costs_no_more_requests_than_help() {
    let alerts = data::alerts(&[]);
    for (status, name, requests, told) in [
        (301, "AdjustPointPrecision", 4, "not the expected data"),
        (400, "InvalidParameter", 1, "refused the request"),
        (403, "Forbidden", 1, "refused the request"),
        (404, "InvalidPoint", 1, "covers the United States"),
        (404, "MarineForecastNotSupported", 1, "lies on water"),
        (404, "InvalidGridpoint", 1, "doesn't find"),
        (404, "InvalidObservationStation", 1, "doesn't find"),
        (500, "UnexpectedProblem", 3, "problem of its own"),
        (503, "ForecastGridExpired", 1, "no current forecast"),
        (503, "ForecastMissingData", 1, "no current forecast"),
        (503, "UnavailableWebService", 2, "problem of its own"),
        (503, "ServiceUnavailable", 2, "problem of its own"),
        (504, "Timeout", 1, "didn't answer in time"),
    ] {
        let fake = FakeNws::start().await;
        let path = data::alerts_path("CA");
        let reply = Reply::problem(status, name).with("location", &path);
        fake.next(&path, requests, &reply);
        fake.always(&path, Reply::json(&alerts));
        let weather = weather(impatient_client(&fake));
        let result = call(&weather, "get_alerts", json!({ "state": "CA" })).await;
        assert_eq!(result["isError"], json!(true), "{name}");
        assert!(text(&result).contains(told), "{name}: {}", text(&result));
        assert!(!text(&result).contains("Invented"), "{}", text(&result));
        println!(
            "NWS {status} {name}: told after {} requests",
            fake.all_requests()
        );
        assert_eq!(fake.all_requests(), requests, "{name}");
    }
}
