//! Every way in which NWS fails, and what is made of it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use gatehouse::egress::{self, EgressError};
use gatehouse::nws::{Nws, Reason, egress_settings};
use http::HeaderMap;
use tokio::sync::Semaphore;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, SOMEWHERE_PATH, area, client, client_with, fake_with_forecast, impatient_client,
    settings, somewhere,
};

/// 200 KiB of zeroes, compressed.
const SMALL_AND_HUGE: &str = "H4sIAAAAAAACA+3BAQ0AAADCoErvn84eDigAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACeDCLaemYAIAMA";

async fn forecast_error(nws: &Nws) -> Reason {
    nws.forecast(somewhere(), || ()).await.unwrap_err().reason
}

async fn fake_with_alerts(reply: Reply) -> FakeNws {
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("CA"), reply);
    fake
}

async fn alerts_error(nws: &Nws) -> Reason {
    nws.active_alerts(area("CA")).await.unwrap_err().reason
}

#[tokio::test]
async fn a_documented_500_is_retried_twice() {
    let fake = fake_with_forecast().await;
    fake.next(
        data::FORECAST_PATH,
        2,
        &Reply::problem(500, "UnexpectedProblem"),
    );
    client(&fake).forecast(somewhere(), || ()).await.unwrap();
    assert_eq!(fake.requests(data::FORECAST_PATH), 3);
}

#[tokio::test]
async fn a_third_500_is_an_error() {
    let fake = fake_with_forecast().await;
    fake.always(
        data::FORECAST_PATH,
        Reply::problem(500, "UnexpectedProblem"),
    );
    assert_eq!(forecast_error(&client(&fake)).await, Reason::Unavailable);
    assert_eq!(fake.requests(data::FORECAST_PATH), 3);
}

#[tokio::test]
async fn an_undocumented_500_is_not_retried() {
    let fake = fake_with_forecast().await;
    fake.always(data::FORECAST_PATH, Reply::page(500));
    assert_eq!(forecast_error(&client(&fake)).await, Reason::Unavailable);
    assert_eq!(fake.requests(data::FORECAST_PATH), 1);
}

#[tokio::test]
async fn a_late_forecast_is_named_and_not_asked_for_again_at_once() {
    for name in ["ForecastGridExpired", "ForecastMissingData"] {
        let fake = fake_with_forecast().await;
        fake.always(data::FORECAST_PATH, Reply::problem(503, name));
        let nws = client(&fake);
        for _ in 0..3 {
            assert_eq!(forecast_error(&nws).await, Reason::ForecastLate);
        }
        assert_eq!(fake.requests(data::FORECAST_PATH), 1);
    }
}

#[tokio::test]
async fn a_503_of_another_kind_is_retried_once() {
    let fake = fake_with_alerts(Reply::problem(503, "UnavailableWebService")).await;
    assert_eq!(alerts_error(&client(&fake)).await, Reason::Unavailable);
    assert_eq!(fake.all_requests(), 2);
}

#[tokio::test]
async fn a_problem_named_by_a_urn_is_the_same_problem() {
    let fake = fake_with_forecast().await;
    let body = r#"{"type":"urn:noaa:nws:api:MarineForecastNotSupported","status":404}"#;
    fake.always(data::FORECAST_PATH, Reply::problem_bytes(404, body));
    client(&fake)
        .forecast(somewhere(), || ())
        .await
        .unwrap_err();
    assert_eq!(fake.requests(data::GRID_PATH), 1);
}

