//! Bad days at NWS, each with its figure: what callers notice of them, and what NWS notices of us.
#![expect(
    clippy::print_stdout,
    reason = "the figures are what these tests are for"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gatehouse::nws::{ActiveAlerts, Nws, NwsError, Place, Reason, Zone, egress_settings};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, area, call, client_with, fake_with_forecast, settings, somewhere, text, weather,
};

/// A client of `fake`, and the clock that it goes by.
fn clocked(fake: &FakeNws) -> (Nws, Arc<HeldClock>) {
    let clock = HeldClock::at(data::NOW);
    let nws = client_with(settings(fake), &egress_settings(None), Arc::clone(&clock));
    (nws, clock)
}

fn zone(number: usize) -> Zone {
    format!("TXZ{number:03}").parse().unwrap()
}

fn zone_path(number: usize) -> String {
    format!("/alerts/active?status=actual&zone=TXZ{number:03}")
}

type Answer = Result<ActiveAlerts, NwsError>;

/// True for a refusal that says when to come again.
fn is_told_when(answer: &Answer) -> bool {
    let reason = answer.as_ref().map_err(|error| error.reason);
    matches!(reason, Err(Reason::Throttled { seconds: 1.. }))
}

/// The slowest of a hundred.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

/// The same thousand numbers each time, none of them like the next one.
fn scattered() -> impl Iterator<Item = u32> {
    std::iter::successors(Some(12_345_u32), |last| {
        Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    })
    .map(|number| (number >> 16) % 100)
}

#[tokio::test]
async fn r18_three_of_ten_500s_leave_no_caller_without_an_answer() {
    const KEYS: usize = 500;
    let fake = FakeNws::start().await;
    let alerts = Reply::json(&data::alerts(&[]));
    for number in 0..KEYS {
        fake.always(&zone_path(number), alerts.clone());
    }
    let (nws, clock) = clocked(&fake);
    for number in 0..KEYS {
        nws.active_alerts(Place::Zone(zone(number))).await.unwrap();
    }
    let mut chances = scattered();
    for number in 0..KEYS {
        let failures = chances
            .by_ref()
            .take(3)
            .take_while(|chance| *chance < 30)
            .count();
        fake.next(
            &zone_path(number),
            failures,
            &Reply::problem(500, "UnexpectedProblem"),
        );
    }
    let before = fake.all_requests();
    // Past what is handed out without asking.
    clock.advance(120);
    let (mut fresh, mut old, mut failed) = (0, 0, 0);
    for number in 0..KEYS {
        match nws.active_alerts(Place::Zone(zone(number))).await {
            Ok(active) if active.age.is_none() => fresh += 1,
            Ok(_) => old += 1,
            Err(_) => failed += 1,
        }
    }
    let requests = fake.all_requests() - before;
    println!(
        "R18: 30 % of answers are 500s: of {KEYS} calls {fresh} fresh, {old} old with their age, \
         {failed} failed; {requests} requests"
    );
    assert!(failed == 0 && fresh * 100 >= KEYS * 95 && requests < KEYS * 3 / 2);
}

#[tokio::test]
async fn r19_a_late_forecast_is_answered_with_the_last_one_and_asked_for_once_a_minute() {
    let fake = fake_with_forecast().await;
    let (nws, clock) = clocked(&fake);
    nws.forecast(somewhere(), || ()).await.unwrap();
    for name in ["ForecastGridExpired", "ForecastMissingData"] {
        fake.always(data::FORECAST_PATH, Reply::problem(503, name));
        clock.advance(4_300);
        let before = fake.requests(data::FORECAST_PATH);
        for second in 0..600 {
            let found = nws.forecast(somewhere(), || ()).await.unwrap();
            assert!(found.age.is_some(), "{second}");
            clock.advance(1);
        }
        let asked = fake.requests(data::FORECAST_PATH) - before;
        println!("R19: {name}: 600 calls in 600 s had an answer and cost {asked} requests");
        assert!(asked <= 11, "{asked}");
    }
}

