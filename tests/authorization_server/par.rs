//! Pushed authorization requests (RFC 9126; catalogue A01, A02, A06, A08, A13).

use http::StatusCode;
use serde_json::json;
use url::form_urlencoded;

use crate::support::{Answer, CALLBACK, Fields, Server, T1, VERIFIER, authorization, encode, form};

fn pushed(client: &str, extra: Fields<'_>) -> Vec<(String, String)> {
    let query = authorization(client, extra);
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

async fn push(server: &Server, tenant: &str, fields: &[(String, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    server.send(tenant, form("/par", &fields)).await
}

/// The query that stands for a proper request with `extra` in it.
async fn reference(server: &Server, client: &str, extra: Fields<'_>) -> String {
    let answer = push(server, "t1", &pushed(client, extra)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["expires_in"], 90);
    let uri = body["request_uri"].as_str().unwrap();
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    encode(&[("client_id", client), ("request_uri", uri)])
}

#[tokio::test]
async fn a_reference_stands_for_the_whole_request() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let extra = [("scope", "mcp:tools"), ("state", "pushed")];
    let query = reference(&server, &client, &extra).await;
    // RFC 9101 §6.3: nothing that stands beside the reference counts.
    let beside = [
        ("state", "evil"),
        ("scope", "metrics:read"),
        ("redirect_uri", "https://evil.example/"),
    ];
    let beside = format!("{query}&{}", encode(&beside));
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &beside).await;
    assert!(!page.body.contains("evil"));
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(answer.header("location").starts_with(CALLBACK));
    assert_eq!(
        answer.redirect_parameter("state").as_deref(),
        Some("pushed")
    );
    assert_eq!(answer.redirect_parameter("iss").as_deref(), Some(T1));
    let code = answer.redirect_parameter("code").unwrap();
    let tokens = server.redeem("t1", &client, &code).await.json();
    assert_eq!(tokens["scope"], "mcp:tools");
}

#[tokio::test]
async fn an_answered_request_can_not_be_answered_again() {
    for decision in ["approve", "deny"] {
        let server = Server::start().await;
        let client = server.public_client("t1").await;
        let query = reference(&server, &client, &[]).await;
        let mut browser = server.browser("t1");
        let page = browser.consent_page("alice", &query).await;
        let answer = browser.submit(&page, &[("decision", decision)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let state = server.state().await;
        let again = browser.submit(&page, &[("decision", "approve")]).await;
        again.assert_page(400);
        let again = browser.get(&format!("/authorize?{query}")).await;
        again.assert_page(400);
        assert_eq!(server.state().await, state);
    }
}

#[tokio::test]
async fn a_reference_expires_unless_someone_begins_with_it() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let late = reference(&server, &client, &[]).await;
    let begun = reference(&server, &client, &[]).await;
    let mut browser = server.browser("t1");
    let answer = browser.get(&format!("/authorize?{begun}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    server.clock.advance(90);
    for path in ["authorize", "login"] {
        let answer = browser.get(&format!("/{path}?{late}")).await;
        answer.assert_page(400);
    }
    // A person takes longer to sign in than a client to send them here.
    let page = browser.consent_page("alice", &begun).await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(answer.redirect_parameter("code").is_some());
}

#[tokio::test]
async fn signing_in_again_is_asked_for_once() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let query = authorization(&client, &[]);
    browser.sign_in("alice", &query).await;
    server.clock.advance(1);
    let query = reference(&server, &client, &[("prompt", "login")]).await;
    let answer = browser.get(&format!("/authorize?{query}")).await;
    assert_eq!(answer.header("location"), format!("/login?{query}"));
    browser.consent_page("alice", &query).await;
}

#[tokio::test]
async fn a_reference_of_another_client_or_tenant_leads_nowhere() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let query = reference(&server, &client, &[]).await;
    for tenant in ["t1", "t2"] {
        let thief = server.public_client(tenant).await;
        let stolen = query.replace(&client, &thief);
        let answer = server.get(tenant, &format!("/authorize?{stolen}")).await;
        answer.assert_page(400);
    }
    let unknown = "urn:ietf:params:oauth:request_uri:unknown";
    let query = encode(&[("client_id", client.as_str()), ("request_uri", unknown)]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    answer.assert_page(400);
}

#[tokio::test]
async fn what_the_authorization_endpoint_refuses_can_not_be_pushed() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let cases: [(Fields<'_>, &str); 9] = [
        (
            &[("redirect_uri", "https://evil.example/")],
            "invalid_request",
        ),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (
            &[("resource", "https://evil.example/mcp")],
            "invalid_target",
        ),
        (&[("scope", "unheard:of")], "invalid_scope"),
        (&[("request", "a.b.c")], "request_not_supported"),
        // RFC 9126 §2.1
        (
            &[("request_uri", "urn:ietf:params:oauth:request_uri:x")],
            "invalid_request",
        ),
        (&[("prompt", "none login")], "invalid_request"),
    ];
    for (extra, error) in cases {
        let answer = push(&server, "t1", &pushed(&client, extra)).await;
        answer.assert_error(400, error);
        assert!(!answer.body.contains("evil"));
    }
    let mut twice = pushed(&client, &[]);
    twice.push(("redirect_uri".to_owned(), CALLBACK.to_owned()));
    let answer = push(&server, "t1", &twice).await;
    answer.assert_error(400, "invalid_request");
    let long = "x".repeat(17 * 1024);
    let answer = push(&server, "t1", &pushed(&client, &[("unheard", &long)])).await;
    answer.assert_error(413, "invalid_request");
    assert_eq!(server.get("t1", "/par").await.status, 405);
}

#[tokio::test]
async fn b07_only_the_client_itself_may_push() {
    let server = Server::start().await;
    let answer = push(&server, "t1", &pushed("unknown", &[])).await;
    answer.assert_error(401, "invalid_client");
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let body = server.register("t1", &metadata).await.json();
    let text = |name: &str| body[name].as_str().unwrap();
    let (id, secret) = (text("client_id"), text("client_secret"));
    for wrong in ["", "wrong"] {
        let fields = pushed(id, &[("client_secret", wrong)]);
        let answer = push(&server, "t1", &fields).await;
        answer.assert_error(401, "invalid_client");
    }
    let query = reference(&server, id, &[("client_secret", secret)]).await;
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &query).await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    let code = answer.redirect_parameter("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("client_id", id),
        ("client_secret", secret),
    ];
    assert_eq!(server.token("t1", &fields).await.status, 200);
}
