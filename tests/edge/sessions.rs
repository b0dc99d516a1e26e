//! Sessions of the earlier revisions.

use axum::http::StatusCode;
use gatehouse::mcp::Revision;
use gatehouse::model::{Digest, TenantSlug};
use serde_json::{Value, json};

use crate::gate::Post;
use crate::house::{House, answer, in_session, last_event, messages, session_call};
use crate::talk::{WATCHED, happens};

const ADA: (&str, &str) = ("ada", "client");

fn asks() -> Value {
    json!({ "elicitation": {} })
}

#[tokio::test]
async fn a_question_in_a_session_is_answered_by_another_request() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let post = session_call("ask", &session);
    let mut open = house.open(ADA, "POST", post).await;
    let question = messages(open.until("elicitation/create").await).remove(0);
    let id = &question["id"];
    // Neither other sessions nor other people answer it.
    let other = house.begin(ADA, asks()).await;
    let stranger = house.begin(("bob", "client"), asks()).await;
    for (who, session) in [(ADA, &other), (("bob", "client"), &stranger)] {
        let seen = house.send(who, answer(id, "Mallory", session)).await;
        assert_eq!(seen.status, StatusCode::ACCEPTED);
    }
    let seen = house.send(ADA, answer(id, "Ada", &session)).await;
    assert_eq!(seen.status, StatusCode::ACCEPTED);
    let last = messages(&open.rest().await).pop().unwrap();
    assert_eq!(last["result"]["content"][0]["text"], "Hello Ada");
}

#[tokio::test]
async fn g11_a_session_is_of_one_person_and_one_client() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let fabricated = "AAAA".repeat(30);
    let ping = |session: &str| in_session("ping", json!({}), session);
    for (who, session) in [
        (("bob", "client"), session.as_str()),
        (("ada", "other"), &session),
        (ADA, &fabricated),
        (ADA, &session[1..]),
        (ADA, "session-1"),
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let seen = house.open(who, method, ping(session)).await;
            assert_eq!(seen.status, StatusCode::NOT_FOUND, "{method} {who:?}");
        }
    }
    assert_eq!(house.send(ADA, ping(&session)).await.status, StatusCode::OK);
    let ended = house.open(ADA, "DELETE", ping(&session)).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let seen = house.send(ADA, ping(&session)).await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn g12_of_sessions_that_do_nothing_nothing_is_kept() {
    let house = House::new().await;
    let tenant = TenantSlug::default();
    for _ in 0..100 {
        let session = house.begin(ADA, asks()).await;
        let post = in_session("tools/list", json!({}), &session);
        assert_eq!(house.send(ADA, post).await.status, StatusCode::OK);
        let topic = Digest::of(session.as_bytes());
        let notes = house.store.read_notes(&tenant, &topic).await.unwrap();
        assert_eq!(notes, Vec::<String>::new());
    }
    // A bad revision opens nothing.
    let params = json!({ "capabilities": {}, "clientInfo": {} });
    let post = Post::new(Revision::V2025_11_25, "initialize", params);
    let seen = house.send(ADA, post).await;
    assert!(!seen.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn what_one_session_can_have_remembered_is_bounded() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let level = |level: &str| in_session("logging/setLevel", json!({ "level": level }), &session);
    let mut refused = 0;
    for _ in 0..300 {
        let seen = house.send(ADA, level("debug")).await;
        refused += u32::from(seen.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 300 - 256);
}

#[tokio::test]
async fn a_client_has_only_so_many_calls_that_wait_for_a_person() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let call = house
            .open(ADA, "POST", session_call("part", &session))
            .await;
        assert_eq!(call.status, StatusCode::OK);
        open.push(call);
    }
    let more = house.send(ADA, session_call("part", &session)).await;
    assert_eq!(more.status, StatusCode::TOO_MANY_REQUESTS);
    let bob = ("bob", "client");
    let session = house.begin(bob, asks()).await;
    let other = house
        .open(bob, "POST", session_call("part", &session))
        .await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_told_its_log_from_the_level_on_that_it_set() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    for (set, told) in [(None, 2), (Some("error"), 1), (Some("debug"), 3)] {
        if let Some(level) = set {
            let post = in_session("logging/setLevel", json!({ "level": level }), &session);
            assert_eq!(house.send(ADA, post).await.status, StatusCode::OK);
        }
        let seen = house.send(ADA, session_call("tell", &session)).await;
        let messages = messages(std::str::from_utf8(&seen.body).unwrap());
        let logged = messages
            .iter()
            .filter(|m| m["method"] == "notifications/message");
        assert_eq!(logged.count(), told, "{set:?}");
    }
}

