//! Budgets at the MCP endpoint: people, their tools, clients, tenants.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::{ACME, Place, ROOT, wait};

const METRIC: &str = "get_internal_metric";

/// The error of JSON-RPC that says so, with the id of its request.
async fn refused(response: Response, id: Value) {
    let seconds = wait(&response);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let mut body: Value = response.json().await.unwrap();
    let data = body["error"]["data"].as_object_mut().unwrap();
    assert!(data.remove("logReference").unwrap().is_string());
    let expected = json!({
        "jsonrpc": "2.0",
        "id": id,
        "error": {
            "code": 429,
            "message": format!("Too many requests: try again in {seconds} s"),
            "data": { "retryAfterSeconds": seconds },
        },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn one_person_who_asks_too_often_is_refused_and_another_is_not() {
    let place = Place::with("per_principal = \"3/h\"");
    let (ada, bob) = (place.token("default", "ada"), place.token("default", "bob"));
    for _ in 0..3 {
        assert_eq!(
            place.call(ROOT, &ada, METRIC).await.status(),
            StatusCode::OK
        );
    }
    refused(place.call(ROOT, &ada, METRIC).await, Value::Null).await;
    assert_eq!(
        place.call(ROOT, &bob, METRIC).await.status(),
        StatusCode::OK
    );
    // It is the person that counts, whatever token they come with.
    let again = place.another_token("default", "ada");
    refused(place.call(ROOT, &again, METRIC).await, Value::Null).await;
}

#[tokio::test]
async fn a_tool_has_a_budget_of_its_own_and_so_have_all_calls() {
    let place = Place::with("tool_calls = \"4/h\"\nper_tool = { get_internal_metric = \"2/h\" }");
    let ada = place.token("default", "ada");
    for _ in 0..2 {
        assert_eq!(
            place.call(ROOT, &ada, METRIC).await.status(),
            StatusCode::OK
        );
    }
    refused(place.call(ROOT, &ada, METRIC).await, json!("seven")).await;
    // What was refused for the tool counts for nothing else: two calls are left.
    for _ in 0..2 {
        let other = place.call(ROOT, &ada, "get_alerts").await;
        assert_eq!(other.status(), StatusCode::OK);
    }
    refused(place.call(ROOT, &ada, "get_alerts").await, json!("seven")).await;
    // A tool that isn't there, and whatever is no call, is not counted.
    let bob = place.token("default", "bob");
    for _ in 0..6 {
        let unknown = place.call(ROOT, &bob, "get_nothing").await;
        assert_eq!(unknown.status(), StatusCode::OK);
    }
    assert_eq!(
        place.call(ROOT, &bob, METRIC).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn m05_a_tenant_that_has_used_up_its_budget_takes_nothing_from_another() {
    let place = Place::with("per_tenant = \"3/h\"");
    let (ada, bob) = (place.token("default", "ada"), place.token("default", "bob"));
    let eve = place.token("acme", "eve");
    for token in [&ada, &bob, &ada] {
        assert_eq!(
            place.call(ROOT, token, METRIC).await.status(),
            StatusCode::OK
        );
    }
    for token in [&ada, &bob, &ada] {
        refused(place.call(ROOT, token, METRIC).await, Value::Null).await;
    }
    assert_eq!(
        place.call(ACME, &eve, METRIC).await.status(),
        StatusCode::OK
    );
    // Whoever has no good token uses up nothing of it.
    for _ in 0..5 {
        let stranger = place.call(ACME, "none", METRIC).await;
        assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(
        place.call(ACME, &eve, METRIC).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_client_has_one_budget_for_all_of_its_people_and_refusals_are_counted() {
    let place = Place::with("per_principal = \"3/h\"\nper_client = \"5/h\"");
    let (ada, bob) = (place.token("default", "ada"), place.token("default", "bob"));
    for _ in 0..3 {
        assert_eq!(
            place.call(ROOT, &ada, METRIC).await.status(),
            StatusCode::OK
        );
    }
    for _ in 0..4 {
        refused(place.call(ROOT, &ada, METRIC).await, Value::Null).await;
    }
    // Both come by the same client, which has two requests left.
    let counted = place.call(ROOT, &bob, METRIC).await;
    let counted: Value = counted.json().await.unwrap();
    let counted = &counted["result"]["structuredContent"];
    assert_eq!(
        (&counted["metricName"], &counted["value"]),
        (&json!("rate_refusals"), &json!(4))
    );
    assert_eq!(
        place.call(ROOT, &bob, METRIC).await.status(),
        StatusCode::OK
    );
    refused(place.call(ROOT, &bob, METRIC).await, Value::Null).await;
}