#[tokio::test]
async fn a_point_outside_of_the_united_states_is_remembered() {
    let fake = FakeNws::start().await;
    fake.always(SOMEWHERE_PATH, Reply::problem(404, "InvalidPoint"));
    let nws = client(&fake);
    assert_eq!(forecast_error(&nws).await, Reason::OutsideCoverage);
    assert_eq!(forecast_error(&nws).await, Reason::OutsideCoverage);
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn a_refused_request_is_not_repeated() {
    for (status, name) in [(400, "InvalidParameter"), (403, "Forbidden")] {
        let fake = fake_with_alerts(Reply::problem(status, name)).await;
        assert_eq!(alerts_error(&client(&fake)).await, Reason::Refused);
        assert_eq!(fake.all_requests(), 1);
    }
}

#[tokio::test]
async fn a_403_from_the_edge_pauses_every_request() {
    let fake = fake_with_alerts(Reply::page(403)).await;
    fake.always(&data::alerts_path("NY"), Reply::json(&data::alerts(&[])));
    let clock = HeldClock::at(data::NOW);
    let nws = client_with(settings(&fake), &egress_settings(None), Arc::clone(&clock));

    assert_eq!(alerts_error(&nws).await, Reason::Throttled { seconds: 5 });
    clock.advance(2);
    let meanwhile = nws.active_alerts(area("NY")).await.unwrap_err().reason;
    assert_eq!(meanwhile, Reason::Throttled { seconds: 3 });
    assert_eq!(fake.all_requests(), 1);

    clock.advance(3);
    nws.active_alerts(area("NY")).await.unwrap();
    assert_eq!(fake.all_requests(), 2);
}

#[tokio::test]
async fn what_is_kept_is_served_during_a_pause() {
    let fake = fake_with_alerts(Reply::json(&data::alerts(&[]))).await;
    fake.always(&data::alerts_path("NY"), Reply::page(429));
    let nws = client(&fake);
    nws.active_alerts(area("CA")).await.unwrap();
    nws.active_alerts(area("NY")).await.unwrap_err();
    nws.active_alerts(area("CA")).await.unwrap();
}

#[tokio::test]
async fn a_429_says_for_how_long_to_pause() {
    let in_two_minutes = "Wed, 04 Mar 2026 18:02:00 GMT";
    for (stated, seconds) in [
        (Some("42"), 42),
        (Some("0"), 5),
        (Some("86400"), 300),
        (Some(in_two_minutes), 120),
        (Some("soon"), 5),
        (None, 5),
    ] {
        let reply = Reply::page(429);
        let reply = match stated {
            Some(stated) => reply.with("retry-after", stated),
            None => reply,
        };
        let fake = fake_with_alerts(reply).await;
        let error = alerts_error(&client(&fake)).await;
        assert_eq!(error, Reason::Throttled { seconds }, "{stated:?}");
        assert_eq!(fake.all_requests(), 1);
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_given_up() {
    let never = Arc::new(Semaphore::new(0));
    let silent = Reply::json(&data::alerts(&[])).held(&never);
    for reply in [silent, Reply::stalled(), Reply::trickling()] {
        let fake = fake_with_alerts(reply).await;
        assert_eq!(
            alerts_error(&impatient_client(&fake)).await,
            Reason::TimedOut
        );
        assert_eq!(fake.all_requests(), 1);
    }
}

#[tokio::test]
async fn repetitions_share_one_deadline() {
    let fake = fake_with_alerts(Reply::problem(500, "UnexpectedProblem")).await;
    let mut settings = settings(&fake);
    settings.backoff = Duration::from_mins(10);
    settings.deadline = Duration::from_millis(200);
    let nws = client_with(settings, &egress_settings(None), HeldClock::at(data::NOW));
    assert_eq!(alerts_error(&nws).await, Reason::TimedOut);
}

#[tokio::test]
async fn who_would_wait_long_for_a_turn_is_told_so() {
    let fake = fake_with_alerts(Reply::json(&data::alerts(&[]))).await;
    let mut settings = settings(&fake);
    (settings.requests_per_second, settings.burst) = (NonZeroU32::MIN, NonZeroU32::MIN);
    let nws = client_with(settings, &egress_settings(None), HeldClock::at(data::NOW));
    nws.active_alerts(area("CA")).await.unwrap();
    // Three callers wait for the turns of the next three seconds.
    let mut waiting = ["NY", "TX", "FL"].map(|code| Box::pin(nws.active_alerts(area(code))));
    for call in &mut waiting {
        assert!(call.as_mut().now_or_never().is_none());
    }
    let error = nws.active_alerts(area("AK")).await.unwrap_err().reason;
    assert!(matches!(error, Reason::Throttled { .. }), "{error:?}");
    assert_eq!(fake.all_requests(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error() {
    let fake = fake_with_alerts(Reply::truncated(&data::alerts(&[]))).await;
    assert_eq!(alerts_error(&client(&fake)).await, Reason::Unreachable);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error() {
    let fake = FakeNws::start().await;
    let settings = settings(&fake);
    drop(fake);
    tokio::task::yield_now().await;
    let nws = client_with(settings, &egress_settings(None), HeldClock::at(data::NOW));
    assert_eq!(alerts_error(&nws).await, Reason::Unreachable);
}

#[tokio::test]
async fn what_is_not_the_expected_data_is_an_error() {
    let deep = format!(
        r#"{{"features":[{{"properties":{{"event":{}"#,
        "[".repeat(100_000)
    );
    for reply in [
        Reply::page(200),
        Reply::bytes("not json"),
        Reply::bytes(""),
        Reply::bytes(r#"{"type":"FeatureCollection"}"#),
        Reply::bytes(r#"{"features":null}"#),
        Reply::bytes(r#"{"features":[{"type":"Feature"}]}"#),
        Reply::bytes(deep),
        Reply::oversize(5 * 1024 * 1024),
        Reply::json(&data::alerts(&[])).with("content-type", "text/plain"),
    ] {
        let fake = fake_with_alerts(reply).await;
        assert_eq!(alerts_error(&client(&fake)).await, Reason::Unexpected);
        assert_eq!(fake.all_requests(), 1);
    }
}

#[tokio::test]
async fn a_body_is_measured_after_decompression() {
    let body = STANDARD.decode(SMALL_AND_HUGE).unwrap();
    assert!(body.len() < 1_000);
    let fake = FakeNws::start().await;
    fake.always("/bomb", Reply::bytes(body).with("content-encoding", "gzip"));
    let url = fake.url.join("/bomb").unwrap();
    let client = |max_body| {
        let settings = egress::Settings {
            max_body,
            ..egress_settings(None)
        };
        egress::Client::new(&settings).unwrap()
    };

    let within = client(200 * 1024)
        .get(url.clone(), HeaderMap::new())
        .await
        .unwrap();
    assert_eq!(within.body().len(), 200 * 1024);
    let beyond = client(200 * 1024 - 1)
        .get(url, HeaderMap::new())
        .await
        .unwrap_err();
    assert_eq!(beyond, EgressError::TooLarge);
}

#[tokio::test]
async fn no_error_text_holds_what_came_from_outside() {
    let fake = fake_with_alerts(Reply::problem(400, "InvalidParameter")).await;
    let nws = client(&fake);
    let told = nws.active_alerts(area("CA")).await.unwrap_err().to_string();
    assert!(
        !told.contains("instructions") && !told.contains("Invented"),
        "{told}"
    );
}