#[tokio::test]
async fn hanging_up_does_not_cancel_a_call_in_a_session_but_the_notification_does() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let calling = house.open(ADA, "POST", session_call("hold", &session));
    let hung_up = tokio::time::timeout(std::time::Duration::from_millis(200), calling).await;
    assert!(hung_up.is_err());
    happens(&house.talk.begun).await;
    assert_eq!(house.talk.dropped.available_permits(), 0);
    let params = json!({ "requestId": 1 });
    let mut cancel = in_session("notifications/cancelled", params, &session);
    cancel.body.as_object_mut().unwrap().remove("id");
    let stranger = house.begin(ADA, asks()).await;
    let foreign = cancel.clone().header("mcp-session-id", &stranger);
    assert_eq!(house.send(ADA, foreign).await.status, StatusCode::ACCEPTED);
    assert_eq!(house.talk.dropped.available_permits(), 0);
    assert_eq!(house.send(ADA, cancel).await.status, StatusCode::ACCEPTED);
    happens(&house.talk.dropped).await;
}

#[tokio::test]
async fn a_stream_that_was_lost_is_resumed_after_the_last_event() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let mut open = house
        .open(ADA, "POST", session_call("part", &session))
        .await;
    let first = open.rest().await;
    assert!(first.starts_with("id: "), "{first}");
    assert!(first.contains("retry: 1000\ndata:\n\n"), "{first}");
    assert!(!first.contains("\"result\""), "{first}");
    house.talk.go_on.add_permits(1);
    let again = in_session("", json!({}), &session).header("last-event-id", last_event(&first));
    let rest = house.open(ADA, "GET", again.clone()).await.rest().await;
    let mut told = messages(&first);
    told.extend(messages(&rest));
    let progress: Vec<&Value> = told.iter().map(|m| &m["params"]["progress"]).collect();
    assert_eq!(progress[..2], [&json!(1.0), &json!(2.0)]);
    assert_eq!(told[2]["result"]["content"][0]["text"], "whole");
    // An event of this session is none of another one.
    let other = house.begin(ADA, asks()).await;
    let foreign = again.header("mcp-session-id", &other);
    let seen = house.open(ADA, "GET", foreign).await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_session_hears_of_what_it_subscribed_to_on_its_stream() {
    let house = House::new().await;
    let session = house.begin(ADA, asks()).await;
    let mut open = house
        .open(ADA, "GET", in_session("", json!({}), &session))
        .await;
    open.until("retry").await;
    let subscribe = in_session("resources/subscribe", json!({ "uri": WATCHED }), &session);
    assert_eq!(house.send(ADA, subscribe).await.status, StatusCode::OK);
    // The stream watches the resource once it was read on.
    let update = async {
        while house.talk.updates.send(()).is_err() {
            tokio::task::yield_now().await;
        }
    };
    let (told, ()) = tokio::join!(open.until("notifications/resources/updated"), update);
    assert!(told.contains(WATCHED), "{told}");
    // A message goes out on one stream only: the latest one.
    let mut later = house
        .open(ADA, "GET", in_session("", json!({}), &session))
        .await;
    later.until("retry").await;
    open.rest().await;
    house.edge.close();
    later.rest().await;
}
