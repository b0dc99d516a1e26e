//! Tokens that the gateway gets for itself (RFC 6749 §4.4).

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::house::{House, Post, server};

fn credentials(endpoint: &str) -> String {
    format!(
        "credentials = {{ kind = \"client_credentials\", token_endpoint = \"{endpoint}\", \
         client_id = \"gatehouse\", client_secret = {{ env = \"TOKEN\" }}, scopes = [\"a\", \"b\"], \
         resource = \"https://docs.example.com/mcp\" }}"
    )
}

/// An authorization server whose tokens last so many seconds, and are numbered.
async fn issuer(lifetime: u64) -> FakeUpstream {
    let count = AtomicUsize::new(0);
    FakeUpstream::start(move |_: &Seen| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let token = format!("token-{number}");
        let answer =
            json!({ "access_token": token, "token_type": "Bearer", "expires_in": lifetime });
        Reply::Json(200, answer.to_string())
    })
    .await
}

fn answer(seen: &Seen) -> Reply {
    let lists = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
    modern(seen, &lists).unwrap_or_else(|| seen.result(r#"{"content":[]}"#))
}

#[tokio::test]
async fn one_token_is_used_until_it_ends() {
    let issuer = issuer(600).await;
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, &credentials(&issuer.url)).await;
    for _ in 0..3 {
        house.result(Post::call("docs_search", json!({}))).await;
    }
    assert_eq!(issuer.seen().len(), 1);
    for seen in upstream.seen() {
        assert_eq!(seen.header("authorization"), "Bearer token-1");
    }
    let asked = &issuer.seen()[0];
    assert!(asked.header("authorization").starts_with("Basic "));
    for field in [
        "grant_type=client_credentials",
        "scope=a+b",
        "resource=https%3A%2F%2Fdocs.example.com%2Fmcp",
    ] {
        assert!(asked.text.contains(field), "{}", asked.text);
    }
}

#[tokio::test]
async fn a_token_that_the_server_refuses_is_replaced_once() {
    let issuer = issuer(600).await;
    let script = |seen: &Seen| {
        if seen.method() == "tools/call" && seen.header("authorization") != "Bearer token-2" {
            return Reply::Status(401, Vec::new());
        }
        answer(seen)
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, &credentials(&issuer.url)).await;
    house.result(Post::call("docs_search", json!({}))).await;
    assert_eq!(issuer.seen().len(), 2);
    assert_eq!(upstream.asked("tools/call").len(), 2);
}

#[tokio::test]
async fn without_a_token_nothing_is_asked_and_nobody_learns_the_secret() {
    let issuer = FakeUpstream::start(|_| {
        Reply::Json(
            401,
            r#"{"error":"invalid_client","error_description":"s3cret"}"#.to_owned(),
        )
    });
    let issuer = issuer.await;
    let upstream = FakeUpstream::start(answer).await;
    let servers = server("docs", &upstream.url, &credentials(&issuer.url));
    let house = House::of(&servers).await;
    let (_, text) = house.error(Post::call("docs_search", json!({}))).await;
    assert!(!text.contains("s3cret"), "{text}");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn k09_credentials_go_nowhere_that_a_server_names() {
    let issuer = issuer(600).await;
    let other = issuer_of_another().await;
    let named = format!("Bearer resource_metadata=\"{}\"", other.url);
    let upstream =
        FakeUpstream::start(move |_| Reply::Status(401, vec![("www-authenticate", named.clone())]));
    let upstream = upstream.await;
    let house = House::around("docs", &upstream.url, &credentials(&issuer.url)).await;
    house.error(Post::call("docs_search", json!({}))).await;
    assert!(other.seen().is_empty());
    let paths: Vec<String> = upstream.seen().into_iter().map(|seen| seen.path).collect();
    assert!(paths.iter().all(|path| path == "/mcp"), "{paths:?}");
}

async fn issuer_of_another() -> FakeUpstream {
    FakeUpstream::start(|_| Reply::Json(200, "{}".to_owned())).await
}
