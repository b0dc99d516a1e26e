//! Consent (catalogue A16, A17, C05, I05 to I08).

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::support::{CALLBACK, Server, T1, T2, authorization, form};

#[tokio::test]
async fn a16_and_a17_approval_sends_code_state_and_issuer_with_303() {
    let server = Server::start().await;
    for (tenant, issuer) in [("t1", T1), ("t2", T2)] {
        let client = server.public_client(tenant).await;
        let mut browser = server.browser(tenant);
        let page = browser
            .consent_page("alice", &authorization(&client, &[]))
            .await;
        let answer = browser.submit(&page, &[("decision", "approve")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.header("location").starts_with(CALLBACK));
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.redirect_parameter("iss").as_deref(), Some(issuer));
        let state = answer.redirect_parameter("state");
        assert_eq!(state.as_deref(), Some("a state & more"));
        // A21: at least 128 bits.
        assert!(answer.redirect_parameter("code").unwrap().len() >= 22);
    }
}

#[tokio::test]
async fn a16_a_refusal_names_the_issuer_too() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    let state = server.state().await;
    let answer = browser.submit(&page, &[("decision", "deny")]).await;
    answer.assert_redirect("access_denied", T1);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn i05_an_answer_without_the_forms_token_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    let (path, _) = page.form();

    // Another session's token, of the same request.
    let mut other = server.browser("t1");
    let other_page = other.consent_page("bob", &request).await;
    let state = server.state().await;
    let approve = [("decision", "approve")];
    browser.post(&path, &approve).await.assert_page(403);
    browser.submit(&other_page, &approve).await.assert_page(403);
    let answer = browser.get(&path).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn i05_an_answer_from_another_site_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    let (path, token) = page.form();
    let fields = [("form_token", token.as_str()), ("decision", "approve")];
    let state = server.state().await;
    for site in ["cross-site", "same-site"] {
        let mut post = form(&path, &fields);
        let value = site.parse().unwrap();
        post.headers_mut().insert("sec-fetch-site", value);
        browser.send(post).await.assert_page(403);
    }
    assert_eq!(server.state().await, state);
    let mut post = form(&path, &fields);
    let value = "same-origin".parse().unwrap();
    post.headers_mut().insert("sec-fetch-site", value);
    let answer = browser.send(post).await;
    assert!(answer.redirect_parameter("code").is_some());
}

#[tokio::test]
async fn i05_without_a_session_an_answer_leads_to_signing_in() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    browser.cookies.clear();
    let state = server.state().await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(answer.header("location").starts_with("/login?"));
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn i06_two_consent_pages_work_side_by_side() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let first = browser
        .consent_page("alice", &authorization(&client, &[("state", "1")]))
        .await;
    let second = authorization(&client, &[("state", "2")]);
    let second = browser.get(&format!("/authorize?{second}")).await;
    for (page, state) in [(second, "2"), (first, "1")] {
        let answer = browser.submit(&page, &[("decision", "approve")]).await;
        assert!(answer.redirect_parameter("code").is_some());
        assert_eq!(answer.redirect_parameter("state").as_deref(), Some(state));
    }
}

#[tokio::test]
async fn i08_a_token_of_one_request_approves_no_other() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[("scope", "mcp:tools")]))
        .await;
    let (path, token) = page.form();
    let fields = [("form_token", token.as_str()), ("decision", "approve")];
    let state = server.state().await;
    for (own, other) in [
        ("scope=mcp%3Atools", "scope=mcp%3Atools+metrics%3Aread"),
        ("&prompt=consent", ""),
    ] {
        let wider = path.replace(own, other);
        assert_ne!(wider, path);
        browser.post(&wider, &fields).await.assert_page(403);
    }
    assert_eq!(server.state().await, state);
    // It was only the request that was wrong.
    let answer = browser.post(&path, &fields).await;
    assert!(answer.redirect_parameter("code").is_some());
}

