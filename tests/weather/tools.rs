//! The tools: what the model reads, what programs get, and what is refused.

use std::sync::{Arc, Mutex};

use gatehouse::backends::weather::Weather;
use gatehouse::backends::{Backend as _, BackendError, CallContext, ProgressSink};
use gatehouse::model::TenantSlug;
use gatehouse::resource_server::Operation;
use gatehouse::telemetry::{Figure, Figures};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{
    call, client, context, fake_with_forecast, object, permit, schema, text, weather,
};

async fn with_alerts(code: &str, properties: &[Value]) -> (FakeNws, Weather) {
    let fake = FakeNws::start().await;
    fake.always(
        &data::alerts_path(code),
        Reply::json(&data::alerts(properties)),
    );
    let weather = weather(client(&fake));
    (fake, weather)
}

#[tokio::test]
async fn a_state_without_alerts_says_so() {
    let (_fake, weather) = with_alerts("CA", &[]).await;
    let result = call(&weather, "get_alerts", json!({ "state": "ca" })).await;
    assert_eq!(text(&result), "No active alerts for CA.");
    assert_eq!(result["isError"], json!(false));
    let expected = json!({
        "state": "CA",
        "count": 0,
        "alerts": [],
        "attribution": "NOAA/National Weather Service",
        "sample": false,
    });
    assert_eq!(result["structuredContent"], expected);
}

#[tokio::test]
async fn alerts_are_told_as_event_and_headline_worst_first() {
    let mut unheaded = data::alert("Dense Fog Advisory", "Minor", "Expected");
    unheaded["headline"] = Value::Null;
    let tornado = data::alert("Tornado Warning", "Extreme", "Immediate");
    let (_fake, weather) = with_alerts("TX", &[unheaded, tornado]).await;
    let result = call(&weather, "get_alerts", json!({ "state": "TX" })).await;
    assert_eq!(
        text(&result),
        "Tornado Warning: Tornado Warning until 1 PM\n\
         Dense Fog Advisory: Test County; Other County"
    );
    let first = &result["structuredContent"]["alerts"][0];
    assert_eq!(first["severity"], "Extreme");
    assert_eq!(first["areaDesc"], "Test County; Other County");
    assert_eq!(first["expires"], "2026-03-04T13:00:00-06:00");
    assert_eq!(first["instruction"], "Stay away.");
}

#[tokio::test]
async fn five_alerts_are_told_and_the_others_counted() {
    let many: Vec<Value> = (0..7)
        .map(|n| data::alert(&format!("A{n}"), "Minor", "Future"))
        .collect();
    let (_fake, weather) = with_alerts("TX", &many).await;
    let result = call(&weather, "get_alerts", json!({ "state": "TX" })).await;
    let lines: Vec<&str> = text(&result).lines().collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[4..], ["A4: A4 until 1 PM", "…and 2 more."]);
    assert_eq!(result["structuredContent"]["count"], 7);
    assert_eq!(
        result["structuredContent"]["alerts"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
}

#[tokio::test]
async fn a_forecast_is_told_in_seven_periods() {
    let fake = fake_with_forecast().await;
    let weather = weather(client(&fake));
    let place = json!({ "latitude": 31.500_01, "longitude": -97.25 });
    let result = call(&weather, "get_forecast", place).await;
    let lines: Vec<&str> = text(&result).lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "Period 1: 70°F — Sunny");
    let structured = &result["structuredContent"];
    assert_eq!(structured["latitude"], json!(31.5));
    assert_eq!(structured["city"], "Testville");
    assert_eq!(structured["attribution"], "NOAA/National Weather Service");
    assert_eq!(structured["periods"].as_array().unwrap().len(), 14);
    assert_eq!(structured["periods"][0]["windSpeed"], "5 to 10 mph");
    assert_eq!(
        structured["periods"][0]["probabilityOfPrecipitation"],
        json!(10.0)
    );
}

