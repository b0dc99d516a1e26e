//! Consent that is remembered, and when it is asked for all the same (catalogue I01, I03, I08).

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::support::{Answer, Browser, CALLBACK, Server, T1, authorization, encode, form};

/// A person opens the request; the browser says where it comes from.
async fn open(browser: &mut Browser<'_>, request: &str, site: Option<&str>) -> Answer {
    let mut http = Request::get(format!("/authorize?{request}"));
    if let Some(site) = site {
        http = http.header("sec-fetch-site", site);
    }
    browser.send(http.body(Body::empty()).unwrap()).await
}

fn is_asked(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("Approve")
}

async fn approved<'a>(server: &'a Server, request: &str) -> Browser<'a> {
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", request).await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(answer.redirect_parameter("code").is_some());
    browser
}

#[tokio::test]
async fn i03_consent_is_remembered_for_people_who_come_by_themselves() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = approved(&server, &request).await;
    for site in ["none", "same-origin"] {
        let answer = open(&mut browser, &request, Some(site)).await;
        assert!(answer.redirect_parameter("code").is_some(), "{site}");
    }
    let state = server.state().await;
    for site in [None, Some("cross-site"), Some("same-site")] {
        assert!(
            is_asked(&open(&mut browser, &request, site).await),
            "{site:?}"
        );
    }
    let silent = authorization(&client, &[("prompt", "none")]);
    let answer = open(&mut browser, &silent, Some("cross-site")).await;
    answer.assert_redirect("consent_required", T1);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn i08_whatever_was_widened_or_changed_is_asked_again() {
    let server = Server::start().await;
    let other = "https://other.example.com/callback";
    let metadata = json!({
        "redirect_uris": [CALLBACK, other],
        "token_endpoint_auth_method": "none",
    });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    let request = authorization(client, &[("scope", "mcp:tools")]);
    let mut browser = approved(&server, &request).await;
    for change in [
        &[("scope", "mcp:tools mcp:resources")][..],
        &[("scope", "mcp:tools"), ("redirect_uri", other)],
        &[("scope", "mcp:tools"), ("prompt", "consent")],
    ] {
        let changed = authorization(client, change);
        let answer = open(&mut browser, &changed, Some("none")).await;
        assert!(is_asked(&answer), "{change:?}");
    }
    server
        .sql("UPDATE consents SET resource = 'https://old.example/mcp'")
        .await;
    assert!(is_asked(&open(&mut browser, &request, Some("none")).await));
}

#[tokio::test]
async fn i08_narrower_scopes_need_no_new_consent() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let wide = authorization(&client, &[("scope", "mcp:tools mcp:resources")]);
    let mut browser = approved(&server, &wide).await;
    let narrow = authorization(&client, &[("scope", "mcp:tools")]);
    let answer = open(&mut browser, &narrow, Some("none")).await;
    let code = answer.redirect_parameter("code").unwrap();
    let tokens = server.redeem("t1", &client, &code).await.json();
    assert_eq!(tokens["scope"], "mcp:tools");
}

#[tokio::test]
async fn i01_whoever_has_just_signed_in_is_asked() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    approved(&server, &request).await;
    let mut browser = server.browser("t1");
    let signed_in = browser.sign_in("alice", &request).await;
    let (_, query) = signed_in.header("location").split_once('?').unwrap();
    assert!(is_asked(
        &open(&mut browser, query, Some("same-origin")).await
    ));
}

/// The query that stands for a pushed request.
async fn reference(server: &Server, client: &str, prompt: &str) -> String {
    let request = authorization(client, &[("prompt", prompt)]);
    let mut push = form("/par", &[]);
    *push.body_mut() = Body::from(request);
    let pushed = server.send("t1", push).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    encode(&[("client_id", client), ("request_uri", uri)])
}

#[tokio::test]
async fn i03_consent_is_remembered_for_pushed_requests_once_each() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = approved(&server, &authorization(&client, &[])).await;
    server.clock.advance(1);
    for prompt in ["", "none"] {
        let request = reference(&server, &client, prompt).await;
        let answer = open(&mut browser, &request, Some("none")).await;
        assert!(answer.redirect_parameter("code").is_some(), "{prompt}");
        let again = open(&mut browser, &request, Some("none")).await;
        again.assert_page(400);
    }
    let request = reference(&server, &client, "consent").await;
    assert!(is_asked(&open(&mut browser, &request, Some("none")).await));
}

#[tokio::test]
async fn i01_whoever_has_just_signed_in_for_a_pushed_request_is_asked() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    approved(&server, &authorization(&client, &[])).await;
    for prompt in ["", "login", "none"] {
        let request = reference(&server, &client, prompt).await;
        let mut browser = server.browser("t1");
        let signed_in = browser.sign_in("alice", &request).await;
        let (_, query) = signed_in.header("location").split_once('?').unwrap();
        let state = server.state().await;
        let answer = open(&mut browser, query, Some("same-origin")).await;
        if prompt == "none" {
            answer.assert_redirect("consent_required", T1);
        } else {
            assert!(is_asked(&answer), "{prompt}");
        }
        assert_eq!(server.state().await, state);
    }
}

#[tokio::test]
async fn a_pushed_request_that_was_refused_leaves_no_consent_behind() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = reference(&server, &client, "").await;
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    browser.submit(&page, &[("decision", "deny")]).await;
    let again = browser.submit(&page, &[("decision", "approve")]).await;
    again.assert_page(400);
    let request = authorization(&client, &[]);
    assert!(is_asked(&open(&mut browser, &request, Some("none")).await));
}

#[tokio::test]
async fn i03_consent_for_a_program_on_the_persons_computer_is_not_remembered() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": ["http://localhost:3118/callback"],
        "token_endpoint_auth_method": "none",
    });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    let uri = [("redirect_uri", "http://localhost:3118/callback")];
    let request = authorization(client, &uri);
    let mut browser = approved(&server, &request).await;
    assert!(is_asked(&open(&mut browser, &request, Some("none")).await));
}
