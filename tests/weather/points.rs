//! What the tools say of points: hours, the sea, and the present weather.

use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{SOMEWHERE_PATH, call, client, fake_with_forecast, text, weather};

const PLACE: [(&str, f64); 2] = [("latitude", 31.5), ("longitude", -97.25)];

fn place() -> Value {
    PLACE
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

async fn fake_with(path: &str, reply: &Value) -> FakeNws {
    let fake = fake_with_forecast().await;
    fake.always(path, Reply::json(reply));
    fake
}

#[tokio::test]
async fn a_forecast_names_the_office_of_its_point() {
    let fake = fake_with_forecast().await;
    let result = call(&weather(client(&fake)), "get_forecast", place()).await;
    assert_eq!(result["structuredContent"]["office"], "TST");
}

#[tokio::test]
async fn hours_are_told_from_the_present_one_on() {
    let fake = fake_with(data::HOURLY_PATH, &data::hourly()).await;
    let weather = weather(client(&fake));
    let mut arguments = place();
    arguments["hours"] = json!(2);
    let result = call(&weather, "get_hourly_forecast", arguments).await;
    assert_eq!(
        text(&result),
        "Wed 18:00: 3°F — Sunny — 10% precipitation\nWed 19:00: 4°F — Sunny — 10% precipitation"
    );
    let hours = result["structuredContent"]["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 2);
    assert_eq!(hours[0]["dewpointCelsius"], json!(4.4));
    assert_eq!(hours[0]["relativeHumidity"], json!(43.0));
    let usual = call(&weather, "get_hourly_forecast", place()).await;
    assert_eq!(text(&usual).lines().count(), 24);
    assert_eq!(fake.requests(data::HOURLY_PATH), 1);
}

#[tokio::test]
async fn hours_beyond_the_forecast_are_refused() {
    let fake = fake_with_forecast().await;
    for hours in [json!(0), json!(157), json!(-1), json!(1.5), json!("3")] {
        let mut arguments = place();
        arguments["hours"] = hours;
        let result = call(&weather(client(&fake)), "get_hourly_forecast", arguments).await;
        assert_eq!(result["isError"], json!(true));
        assert!(text(&result).contains("1 to 156"), "{}", text(&result));
    }
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn a_forecast_at_sea_is_made_of_the_grids_numbers() {
    let fake = fake_with(data::GRID_PATH, &data::grid()).await;
    let marine = Reply::problem(404, "MarineForecastNotSupported");
    fake.always(data::FORECAST_PATH, marine.clone());
    fake.always(data::HOURLY_PATH, marine);
    let weather = weather(client(&fake));
    let result = call(&weather, "get_forecast", place()).await;
    assert_eq!(
        text(&result),
        "This Afternoon: 50°F — Mostly sunny, seas 4 ft\n\
         Tonight: 41°F — Slight chance light rain showers, seas 6 ft\n\
         Thursday: 41°F — Cloudy, seas 6 ft"
    );
    let first = &result["structuredContent"]["periods"][0];
    assert_eq!(first["windSpeed"], "10 kt");
    assert_eq!(first["windGust"], "30 kt");
    assert_eq!(first["windDirection"], "W");
    assert_eq!(first["waveHeight"], "4 ft");
    let result = call(&weather, "get_hourly_forecast", place()).await;
    let lines: Vec<&str> = text(&result).lines().collect();
    assert_eq!(lines.len(), 24);
    assert_eq!(
        lines[0],
        "Wed 12:00: 50°F — Mostly sunny, seas 4 ft — 5% precipitation"
    );
}

#[tokio::test]
async fn a_point_that_is_known_to_be_at_sea_is_not_asked_for_words() {
    let fake = fake_with(data::GRID_PATH, &data::grid()).await;
    let mut point = data::point();
    point["properties"]["type"] = json!("marine");
    fake.always(SOMEWHERE_PATH, Reply::json(&point));
    call(&weather(client(&fake)), "get_forecast", place()).await;
    assert_eq!(fake.requests(data::FORECAST_PATH), 0);
}

#[tokio::test]
async fn a_sea_without_numbers_has_no_forecast() {
    let fake = fake_with(data::GRID_PATH, &json!({ "properties": {} })).await;
    let marine = Reply::problem(404, "MarineForecastNotSupported");
    fake.always(data::FORECAST_PATH, marine);
    let result = call(&weather(client(&fake)), "get_forecast", place()).await;
    assert_eq!(result["isError"], json!(true));
    assert!(text(&result).contains("lies on water"));
}

#[tokio::test]
async fn the_present_weather_is_that_of_the_nearest_station_that_knows_it() {
    let fake = fake_with(
        data::STATIONS_PATH,
        &data::stations(["KAAA", "KBBB", "KCCC"]),
    )
    .await;
    let silent = data::observation(5, None);
    fake.always(&data::latest_path("KAAA"), Reply::json(&silent));
    let seen = data::observation(67, Some(17.8));
    fake.always(&data::latest_path("KBBB"), Reply::json(&seen));
    let result = call(&weather(client(&fake)), "get_current_conditions", place()).await;
    assert_eq!(
        text(&result),
        "64°F (17.8°C), Mostly Cloudy\n\
         Wind: 22.2 km/h from 270°\n\
         Humidity: 61.2%\n\
         Pressure: 1013.2 hPa\n\
         Visibility: 16.1 km\n\
         Observed Wed 16:53 UTC at Station KBBB (KBBB), 4.2 km away"
    );
    let observation = &result["structuredContent"]["observation"];
    assert_eq!(observation["temperatureFahrenheit"], json!(64.0));
    assert_eq!(observation["dewpointCelsius"], Value::Null);
    assert_eq!(fake.requests(&data::latest_path("KCCC")), 0);
}

#[tokio::test]
async fn a_station_that_fails_is_passed_over() {
    let fake = fake_with(
        data::STATIONS_PATH,
        &data::stations(["KAAA", "KBBB", "KCCC"]),
    )
    .await;
    let unknown = Reply::problem(404, "InvalidObservationStation");
    fake.always(&data::latest_path("KAAA"), unknown);
    fake.always(
        &data::latest_path("KBBB"),
        Reply::json(&json!({ "features": [] })),
    );
    let old = data::observation(600, Some(1.0));
    fake.always(&data::latest_path("KCCC"), Reply::json(&old));
    let result = call(&weather(client(&fake)), "get_current_conditions", place()).await;
    assert_eq!(result["structuredContent"]["station"]["id"], "KCCC");
}

#[tokio::test]
async fn no_station_is_an_answer_in_words() {
    let fake = fake_with(data::STATIONS_PATH, &json!({ "features": [] })).await;
    let result = call(&weather(client(&fake)), "get_current_conditions", place()).await;
    assert_eq!(result["isError"], json!(true));
    assert!(
        text(&result).contains("No weather station"),
        "{}",
        text(&result)
    );
}
