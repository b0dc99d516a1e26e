//! `subscriptions/listen` and tasks of 2026-07-28.

use axum::http::StatusCode;
use gatehouse::backends::ListChange;
use serde_json::{Value, json};

use crate::gate::{CAPABILITIES, Post};
use crate::house::{House, messages, modern_call};
use crate::talk::WATCHED;

const ADA: (&str, &str) = ("ada", "client");
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

fn takes_tasks() -> Value {
    json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } })
}

fn listen(filter: &Value) -> Post {
    let mut post = Post::modern("subscriptions/listen", json!({ "notifications": filter }));
    post.body["id"] = json!("s1");
    post.meta(CAPABILITIES, takes_tasks())
}

#[tokio::test]
async fn a_listener_hears_what_it_asked_for_and_nothing_else() {
    let house = House::new().await;
    let filter = json!({
        "toolsListChanged": true,
        "resourceSubscriptions": [WATCHED, "talk://nothing"],
    });
    let mut open = house.open(ADA, "POST", listen(&filter)).await;
    open.until("acknowledged").await;
    house.talk.lists.send(ListChange::Prompts).unwrap();
    house.talk.lists.send(ListChange::Tools).unwrap();
    open.until("tools/list_changed").await;
    house.talk.updates.send(()).unwrap();
    open.until("resources/updated").await;
    house.edge.close();
    let told = messages(&open.rest().await);
    let methods: Vec<&Value> = told.iter().map(|message| &message["method"]).collect();
    let expected = [
        json!("notifications/subscriptions/acknowledged"),
        json!("notifications/tools/list_changed"),
        json!("notifications/resources/updated"),
        Value::Null,
    ];
    assert_eq!(methods, expected.iter().collect::<Vec<_>>());
    let accepted = json!({ "toolsListChanged": true, "resourceSubscriptions": [WATCHED] });
    assert_eq!(told[0]["params"]["notifications"], accepted);
    for message in &told[..3] {
        assert_eq!(message["params"]["_meta"][SUBSCRIPTION], "s1");
    }
    assert_eq!(told[3]["id"], "s1");
    assert_eq!(told[3]["result"]["resultType"], "complete");
    assert_eq!(told[3]["result"]["_meta"][SUBSCRIPTION], "s1");
}

#[tokio::test]
async fn a_client_has_only_so_many_streams_for_a_person() {
    let house = House::new().await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(house.open(ADA, "POST", listen(&json!({}))).await);
    }
    let more = house.send(ADA, listen(&json!({}))).await;
    assert_eq!(more.status, StatusCode::TOO_MANY_REQUESTS);
    let other = house
        .open(("bob", "client"), "POST", listen(&json!({})))
        .await;
    assert_eq!(other.status, StatusCode::OK);
    open.pop();
    let again = house.open(ADA, "POST", listen(&json!({}))).await;
    assert_eq!(again.status, StatusCode::OK);
}

fn about(method: &str, task: &Value, more: Value) -> Post {
    let mut params = more;
    params["taskId"] = task.clone();
    Post::modern(method, params).meta(CAPABILITIES, takes_tasks())
}

async fn begin(house: &House) -> Value {
    let post = modern_call("job").meta(CAPABILITIES, takes_tasks());
    let created = house.send(ADA, post).await.json()["result"].clone();
    assert_eq!(created["resultType"], "task", "{created}");
    assert_eq!(created["status"], "working");
    created["taskId"].clone()
}

#[tokio::test]
async fn a_task_asks_is_answered_and_completes() {
    let house = House::new().await;
    let task = begin(&house).await;
    let mut open = house
        .open(ADA, "POST", listen(&json!({ "taskIds": [task] })))
        .await;
    open.until("input_required").await;
    let state = house.send(ADA, about("tasks/get", &task, json!({}))).await;
    let state = state.json()["result"].clone();
    assert_eq!(state["status"], "input_required");
    let question = &state["inputRequests"]["name"];
    assert_eq!(question["method"], "elicitation/create");
    let answers = |answer: Value| json!({ "inputResponses": { "name": answer } });
    let wrong = about("tasks/update", &task, answers(json!({})));
    assert_eq!(house.send(ADA, wrong).await.error().1, -32602);
    let right = json!({ "action": "accept", "content": { "name": "Ada" } });
    let update = about("tasks/update", &task, answers(right));
    let seen = house.send(ADA, update).await.json();
    assert_eq!(seen["result"]["resultType"], "complete");
    let told = messages(open.until("completed").await).pop().unwrap();
    assert_eq!(told["method"], "notifications/tasks");
    assert_eq!(
        told["params"]["result"]["content"][0]["text"],
        "Done for Ada"
    );
}

#[tokio::test]
async fn g13_a_task_is_of_one_person_and_one_client() {
    let house = House::new().await;
    let task = begin(&house).await;
    let answers = json!({ "inputResponses": {} });
    for who in [("bob", "client"), ("ada", "other")] {
        for (method, more) in [
            ("tasks/get", json!({})),
            ("tasks/update", answers.clone()),
            ("tasks/cancel", json!({})),
        ] {
            let refused = house.send(who, about(method, &task, more)).await.error();
            assert_eq!(refused.1, -32602, "{who:?} {method}");
        }
        let filter = json!({ "taskIds": [task] });
        let mut open = house.open(who, "POST", listen(&filter)).await;
        let told = messages(open.until("acknowledged").await).remove(0);
        assert_eq!(told["params"]["notifications"]["taskIds"], json!([]));
    }
    // The name of the tool before the handle is part of it.
    let (_, handle) = task.as_str().unwrap().split_once('.').unwrap();
    let renamed = json!(format!("tell.{handle}"));
    let refused = house
        .send(ADA, about("tasks/get", &renamed, json!({})))
        .await;
    assert_eq!(refused.error().1, -32602);
    let cancel = about("tasks/cancel", &task, json!({}));
    assert_eq!(house.send(ADA, cancel).await.status, StatusCode::OK);
    let state = house.send(ADA, about("tasks/get", &task, json!({}))).await;
    assert_eq!(state.json()["result"]["status"], "cancelled");
}

#[tokio::test]
async fn tasks_are_for_those_who_declare_them() {
    let house = House::new().await;
    let task = begin(&house).await;
    let undeclared = json!({ "elicitation": {} });
    for post in [
        modern_call("job"),
        about("tasks/get", &task, json!({})).meta(CAPABILITIES, undeclared.clone()),
        listen(&json!({ "taskIds": [task] })).meta(CAPABILITIES, undeclared),
    ] {
        let (status, code, _) = house.send(ADA, post).await.error();
        assert_eq!((status, code), (400, -32021));
    }
}

#[tokio::test]
async fn g16_two_hundred_clients_with_the_same_ids_get_their_own_answers() {
    let house = House::new().await;
    let names: Vec<String> = (0..200).map(|number| format!("user-{number}")).collect();
    let rounds = names.iter().map(async |name| {
        let who = (name.as_str(), "client");
        let mut post = modern_call("ask");
        let answer = json!({ "action": "accept", "content": { "name": name } });
        post.body["params"]["inputResponses"] = json!({ "name": answer });
        let json = house.send(who, post).await.json();
        assert_eq!(json["id"], 1);
        let text = json["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(text, format!("Hello {name}"));
    });
    futures_util::future::join_all(rounds).await;
}