#[tokio::test]
async fn a_forecast_reports_its_two_steps() {
    let fake = fake_with_forecast().await;
    let weather = weather(client(&fake));
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let reports = Arc::clone(&reports);
        ProgressSink::new(move |report| reports.lock().unwrap().push(report))
    };
    let context = CallContext {
        progress: Some(sink),
        ..context()
    };
    let permit = permit(Operation::CallTool("get_forecast".to_owned()));
    let place = object(json!({ "latitude": 31.5, "longitude": -97.25 }));
    weather
        .call_tool(&permit, "get_forecast", place, &context)
        .await
        .unwrap();
    let steps: Vec<_> = reports
        .lock()
        .unwrap()
        .iter()
        .map(|report| (report.progress, report.total))
        .collect();
    assert_eq!(steps, [(1.0, Some(2.0)), (2.0, Some(2.0))]);
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let fake = FakeNws::start().await;
    let never = Arc::new(Semaphore::new(0));
    let reply = Reply::json(&data::alerts(&[])).held(&never);
    fake.always(&data::alerts_path("CA"), reply);
    let weather = weather(client(&fake));
    let cancellation = CancellationToken::new();
    let context = CallContext {
        cancellation: cancellation.clone(),
        ..CallContext::default()
    };
    let permit = permit(Operation::CallTool("get_alerts".to_owned()));
    let arguments = object(json!({ "state": "CA" }));
    let call = weather.call_tool(&permit, "get_alerts", arguments, &context);
    let cancel = async {
        fake.arrived(1).await;
        cancellation.cancel();
    };
    let (answer, ()) = tokio::join!(call, cancel);
    assert_eq!(answer.unwrap_err(), BackendError::Cancelled);
}

#[tokio::test]
async fn wrong_arguments_are_answered_in_words_and_ask_nobody() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    for (tool, arguments, told) in [
        ("get_alerts", json!({}), "It is not clear where"),
        ("get_alerts", json!({ "state": 7 }), "expected a string"),
        (
            "get_alerts",
            json!({ "state": "California" }),
            "two letters",
        ),
        ("get_alerts", json!({ "state": "ZZ" }), "two letters"),
        ("get_alerts", json!({ "state": "AM" }), "two letters"),
        (
            "get_alerts",
            json!({ "state": "CA", "city": "x" }),
            "unknown field `city`",
        ),
        (
            "get_forecast",
            json!({ "latitude": 1 }),
            "missing field `longitude`",
        ),
        (
            "get_forecast",
            json!({ "latitude": "1", "longitude": 2 }),
            "latitude` (-90 to 90)",
        ),
        (
            "get_forecast",
            json!({ "latitude": 90.1, "longitude": 2 }),
            "-90 to 90",
        ),
        (
            "get_forecast",
            json!({ "latitude": 1, "longitude": -180.1 }),
            "-180 to 180",
        ),
        (
            "get_forecast",
            json!({ "latitude": null, "longitude": 2 }),
            "-90 to 90",
        ),
        (
            "get_internal_metric",
            json!({ "metric_name": "secrets" }),
            "tool_calls",
        ),
        (
            "get_internal_metric",
            json!({}),
            "missing field `metric_name`",
        ),
    ] {
        let result = call(&weather, tool, arguments.clone()).await;
        assert_eq!(result["isError"], json!(true), "{tool} {arguments}");
        assert!(
            text(&result).contains(told),
            "{tool} {arguments}: {}",
            text(&result)
        );
        assert!(result.get("structuredContent").is_none());
    }
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn a_failure_of_the_service_is_told_to_the_model() {
    let fake = FakeNws::start().await;
    fake.always("/points/51.5,0", Reply::problem(404, "InvalidPoint"));
    let weather = weather(client(&fake));
    let london = json!({ "latitude": 51.5, "longitude": 0 });
    let result = call(&weather, "get_forecast", london).await;
    assert_eq!(result["isError"], json!(true));
    assert!(text(&result).contains("United States"));
    assert!(!text(&result).contains("Invented"));
}