#[tokio::test]
async fn i03_consent_is_asked_where_the_browser_does_not_say_whence_it_comes() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    browser.submit(&page, &[("decision", "approve")]).await;
    let again = browser.get(&format!("/authorize?{request}")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.body.contains("Approve"));
}

#[tokio::test]
async fn b24_an_account_disabled_between_page_and_answer_gives_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    server.sql("UPDATE users SET disabled = TRUE").await;
    let state = server.state().await;
    let answer = browser.submit(&page, &[("decision", "approve")]).await;
    assert!(answer.header("location").starts_with("/login?"));
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn the_person_can_say_that_they_are_someone_else() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[]);
    let mut browser = server.browser("t1");
    let page = browser.consent_page("alice", &request).await;
    let old = browser.cookies.clone();
    let answer = browser.submit(&page, &[("decision", "switch")]).await;
    assert!(answer.header("location").starts_with("/login?"));
    browser.cookies = old;
    let answer = browser.get(&format!("/authorize?{request}")).await;
    assert!(answer.header("location").starts_with("/login?"));
}

#[tokio::test]
async fn an_answer_that_says_nothing_or_two_things_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    let state = server.state().await;
    browser.submit(&page, &[]).await.assert_page(400);
    let both = [("decision", "deny"), ("decision", "approve")];
    browser.submit(&page, &both).await.assert_page(400);
    let mut post = form("/consent", &[]);
    *post.uri_mut() = format!("/consent?{}", authorization(&client, &[]))
        .parse()
        .unwrap();
    let json = "application/json".parse().unwrap();
    post.headers_mut().insert(CONTENT_TYPE, json);
    browser.send(post).await.assert_page(400);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn c05_the_page_names_the_destination_and_escapes_the_name() {
    let server = Server::start().await;
    let metadata = json!({
        "client_name": "Claude <script>alert(1)</script> \" onload=x",
        "redirect_uris": [CALLBACK],
        "logo_uri": "https://evil.example/logo.png",
        "token_endpoint_auth_method": "none",
    });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    let mut browser = server.browser("t1");
    let page = browser
        .consent_page("alice", &authorization(client, &[]))
        .await;
    assert!(page.body.contains("client.example.com"));
    assert!(page.body.contains("unverified"));
    assert!(!page.body.contains("<script"));
    assert!(!page.body.contains("evil.example"));
    assert!(!page.body.contains("a program on this computer"));
}

#[tokio::test]
async fn c05_a_destination_on_the_persons_computer_is_called_that() {
    let server = Server::start().await;
    let uri = "http://localhost:8000/callback";
    let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    let query = authorization(
        client,
        &[("redirect_uri", "http://localhost:3118/callback")],
    );
    let page = server.browser("t1").consent_page("alice", &query).await;
    assert!(page.body.contains("a program on this computer"));
    assert!(page.body.contains("localhost:3118"));
}

#[tokio::test]
async fn the_page_says_in_words_what_will_be_granted_and_no_more() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let asked = "mcp:tools metrics:read unknown:scope offline_access";
    let query = authorization(&client, &[("scope", asked)]);
    let admin = server.browser("t1").consent_page("alice", &query).await;
    assert!(admin.body.contains("Call tools"));
    assert!(admin.body.contains("figures"));
    assert!(!admin.body.contains("unknown:scope</code>"));
    assert!(!admin.body.contains("offline_access</code>"));
    let member = server.browser("t1").consent_page("bob", &query).await;
    assert!(member.body.contains("Call tools"));
    assert!(!member.body.contains("figures"));
}

#[tokio::test]
async fn a_role_that_has_none_of_the_scopes_ends_at_the_client() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let request = authorization(&client, &[("scope", "metrics:read")]);
    let mut browser = server.browser("t1");
    browser.sign_in("bob", &request).await;
    let answer = browser.get(&format!("/authorize?{request}")).await;
    answer.assert_redirect("invalid_scope", T1);
}
