//! The bundled sample: fresh at any time, and marked as what it is.

use std::sync::Arc;

use gatehouse::backends::weather::Weather;
use gatehouse::nws::{Coordinates, Moment, Nws};
use serde_json::{Value, json};

use crate::fake_nws::data;
use crate::house::{HeldClock, Zeroes, area, call, json_of, read, text, weather};

const DAY: i64 = 86_400;

fn sample_at(seconds: i64) -> Nws {
    Nws::sample(HeldClock::at(seconds), Arc::new(Zeroes))
}

fn sample() -> Weather {
    weather(sample_at(data::NOW))
}

#[tokio::test]
async fn every_answer_says_that_it_is_a_sample() {
    let weather = sample();
    for state in ["CA", "TX"] {
        let result = call(&weather, "get_alerts", json!({ "state": state })).await;
        assert!(
            text(&result).starts_with("Sample data, not real alerts.\n"),
            "{}",
            text(&result)
        );
        assert_eq!(result["structuredContent"]["sample"], json!(true));
    }
    let place = json!({ "latitude": 37.7749, "longitude": -122.4194 });
    let result = call(&weather, "get_forecast", place).await;
    assert!(text(&result).starts_with("Sample data, not a real forecast."));
    assert_eq!(text(&result).lines().count(), 8);
    assert_eq!(result["structuredContent"]["sample"], json!(true));
    for uri in ["config://app", "alerts://TX/active"] {
        let result = json_of(&read(&weather, uri).await.unwrap());
        let read: Value =
            serde_json::from_str(result["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(read["sample"], json!(true));
    }
}

#[tokio::test]
async fn the_sample_has_alerts_for_some_states_at_any_time() {
    for years in [0, 1, 40] {
        for (state, count) in [("CA", 0), ("NY", 2), ("TX", 6), ("FL", 2), ("GU", 0)] {
            let nws = sample_at(data::NOW + years * 365 * DAY);
            let active = nws.active_alerts(area(state)).await.unwrap();
            assert_eq!(active.iter().count(), count, "{state}");
        }
    }
}

#[tokio::test]
async fn the_periods_of_the_sample_are_around_the_present_at_any_hour() {
    let place = Coordinates::new(40.7, -74.0).unwrap();
    for hour in 0..24 {
        let now = data::NOW + hour * 3_600 + 1_234;
        let found = sample_at(now).forecast(place, || ()).await.unwrap();
        let periods = &found.forecast.periods;
        assert_eq!(periods.len(), 14);
        let at = |moment: &Option<Moment>| moment.as_ref().unwrap().at().seconds();
        assert!(at(&periods[0].start_time) <= now && now < at(&periods[0].end_time));
        for pair in periods.windows(2) {
            assert_eq!(at(&pair[0].end_time), at(&pair[1].start_time));
            assert_ne!(pair[0].is_daytime, pair[1].is_daytime);
        }
        for period in periods {
            let by_night = period.name.contains("ight");
            assert_eq!(period.is_daytime, Some(!by_night), "{}", period.name);
        }
    }
}

#[tokio::test]
async fn the_periods_of_the_sample_have_the_names_of_their_days() {
    // 18:00 UTC on a Wednesday is 13:00 in New York.
    let place = Coordinates::new(40.7, -74.0).unwrap();
    let found = sample_at(data::NOW).forecast(place, || ()).await.unwrap();
    let names: Vec<&str> = found
        .forecast
        .periods
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(
        names[..4],
        ["This Afternoon", "Tonight", "Thursday", "Thursday Night"]
    );
    // Nine hours later it is ten in the evening, and five more make it three at night.
    for (hours, expected) in [
        (9, ["Tonight", "Thursday", "Thursday Night"]),
        (14, ["Overnight", "Thursday", "Thursday Night"]),
        (20, ["Today", "Tonight", "Friday"]),
    ] {
        let nws = sample_at(data::NOW + hours * 3_600);
        let found = nws.forecast(place, || ()).await.unwrap();
        let names: Vec<&str> = found
            .forecast
            .periods
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(names[..3], expected);
    }
}

#[tokio::test]
async fn any_other_place_gets_the_nearest_one_of_the_sample() {
    for (latitude, longitude, city) in [
        (34.05, -118.24, "San Francisco"),
        (42.36, -71.06, "New York"),
        (28.54, -81.38, "Miami"),
        (13.44, 144.78, "San Francisco"),
    ] {
        let place = Coordinates::new(latitude, longitude).unwrap();
        let found = sample_at(data::NOW).forecast(place, || ()).await.unwrap();
        assert_eq!(found.point.city.as_deref(), Some(city));
    }
}

#[tokio::test]
async fn every_tool_has_sample_data() {
    let weather = sample();
    let place = json!({ "latitude": 40.7, "longitude": -74.0 });
    let id = "urn:oid:2.49.0.1.840.0.sample-fl-1";
    for (tool, arguments, told) in [
        ("get_alerts", json!({ "zone": "NYZ072" }), "Flood Watch"),
        ("get_alerts", place.clone(), "Flood Watch"),
        ("get_alert", json!({ "id": id }), "Hurricane Warning"),
        ("get_hourly_forecast", place.clone(), "Wed 13:00: "),
        (
            "get_current_conditions",
            place,
            "Observed Wed 17:53 UTC at New York City",
        ),
        (
            "get_forecast_discussion",
            json!({ "office": "OKX" }),
            "Issued Wed Mar 4 2026, 11:00 AM",
        ),
        (
            "export_observations",
            json!({ "station": "KNYC", "days": 7 }),
            "168 observations in 7 days",
        ),
        (
            "summarize_alerts",
            json!({ "state": "FL" }),
            "FL has 2 active alerts",
        ),
    ] {
        let result = call(&weather, tool, arguments).await;
        assert!(
            text(&result).starts_with("Sample data, not "),
            "{tool}: {}",
            text(&result)
        );
        assert!(text(&result).contains(told), "{tool}: {}", text(&result));
        assert_eq!(result["structuredContent"]["sample"], json!(true), "{tool}");
    }
}

#[tokio::test]
async fn the_hours_of_the_sample_follow_one_another_between_highs_and_lows() {
    let place = json!({ "latitude": 40.7, "longitude": -74.0, "hours": 156 });
    for hour in 0..24 {
        let weather = weather(sample_at(data::NOW + hour * 3_600 + 1_234));
        let result = call(&weather, "get_hourly_forecast", place.clone()).await;
        let hours = result["structuredContent"]["hours"].as_array().unwrap();
        assert_eq!(hours.len(), 156);
        for pair in hours.windows(2) {
            assert_eq!(pair[0]["endTime"], pair[1]["startTime"]);
            let step =
                pair[0]["temperature"].as_f64().unwrap() - pair[1]["temperature"].as_f64().unwrap();
            assert!(step.abs() < 20.0, "{pair:?}");
        }
    }
}

#[tokio::test]
async fn what_the_sample_lacks_is_told_in_words() {
    let weather = sample();
    for (tool, arguments) in [
        ("get_alert", json!({ "id": "urn:oid:2.49.0.1.840.0.other" })),
        ("get_forecast_discussion", json!({ "office": "ABQ" })),
        ("export_observations", json!({ "station": "KABQ" })),
    ] {
        let result = call(&weather, tool, arguments).await;
        assert_eq!(result["isError"], json!(true), "{tool}");
    }
}
