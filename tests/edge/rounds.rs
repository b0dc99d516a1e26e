//! Questions to clients of 2026-07-28, in rounds.

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::gate::{CAPABILITIES, Post};
use crate::house::{House, modern_call};

const ADA: (&str, &str) = ("ada", "client");

/// The next round of `post` with this answer to what was asked.
fn next(mut post: Post, asked: &Value, name: &str) -> Post {
    let accepted = json!({ "action": "accept", "content": { "name": name } });
    let keys = asked["inputRequests"].as_object().unwrap().keys();
    let answers = keys.map(|key| (key.clone(), accepted.clone())).collect();
    post.body["params"]["inputResponses"] = Value::Object(answers);
    post.body["params"]["requestState"] = asked["requestState"].clone();
    post
}

async fn asked(house: &House, post: Post) -> Value {
    let json = house.send(ADA, post).await.json();
    assert_eq!(json["result"]["resultType"], "input_required", "{json}");
    json["result"].clone()
}

#[tokio::test]
async fn a_question_is_answered_by_calling_again() {
    let house = House::new().await;
    let asked = asked(&house, modern_call("ask")).await;
    let question = &asked["inputRequests"]["name"];
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "What is your name?");
    let post = next(modern_call("ask"), &asked, "Ada");
    let json = house.send(ADA, post).await.json();
    assert_eq!(json["result"]["resultType"], "complete");
    assert_eq!(json["result"]["content"][0]["text"], "Hello Ada");
}

#[tokio::test]
async fn answers_of_earlier_rounds_are_in_the_state() {
    let house = House::new().await;
    let first = asked(&house, modern_call("ask_again")).await;
    let second = asked(&house, next(modern_call("ask_again"), &first, "Ada")).await;
    assert_ne!(second["requestState"], first["requestState"]);
    assert!(second["inputRequests"]["second"].is_object());
    let post = next(modern_call("ask_again"), &second, "Grace");
    let json = house.send(ADA, post).await.json();
    let text = &json["result"]["content"][0]["text"];
    assert_eq!(text, "Ada and Grace, \"first done\"");
}

#[tokio::test]
async fn g13_a_state_is_of_one_principal_and_one_call() {
    let house = House::new().await;
    let asked = asked(&house, modern_call("ask")).await;
    let post = next(modern_call("ask"), &asked, "Ada");
    for other in [("bob", "client"), ("ada", "other")] {
        let (status, code, _) = house.send(other, post.clone()).await.error();
        assert_eq!((status, code), (200, -32602), "{other:?}");
    }
    let mut arguments = post.clone();
    arguments.body["params"]["arguments"] = json!({ "more": 1 });
    let tool = next(modern_call("ask_again"), &asked, "Ada");
    let mut tampered = post.clone();
    let state = asked["requestState"].as_str().unwrap();
    tampered.body["params"]["requestState"] = json!(format!("{state}A"));
    let mut number = post;
    number.body["params"]["requestState"] = json!(1);
    for wrong in [arguments, tool, tampered, number] {
        let (_, code, _) = house.send(ADA, wrong).await.error();
        assert_eq!(code, -32602);
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused_and_what_is_missing_is_asked_again() {
    let house = House::new().await;
    let mut post = modern_call("ask");
    for wrong in [
        json!(null),
        json!([]),
        json!({ "name": 1 }),
        json!({ "name": {} }),
    ] {
        post.body["params"]["inputResponses"] = wrong;
        let (_, code, _) = house.send(ADA, post.clone()).await.error();
        assert_eq!(code, -32602);
    }
    post.body["params"]["inputResponses"] = json!({ "other": { "action": "accept" } });
    asked(&house, post).await;
}

#[tokio::test]
async fn nobody_is_asked_for_what_they_did_not_declare() {
    let house = House::new().await;
    for capabilities in [json!({}), json!({ "elicitation": { "url": {} } })] {
        let post = modern_call("ask").meta(CAPABILITIES, capabilities);
        let (status, code, json) = house.send(ADA, post).await.error();
        assert_eq!((status, code), (400, -32021));
        let required = &json["error"]["data"]["requiredCapabilities"];
        assert!(required["elicitation"].is_object(), "{json}");
    }
    let post = Post::new(
        Revision::V2025_11_25,
        "tools/call",
        json!({ "name": "ask" }),
    );
    assert_eq!(house.send(ADA, post).await.error().1, -32603);
}

#[tokio::test]
async fn a_log_is_told_from_the_level_on_that_the_request_names() {
    let house = House::new().await;
    let silent = house.send(ADA, modern_call("tell")).await.json();
    assert_eq!(silent["result"]["content"][0]["text"], "told");
    let level = "io.modelcontextprotocol/logLevel";
    let post = modern_call("tell").meta(level, json!("warning"));
    let seen = house.send(ADA, post).await;
    let told = crate::house::messages(std::str::from_utf8(&seen.body).unwrap());
    assert_eq!(told.len(), 2);
    assert_eq!(told[0]["method"], "notifications/message");
    assert_eq!(told[0]["params"]["level"], "error");
    assert_eq!(told[0]["params"]["data"]["what"], "a failure");
}

#[tokio::test]
async fn g13_a_cursor_is_of_one_principal_and_one_list() {
    let house = House::new().await;
    let list = |method: &str, cursor: Option<&Value>| {
        let params = cursor.map_or(json!({}), |cursor| json!({ "cursor": cursor }));
        Post::modern(method, params)
    };
    let mut names = Vec::new();
    let mut cursor = None;
    loop {
        let post = list("tools/list", cursor.as_ref());
        let result = house.send(ADA, post).await.json()["result"].clone();
        let page = result["tools"].as_array().unwrap().clone();
        assert!(page.len() <= 2);
        assert_eq!(result["cacheScope"], "private");
        names.extend(page.iter().map(|tool| tool["name"].clone()));
        match result.get("nextCursor") {
            Some(next) => cursor = Some(next.clone()),
            None => break,
        }
    }
    assert_eq!(names, ["ask", "ask_again", "job", "tell", "part", "hold"]);
    let own = cursor.unwrap();
    let tampered = json!(format!("{}A", own.as_str().unwrap()));
    for (who, method, cursor) in [
        (("bob", "client"), "tools/list", &own),
        (("ada", "other"), "tools/list", &own),
        (ADA, "resources/list", &own),
        (ADA, "tools/list", &tampered),
        (ADA, "tools/list", &json!(2)),
    ] {
        let refused = house.send(who, list(method, Some(cursor))).await.error();
        assert_eq!(refused.1, -32602, "{who:?} {method} {cursor}");
    }
}