#[tokio::test]
async fn a_metric_is_of_the_callers_tenant() {
    let fake = FakeNws::start().await;
    let figures = Arc::new(Figures::default());
    let weather = Weather::new(Arc::new(client(&fake)), Arc::clone(&figures));
    figures.count(&"other".parse().unwrap(), Figure::ToolCalls);
    for _ in 0..3 {
        figures.count(&TenantSlug::default(), Figure::ToolCalls);
    }
    let metric = json!({ "metric_name": "tool_calls" });
    let result = call(&weather, "get_internal_metric", metric).await;
    assert_eq!(text(&result), "tool_calls: 3");
    let expected = json!({ "metricName": "tool_calls", "tenant": "default", "value": 3 });
    assert_eq!(result["structuredContent"], expected);
}

#[tokio::test]
async fn a_permit_for_one_thing_opens_no_other() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let alerts = permit(Operation::CallTool("get_alerts".to_owned()));
    let context = context();
    let metric = object(json!({ "metric_name": "requests" }));
    let answer = weather
        .call_tool(&alerts, "get_internal_metric", metric, &context)
        .await;
    assert_eq!(answer.unwrap_err(), BackendError::UnknownTool);
    let answer = weather
        .read_resource(&alerts, "config://app", &context)
        .await;
    assert_eq!(answer.unwrap_err(), BackendError::UnknownResource);
    let state = object(json!({ "state": "CA" }));
    let answer = weather
        .get_prompt(&alerts, "emergency_summary", state, &context)
        .await;
    assert_eq!(answer.unwrap_err(), BackendError::UnknownPrompt);
}

#[tokio::test]
async fn an_unknown_tool_is_unknown() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let permit = permit(Operation::CallTool("get_tides".to_owned()));
    let answer = weather
        .call_tool(&permit, "get_tides", Map::new(), &context())
        .await;
    assert_eq!(answer.unwrap_err(), BackendError::UnknownTool);
}

#[tokio::test]
async fn every_tool_says_what_it_takes_gives_and_does() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let catalogue = weather.catalogue().await;
    let names: Vec<&str> = catalogue
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "get_alerts",
            "get_forecast",
            "get_hourly_forecast",
            "get_current_conditions",
            "get_alert",
            "get_forecast_discussion",
            "export_observations",
            "summarize_alerts",
            "get_internal_metric",
        ]
    );
    for tool in &catalogue.tools {
        let json = Value::Object(tool.json.clone());
        assert_eq!(json["name"], tool.name.as_str());
        assert!(json["title"].is_string() && json["description"].is_string());
        assert_eq!(json["annotations"]["readOnlyHint"], json!(true));
        assert_eq!(json["annotations"]["destructiveHint"], json!(false));
        assert_eq!(json["annotations"]["idempotentHint"], json!(true));
        let open_world = tool.name != "get_internal_metric";
        assert_eq!(json["annotations"]["openWorldHint"], json!(open_world));
        for schema in ["inputSchema", "outputSchema"] {
            assert_eq!(json[schema]["type"], "object");
            assert!(
                jsonschema::meta::is_valid(&json[schema]),
                "{}",
                json[schema]
            );
            assert!(!json[schema].to_string().contains("\"$ref\""));
        }
        assert_eq!(json["inputSchema"]["additionalProperties"], json!(false));
        for (_, property) in json["inputSchema"]["properties"].as_object().unwrap() {
            assert!(property["description"].is_string());
        }
    }
}

#[tokio::test]
async fn the_input_schemas_say_ranges_and_choices() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let forecast = schema(&weather, "get_forecast", "inputSchema").await;
    assert_eq!(forecast["properties"]["latitude"]["maximum"], json!(90.0));
    assert_eq!(
        forecast["properties"]["longitude"]["minimum"],
        json!(-180.0)
    );
    assert_eq!(forecast["required"], json!(["latitude", "longitude"]));
    let metric = schema(&weather, "get_internal_metric", "inputSchema").await;
    assert_eq!(
        metric["properties"]["metric_name"]["enum"],
        json!(Figure::ALL.map(Figure::name))
    );
}
