//! What is asked of NWS, and where.

use gatehouse::nws::{Reason, egress_settings};
use serde_json::json;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    HeldClock, SOMEWHERE_PATH, area, client, client_with, fake_with_forecast, settings, somewhere,
};

#[tokio::test]
async fn a_request_names_the_gateway_and_its_contact_and_asks_for_compressed_geojson() {
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("CA"), Reply::json(&data::alerts(&[])));
    let egress = egress_settings(Some("ops@example.com"));
    let nws = client_with(settings(&fake), &egress, HeldClock::at(data::NOW));

    nws.active_alerts(area("CA")).await.unwrap();

    let headers = fake.last_headers();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        headers["user-agent"],
        format!("gatehouse/{version} (ops@example.com)")
    );
    assert_eq!(headers["accept"], "application/geo+json");
    assert!(
        headers["accept-encoding"]
            .to_str()
            .unwrap()
            .contains("gzip")
    );
    // Only the documented path and parameters: NWS answers 400 to any other.
    assert_eq!(fake.requests(&data::alerts_path("CA")), 1);
    assert_eq!(fake.all_requests(), 1);
}

#[test]
fn without_a_contact_the_request_still_names_the_gateway() {
    let name = egress_settings(None).user_agent;
    assert_eq!(name, format!("gatehouse/{}", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_lower_case_state_asks_for_the_same_alerts() {
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("PR"), Reply::json(&data::alerts(&[])));
    client(&fake).active_alerts(area("pr")).await.unwrap();
    assert_eq!(fake.requests(&data::alerts_path("PR")), 1);
}

#[tokio::test]
async fn a_relative_redirect_is_followed() {
    let fake = fake_with_forecast().await;
    fake.always(SOMEWHERE_PATH, Reply::redirect("/points/31.5001,-97.2501"));
    fake.always("/points/31.5001,-97.2501", Reply::json(&data::point()));
    let found = client(&fake).forecast(somewhere(), || ()).await.unwrap();
    assert_eq!(found.forecast.periods.len(), 14);
}

#[tokio::test]
async fn a_fourth_redirect_is_not_followed() {
    let fake = fake_with_forecast().await;
    fake.always(SOMEWHERE_PATH, Reply::redirect(SOMEWHERE_PATH));
    let error = client(&fake)
        .forecast(somewhere(), || ())
        .await
        .unwrap_err()
        .reason;
    assert_eq!(error, Reason::Unexpected);
    assert_eq!(fake.requests(SOMEWHERE_PATH), 4);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let (fake, elsewhere) = (FakeNws::start().await, FakeNws::start().await);
    for location in [
        format!("{}points/31.5,-97.25", elsewhere.url),
        format!("//{}/points/31.5,-97.25", elsewhere.url.authority()),
        "http://169.254.169.254/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        fake.next(SOMEWHERE_PATH, 1, &Reply::redirect(&location));
        let error = client(&fake)
            .forecast(somewhere(), || ())
            .await
            .unwrap_err()
            .reason;
        assert_eq!(error, Reason::Unexpected, "{location}");
    }
    assert_eq!(elsewhere.all_requests(), 0);
}

#[tokio::test]
async fn an_address_in_a_body_is_never_asked() {
    let (fake, elsewhere) = (fake_with_forecast().await, FakeNws::start().await);
    let mut point = data::point();
    for link in ["forecast", "forecastHourly", "@id"] {
        point["properties"][link] = json!(format!("{}{link}", elsewhere.url));
    }
    fake.always(SOMEWHERE_PATH, Reply::json(&point));
    client(&fake).forecast(somewhere(), || ()).await.unwrap();
    assert_eq!(elsewhere.all_requests(), 0);
    assert_eq!(fake.requests(data::FORECAST_PATH), 1);
}

#[tokio::test]
async fn a_grid_that_is_no_grid_never_becomes_a_path() {
    for office in ["../", "tst", "TSTX", "T/T", "", "T1T", "ÄB"] {
        let fake = fake_with_forecast().await;
        fake.always(SOMEWHERE_PATH, Reply::json(&data::point_in(office, 12, 34)));
        let error = client(&fake)
            .forecast(somewhere(), || ())
            .await
            .unwrap_err()
            .reason;
        assert_eq!(error, Reason::NotFound, "{office}");
        assert_eq!(fake.all_requests(), 1, "{office}");
    }
}

#[tokio::test]
async fn a_point_that_moved_to_another_grid_cell_is_looked_up_again() {
    let fake = FakeNws::start().await;
    fake.next(
        SOMEWHERE_PATH,
        1,
        &Reply::json(&data::point_in("OLD", 1, 2)),
    );
    fake.always(SOMEWHERE_PATH, Reply::json(&data::point()));
    fake.always(
        "/gridpoints/OLD/1,2/forecast",
        Reply::problem(404, "InvalidGridpoint"),
    );
    fake.always(data::FORECAST_PATH, Reply::json(&data::forecast()));
    client(&fake).forecast(somewhere(), || ()).await.unwrap();
    assert_eq!(fake.requests(SOMEWHERE_PATH), 2);
}

#[tokio::test]
async fn a_grid_cell_that_stays_unknown_is_looked_up_no_third_time() {
    let fake = fake_with_forecast().await;
    fake.always(data::FORECAST_PATH, Reply::problem(404, "InvalidGridpoint"));
    let error = client(&fake)
        .forecast(somewhere(), || ())
        .await
        .unwrap_err()
        .reason;
    assert_eq!(error, Reason::NotFound);
    assert_eq!(fake.requests(SOMEWHERE_PATH), 2);
    assert_eq!(fake.requests(data::FORECAST_PATH), 1);
}