#[tokio::test]
async fn r19_the_age_of_an_old_forecast_is_said_and_one_of_yesterday_is_none() {
    let fake = fake_with_forecast().await;
    let (nws, clock) = clocked(&fake);
    let weather = weather(nws);
    let place = json!({ "latitude": 31.5, "longitude": -97.25 });
    call(&weather, "get_forecast", place.clone()).await;
    fake.always(
        data::FORECAST_PATH,
        Reply::problem(503, "ForecastGridExpired"),
    );
    clock.advance(5 * 3_600);
    let result = call(&weather, "get_forecast", place.clone()).await;
    assert_eq!(result["structuredContent"]["ageSeconds"], json!(18_000));
    let told = text(&result);
    assert!(
        told.starts_with("The National Weather Service can't be asked"),
        "{told}"
    );
    assert!(told.contains("this is 5 hours old"), "{told}");
    clock.advance(2 * 3_600);
    let result = call(&weather, "get_forecast", place).await;
    assert_eq!(result["isError"], json!(true));
    assert!(
        text(&result).contains("no current forecast"),
        "{}",
        text(&result)
    );
}

#[tokio::test]
async fn r20_a_block_by_the_edge_is_met_with_few_probes() {
    for (name, block) in [
        ("403 HTML", Reply::page(403)),
        ("429 without Retry-After", Reply::page(429)),
        (
            "429 with Retry-After: 9",
            Reply::page(429).with("retry-after", "9"),
        ),
    ] {
        let fake = FakeNws::start().await;
        let fine = Reply::json(&data::alerts(&[]));
        for number in 0..20 {
            fake.always(&zone_path(number), fine.clone());
        }
        let (nws, clock) = clocked(&fake);
        // Half of the zones have been asked for before.
        for number in 0..10 {
            nws.active_alerts(Place::Zone(zone(number))).await.unwrap();
        }
        clock.advance(61);
        for number in 0..20 {
            fake.always(&zone_path(number), block.clone());
        }
        let before = fake.all_requests();
        nws.active_alerts(Place::Zone(zone(19))).await.unwrap_err();
        let (mut old, mut told) = (0, 0);
        for _ in 0..30 {
            let calls = (0..20).map(|number| nws.active_alerts(Place::Zone(zone(number))));
            let answers = join_all(calls).await;
            let aged = |answer: &&Answer| answer.as_ref().is_ok_and(|active| active.age.is_some());
            old += answers.iter().filter(aged).count();
            told += answers.iter().filter(|answer| is_told_when(answer)).count();
            clock.advance(1);
        }
        let asked = fake.all_requests() - before;
        println!(
            "R20: {name}: 600 calls in a block of 30 s cost {asked} requests; {old} old answers, \
             {told} told when to come again"
        );
        assert_eq!((old, told), (300, 300));
        assert!((2..=6).contains(&asked), "{asked}");
        for number in 0..20 {
            fake.always(&zone_path(number), fine.clone());
        }
        clock.advance(20);
        nws.active_alerts(Place::Zone(zone(19))).await.unwrap();
        let calls = (0..20).map(|number| nws.active_alerts(Place::Zone(zone(number))));
        assert!(join_all(calls).await.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn r20_one_request_at_a_time_finds_out_whether_a_block_is_over() {
    let fake = FakeNws::start().await;
    fake.always(&zone_path(0), Reply::page(403));
    let gate = Arc::new(Semaphore::new(0));
    let held = Reply::json(&data::alerts(&[])).held(&gate);
    for number in 1..20 {
        fake.always(&zone_path(number), held.clone());
    }
    let (nws, clock) = clocked(&fake);
    nws.active_alerts(Place::Zone(zone(0))).await.unwrap_err();
    clock.advance(5);
    let probe = nws.active_alerts(Place::Zone(zone(1)));
    let others = async {
        fake.arrived(2).await;
        let calls = (2..20).map(|number| nws.active_alerts(Place::Zone(zone(number))));
        let refused = join_all(calls).await;
        gate.add_permits(100);
        refused
    };
    let (probed, refused) = tokio::join!(probe, others);
    assert!(probed.is_ok() && refused.iter().all(Result::is_err));
    assert_eq!(fake.all_requests(), 2);
    nws.active_alerts(Place::Zone(zone(2))).await.unwrap();
}

#[tokio::test]
async fn r27_a_thundering_herd_is_one_request_and_an_error_is_not_kept() {
    let fake = FakeNws::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let path = data::alerts_path("CA");
    fake.next(
        &path,
        1,
        &Reply::problem(400, "InvalidParameter").held(&gate),
    );
    fake.always(&path, Reply::json(&data::alerts(&[])).held(&gate));
    let (nws, _clock) = clocked(&fake);
    for (round, fine) in [(1, false), (2, true)] {
        let calls = join_all((0..1_000).map(|_| nws.active_alerts(area("CA"))));
        let release = async {
            fake.arrived(round).await;
            gate.add_permits(1);
        };
        let (answers, ()) = tokio::join!(calls, release);
        assert!(answers.iter().all(|answer| answer.is_ok() == fine));
        assert_eq!(fake.all_requests(), round);
    }
    println!("R27: 1000 calls at once: 1 request when it failed, 1 request when it worked");
}

#[tokio::test]
async fn r28_when_a_popular_answer_expires_nobody_waits_and_one_request_is_made() {
    let fake = FakeNws::start().await;
    let path = data::alerts_path("CA");
    fake.always(&path, Reply::json(&data::alerts(&[])));
    let (nws, clock) = clocked(&fake);
    nws.active_alerts(area("CA")).await.unwrap();
    clock.advance(31);
    let gate = Arc::new(Semaphore::new(0));
    fake.always(&path, Reply::json(&data::alerts(&[])).held(&gate));
    let mut times = Vec::new();
    for _ in 0..1_000 {
        let start = Instant::now();
        let active = nws.active_alerts(area("CA")).await.unwrap();
        times.push(start.elapsed());
        assert_eq!(active.age, None);
    }
    fake.arrived(2).await;
    assert_eq!(fake.all_requests(), 2);
    let slowest = p99(times);
    println!("R28: 1000 calls after expiry, refresh under way: 1 refresh, p99 {slowest:?}");
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    gate.add_permits(1);
}

#[tokio::test]
async fn an_old_answer_is_held_on_to_while_the_refresh_fails_and_given_up_in_time() {
    let fake = FakeNws::start().await;
    let path = data::alerts_path("TX");
    let mut alert = data::alert("Flood Watch", "Severe", "Future");
    alert["expires"] = Value::Null;
    fake.always(&path, Reply::json(&data::alerts(&[alert])));
    let (nws, clock) = clocked(&fake);
    nws.active_alerts(area("TX")).await.unwrap();
    fake.always(&path, Reply::page(502));
    clock.advance(300);
    for _ in 0..9 {
        let active = nws.active_alerts(area("TX")).await.unwrap();
        assert!(active.age.is_some());
        clock.advance(1);
    }
    // What failed is tried again after ten seconds.
    assert_eq!(fake.all_requests(), 2);
    clock.advance(300);
    let error = nws.active_alerts(area("TX")).await.unwrap_err();
    assert_eq!(error.reason, Reason::Unavailable);
    assert!(error.reference.is_some());
    // What is refused for good has no older answer to stand in for it.
    fake.always(&path, Reply::json(&data::alerts(&[])));
    nws.active_alerts(area("TX")).await.unwrap();
    fake.always(&path, Reply::problem(400, "InvalidParameter"));
    clock.advance(120);
    let error = nws.active_alerts(area("TX")).await.unwrap_err();
    assert_eq!(error.reason, Reason::Refused);
}
