//! Two replicas over one Postgres: what begins at one goes on at the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use gatehouse::model::{EncryptionKey, SystemRandom};
use gatehouse::store::{self, ConnectOptions};
use serde_json::json;
use sqlx::Connection as _;

use crate::house::{House, answer, in_session, last_event, messages, session_call};

const ADA: (&str, &str) = ("ada", "client");

/// A new, empty database of the server that `GATEHOUSE_TEST_POSTGRES` names.
async fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("GATEHOUSE_TEST_POSTGRES")
        .expect("GATEHOUSE_TEST_POSTGRES must hold the URL of a Postgres that tests may write to");
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let name = format!("edge_{}_{number}", std::process::id());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    url.into()
}

/// Two replicas that hear each other.
async fn replicas() -> (House, House) {
    let url = database().await;
    let options = ConnectOptions {
        migrate_at_start: true,
        ..ConnectOptions::default()
    };
    let key = EncryptionKey::generate(&SystemRandom);
    let mut houses = Vec::new();
    for _ in 0..2 {
        let store = store::connect(&url, &options).await.unwrap();
        let house = House::over(store, &key);
        let edge = Arc::clone(&house.edge);
        tokio::spawn(async move { edge.hear().await });
        houses.push(house);
    }
    let second = houses.pop().unwrap();
    (houses.pop().unwrap(), second)
}

#[tokio::test]
async fn an_answer_arrives_at_the_other_replica() {
    let (one, other) = replicas().await;
    let session = one.begin(ADA, json!({ "elicitation": {} })).await;
    let mut open = one.open(ADA, "POST", session_call("ask", &session)).await;
    let question = messages(open.until("elicitation/create").await).remove(0);
    let seen = other
        .send(ADA, answer(&question["id"], "Ada", &session))
        .await;
    assert_eq!(seen.status, StatusCode::ACCEPTED);
    let last = messages(&open.rest().await).pop().unwrap();
    assert_eq!(last["result"]["content"][0]["text"], "Hello Ada");
}

#[tokio::test]
async fn a_stream_is_resumed_at_the_other_replica() {
    let (one, other) = replicas().await;
    let session = one.begin(ADA, json!({})).await;
    let first = one.open(ADA, "POST", session_call("part", &session)).await;
    let first = { first }.rest().await;
    let again = in_session("", json!({}), &session).header("last-event-id", last_event(&first));
    let mut rest = other.open(ADA, "GET", again).await;
    one.talk.go_on.add_permits(1);
    let told = messages(&rest.rest().await);
    let last = told.last().unwrap();
    assert_eq!(last["id"], 1);
    assert_eq!(last["result"]["content"][0]["text"], "whole");
}

#[tokio::test]
async fn a_cancellation_arrives_at_the_other_replica() {
    let (one, other) = replicas().await;
    let session = one.begin(ADA, json!({})).await;
    let calling = one.open(ADA, "POST", session_call("hold", &session));
    let cancelling = async {
        crate::talk::happens(&one.talk.begun).await;
        let params = json!({ "requestId": 1 });
        let mut cancel = in_session("notifications/cancelled", params, &session);
        cancel.body.as_object_mut().unwrap().remove("id");
        let seen = other.send(ADA, cancel).await;
        assert_eq!(seen.status, StatusCode::ACCEPTED);
    };
    let (seen, ()) = tokio::join!(calling, cancelling);
    assert_eq!(seen.status, StatusCode::ACCEPTED);
    crate::talk::happens(&one.talk.dropped).await;
}

#[tokio::test]
async fn g11_a_session_that_was_ended_at_one_replica_is_over_at_the_other() {
    let (one, other) = replicas().await;
    let session = one.begin(ADA, json!({})).await;
    let ping = in_session("ping", json!({}), &session);
    assert_eq!(other.send(ADA, ping.clone()).await.status, StatusCode::OK);
    one.open(ADA, "DELETE", ping.clone()).await;
    other.edge.refresh_sessions().await.unwrap();
    let seen = other.send(ADA, ping).await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
}
