//! The resources, the prompt and completion.

use gatehouse::backends::{Backend as _, BackendError};
use gatehouse::resource_server::Operation;
use serde_json::{Value, json};

use crate::fake_nws::{FakeNws, Reply, data};
use crate::house::{client, context, json_of, object, permit, read, weather};

async fn complete(reference: Value, argument: &str, value: &str) -> Result<Value, BackendError> {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let params = json!({
        "ref": reference,
        "argument": { "name": argument, "value": value },
        "context": { "arguments": {} },
    });
    let permit = permit(Operation::Converse);
    let answer = weather
        .complete(&permit, &object(params), &context())
        .await?;
    Ok(json_of(&answer))
}

async fn prompt(name: &str, arguments: Value) -> Result<Value, BackendError> {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let permit = permit(Operation::GetPrompt(name.to_owned()));
    let answer = weather
        .get_prompt(&permit, name, object(arguments), &context())
        .await?;
    Ok(json_of(&answer))
}

#[tokio::test]
async fn the_configuration_names_no_host_and_no_secret() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    let answer = read(&weather, "config://app").await.unwrap();
    let result = json_of(&answer);
    let contents = &result["contents"][0];
    assert_eq!(contents["uri"], "config://app");
    assert_eq!(contents["mimeType"], "application/json");
    let text = contents["text"].as_str().unwrap();
    assert!(
        !text.contains("127.0.0.1") && !text.contains("http"),
        "{text}"
    );
    let configuration: Value = serde_json::from_str(text).unwrap();
    assert_eq!(configuration["alertsCacheSeconds"], 30);
    assert_eq!(configuration["sample"], json!(false));
    assert_eq!(
        configuration["attribution"],
        "NOAA/National Weather Service"
    );
}

#[tokio::test]
async fn the_alerts_of_a_state_are_a_resource() {
    let fake = FakeNws::start().await;
    let alert = data::alert("Flood Watch", "Severe", "Future");
    fake.always(
        &data::alerts_path("TX"),
        Reply::json(&data::alerts(&[alert])),
    );
    let weather = weather(client(&fake));
    let answer = read(&weather, "alerts://TX/active").await.unwrap();
    assert_eq!(answer.ttl_ms, 30_000);
    let result = json_of(&answer);
    assert_eq!(result["contents"][0]["uri"], "alerts://TX/active");
    let text = result["contents"][0]["text"].as_str().unwrap();
    let alerts: Value = serde_json::from_str(text).unwrap();
    assert_eq!(alerts["alerts"][0]["event"], "Flood Watch");
}

#[tokio::test]
async fn what_is_no_resource_is_unknown() {
    let fake = FakeNws::start().await;
    let weather = weather(client(&fake));
    for uri in [
        "alerts://ZZ/active",
        "alerts://{state}/active",
        "alerts:///active",
        "alerts://CA/active/",
        "alerts://CA/../TX/active",
        "config://app/",
        "config://other",
        "file:///etc/passwd",
    ] {
        let error = read(&weather, uri).await.unwrap_err();
        assert_eq!(error, BackendError::UnknownResource, "{uri}");
    }
    assert_eq!(fake.all_requests(), 0);
}

#[tokio::test]
async fn alerts_that_cannot_be_had_are_unavailable() {
    let fake = FakeNws::start().await;
    fake.always(&data::alerts_path("TX"), Reply::page(502));
    let error = read(&weather(client(&fake)), "alerts://TX/active")
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn the_prompt_names_the_tool_and_the_resource() {
    let result = prompt("emergency_summary", json!({ "state": "fl" }))
        .await
        .unwrap();
    let message = &result["messages"][0];
    assert_eq!(message["role"], "user");
    assert_eq!(message["content"]["type"], "text");
    let text = message["content"]["text"].as_str().unwrap();
    assert!(
        text.contains("`get_alerts`") && text.contains("alerts://FL/active"),
        "{text}"
    );
}

#[tokio::test]
async fn a_prompt_with_wrong_arguments_is_refused() {
    for arguments in [
        json!({}),
        json!({ "state": "ZZ" }),
        json!({ "state": 1 }),
        json!({ "state": "FL", "tone": "calm" }),
    ] {
        let error = prompt("emergency_summary", arguments.clone())
            .await
            .unwrap_err();
        assert!(
            matches!(error, BackendError::InvalidParams(_)),
            "{arguments}"
        );
    }
    let error = prompt("other", json!({})).await.unwrap_err();
    assert_eq!(error, BackendError::UnknownPrompt);
}

#[tokio::test]
async fn a_state_is_completed_for_the_prompt_and_for_the_template() {
    let of_prompt = json!({ "type": "ref/prompt", "name": "emergency_summary" });
    let of_template = json!({ "type": "ref/resource", "uri": "alerts://{state}/active" });
    for reference in [of_prompt, of_template] {
        let result = complete(reference, "state", "c").await.unwrap();
        let expected = json!({ "values": ["CA", "CO", "CT"], "total": 3, "hasMore": false });
        assert_eq!(result["completion"], expected);
    }
}

#[tokio::test]
async fn completion_of_nothing_offers_every_state_and_territory() {
    let reference = json!({ "type": "ref/prompt", "name": "emergency_summary" });
    let result = complete(reference.clone(), "state", "").await.unwrap();
    assert_eq!(result["completion"]["total"], 59);
    assert_eq!(result["completion"]["values"].as_array().unwrap().len(), 59);
    let result = complete(reference, "other", "").await.unwrap();
    assert_eq!(result["completion"]["values"], json!([]));
}

#[tokio::test]
async fn completion_of_what_does_not_exist_is_refused() {
    let reference = json!({ "type": "ref/prompt", "name": "other" });
    let error = complete(reference, "state", "").await.unwrap_err();
    assert_eq!(error, BackendError::UnknownPrompt);
    let reference = json!({ "type": "ref/resource", "uri": "config://app" });
    let error = complete(reference, "state", "").await.unwrap_err();
    assert_eq!(error, BackendError::UnknownResource);
    let error = complete(json!({ "type": "ref/other" }), "state", "")
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::InvalidParams(_)));
}
