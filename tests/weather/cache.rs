//! What is kept, for how long, and who waits for whom.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join, join_all};
use gatehouse::nws::{Reason, egress_settings};
use tokio::sync::Semaphore;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, SOMEWHERE_PATH, area, client, client_with, fake_with_forecast, settings, somewhere,
};

#[tokio::test]
async fn a_hundred_callers_at_once_make_one_request() {
    let fake = FakeNws::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::json(&data::alerts(&[])).held(&gate);
    fake.always(&data::alerts_path("CA"), reply);
    let nws = client(&fake);

    let calls = join_all((0..100).map(|_| nws.active_alerts(area("CA"))));
    let release = async {
        fake.arrived(1).await;
        gate.add_permits(100);
    };
    let (answers, ()) = join(calls, release).await;

    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn a_hundred_forecasts_at_once_make_two_requests() {
    let fake = fake_with_forecast().await;
    let nws = client(&fake);
    let answers = join_all((0..100).map(|_| nws.forecast(somewhere(), || ()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(fake.requests(SOMEWHERE_PATH), 1);
    assert_eq!(fake.requests(data::FORECAST_PATH), 1);
}

#[tokio::test]
async fn an_error_is_not_kept() {
    let fake = FakeNws::start().await;
    fake.next(
        &data::alerts_path("CA"),
        1,
        &Reply::problem(400, "InvalidParameter"),
    );
    fake.always(&data::alerts_path("CA"), Reply::json(&data::alerts(&[])));
    let nws = client(&fake);
    assert_eq!(
        nws.active_alerts(area("CA")).await.unwrap_err().reason,
        Reason::Refused
    );
    nws.active_alerts(area("CA")).await.unwrap();
    assert_eq!(fake.all_requests(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nobody_along() {
    let fake = FakeNws::start().await;
    let gate = Arc::new(Semaphore::new(0));
    let reply = Reply::json(&data::alerts(&[])).held(&gate);
    fake.always(&data::alerts_path("CA"), reply);
    let nws = Arc::new(client(&fake));
    let leader = tokio::spawn({
        let nws = Arc::clone(&nws);
        async move { nws.active_alerts(area("CA")).await.map(drop) }
    });
    fake.arrived(1).await;
    let mut follower = Box::pin(nws.active_alerts(area("CA")));
    assert!(follower.as_mut().now_or_never().is_none());

    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.add_permits(1);

    follower.await.unwrap();
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn an_alert_that_ended_is_dropped_from_what_is_kept() {
    let fake = FakeNws::start().await;
    let mut long = data::alert("long", "Minor", "Expected");
    // The event goes on after the message expired.
    long["ends"] = "2026-03-05T06:00:00-06:00".into();
    let short = data::alert("short", "Severe", "Immediate");
    fake.always(
        &data::alerts_path("TX"),
        Reply::json(&data::alerts(&[long, short])),
    );
    let clock = HeldClock::at(data::NOW + 3_590);
    let nws = client_with(settings(&fake), &egress_settings(None), Arc::clone(&clock));

    let before = nws.active_alerts(area("TX")).await.unwrap();
    assert_eq!(before.iter().count(), 2);
    clock.advance(10);
    let after = nws.active_alerts(area("TX")).await.unwrap();
    let events: Vec<_> = after
        .iter()
        .filter_map(|alert| alert.event.as_deref())
        .collect();
    assert_eq!(events, ["long"]);
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn alerts_are_kept_for_as_long_as_the_answer_says_above_the_floor() {
    let fake = FakeNws::start().await;
    let reply = Reply::json(&data::alerts(&[])).with("cache-control", "public, max-age=20");
    fake.always(&data::alerts_path("CA"), reply);
    let clock = HeldClock::at(data::NOW);
    let mut settings = settings(&fake);
    settings.alerts_ttl = Duration::from_secs(10);
    let nws = client_with(settings.clone(), &egress_settings(None), Arc::clone(&clock));
    settings.alerts_ttl = Duration::from_secs(30);
    let careful = client_with(settings, &egress_settings(None), Arc::clone(&clock));
    for nws in [&nws, &careful] {
        nws.active_alerts(area("CA")).await.unwrap();
    }
    clock.advance(19);
    for nws in [&nws, &careful] {
        nws.active_alerts(area("CA")).await.unwrap();
    }
    assert_eq!(fake.all_requests(), 2);
    clock.advance(1);
    careful.active_alerts(area("CA")).await.unwrap();
    nws.active_alerts(area("CA")).await.unwrap();
    fake.arrived(3).await;
}
