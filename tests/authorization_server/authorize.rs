//! The authorization endpoint (catalogue A).

use http::StatusCode;
use serde_json::json;

use crate::support::{CALLBACK, CHALLENGE, Server, T1, authorization};

#[tokio::test]
async fn a01_an_unknown_client_sends_nobody_anywhere() {
    let server = Server::start().await;
    let state = server.state().await;
    for id in ["unknown", "https://evil.example/client.json"] {
        let query = authorization(id, &[]);
        server
            .get("t1", &format!("/authorize?{query}"))
            .await
            .assert_page(400);
        server
            .get("t1", &format!("/login?{query}"))
            .await
            .assert_page(400);
    }
    server.get("t1", "/authorize").await.assert_page(400);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a01_a_client_of_another_tenant_is_unknown() {
    let server = Server::start().await;
    let client = server.public_client("t2").await;
    let query = authorization(&client, &[]);
    server
        .get("t1", &format!("/authorize?{query}"))
        .await
        .assert_page(400);
}

#[tokio::test]
async fn a02_only_the_registered_redirect_uri_is_taken() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    for uri in [
        "https://evil.example/callback",
        "https://client.example.com/other",
        "https://client.example.com/callback/",
        "https://client.example.com/callback?x=1",
        "https://client.example.com/x/%2e%2e/callback",
        "https://client.example.com/x/../callback",
        "https://CLIENT.example.com/callback",
        "https://client.example.com/Callback",
        "https://client.example.com:443/callback",
        "http://client.example.com/callback",
        "https://client.example.com@evil.example/callback",
        "https://client.example.com.evil.example/callback",
        "https://client.example.com/callback#",
        "//client.example.com/callback",
        "/callback",
    ] {
        let query = authorization(&client, &[("redirect_uri", uri)]);
        let answer = server.get("t1", &format!("/authorize?{query}")).await;
        answer.assert_page(400);
    }
}

#[tokio::test]
async fn a03_a_loopback_redirect_uri_is_free_in_its_port_only() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": ["http://127.0.0.1:1/cb", "http://localhost:1/cb"],
        "token_endpoint_auth_method": "none",
    });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    for uri in ["http://127.0.0.1:49152/cb", "http://localhost:3118/cb"] {
        let query = authorization(client, &[("redirect_uri", uri)]);
        let answer = server.get("t1", &format!("/authorize?{query}")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{uri}");
    }
    for uri in [
        "http://127.0.0.1:1/other",
        "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb",
        "http://[::1]:1/cb",
        "https://127.0.0.1:1/cb",
    ] {
        let query = authorization(client, &[("redirect_uri", uri)]);
        let answer = server.get("t1", &format!("/authorize?{query}")).await;
        answer.assert_page(400);
    }
}

#[tokio::test]
async fn a04_a_redirect_uri_may_be_left_out_only_where_one_is_registered() {
    let server = Server::start().await;
    let one = server.public_client("t1").await;
    let query = authorization(&one, &[("redirect_uri", "")]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);

    let metadata = json!({ "redirect_uris": [CALLBACK, "https://client.example.com/second"] });
    let registered = server.register("t1", &metadata).await.json();
    let several = registered["client_id"].as_str().unwrap();
    let query = authorization(several, &[("redirect_uri", "")]);
    server
        .get("t1", &format!("/authorize?{query}"))
        .await
        .assert_page(400);
}

#[tokio::test]
async fn a05_a_dangerous_scheme_gets_a_page() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "blob:https://client.example.com/x",
    ] {
        let query = authorization(&client, &[("redirect_uri", uri)]);
        let answer = server.get("t1", &format!("/authorize?{query}")).await;
        answer.assert_page(400);
        assert!(!answer.body.contains(uri));
    }
}

/// Refused at the client, with these parameters put over a proper request.
async fn refused(extra: &[(&str, &str)], error: &str) {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let state = server.state().await;
    let query = authorization(&client, extra);
    for path in ["/authorize", "/login"] {
        let answer = server.get("t1", &format!("{path}?{query}")).await;
        answer.assert_redirect(error, T1);
        assert_eq!(
            answer.redirect_parameter("state").as_deref(),
            Some("a state & more")
        );
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a06_a_request_without_pkce_is_refused() {
    refused(&[("code_challenge", "")], "invalid_request").await;
}

#[tokio::test]
async fn a07_every_method_of_pkce_but_s256_is_refused() {
    refused(&[("code_challenge_method", "plain")], "invalid_request").await;
    refused(&[("code_challenge_method", "S512")], "invalid_request").await;
    refused(&[("code_challenge_method", "s256")], "invalid_request").await;
    refused(&[("code_challenge_method", "")], "invalid_request").await;
}

#[tokio::test]
async fn a07_a_challenge_is_the_base64url_of_a_digest() {
    let short = &CHALLENGE[..42];
    let long = format!("{CHALLENGE}A");
    let padded = format!("{CHALLENGE}=");
    let other = CHALLENGE.replace('-', "+");
    for challenge in [short, &long, &padded, &other] {
        refused(&[("code_challenge", challenge)], "invalid_request").await;
    }
}

#[tokio::test]
async fn a08_a_repeated_parameter_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let query = authorization(&client, &[]);
    for repeated in [
        format!("{query}&client_id={client}"),
        format!("{query}&client_id=other"),
        format!("{query}&redirect_uri={CALLBACK}"),
        format!("redirect_uri=https://evil.example/&{query}"),
    ] {
        let answer = server.get("t1", &format!("/authorize?{repeated}")).await;
        answer.assert_page(400);
    }
    for repeated in [
        "scope=a&scope=b",
        "response_type=code",
        "code_challenge=x",
        "prompt=login&prompt=none",
    ] {
        let path = format!("/authorize?{query}&{repeated}");
        let answer = server.get("t1", &path).await;
        answer.assert_redirect("invalid_request", T1);
    }
    let answer = server
        .get("t1", &format!("/authorize?{query}&state=2"))
        .await;
    answer.assert_redirect("invalid_request", T1);
    assert_eq!(answer.redirect_parameter("state"), None);
}

#[tokio::test]
async fn a08_the_same_resource_may_come_twice() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let resource = format!("{T1}/mcp");
    let query = authorization(&client, &[("resource", &resource), ("resource", &resource)]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    assert!(answer.header("location").starts_with("/login?"));
}

#[tokio::test]
async fn a10_no_token_comes_out_of_the_authorization_endpoint() {
    for response_type in ["token", "id_token token", "code token", "none"] {
        refused(
            &[("response_type", response_type)],
            "unsupported_response_type",
        )
        .await;
    }
    refused(&[("response_type", "")], "invalid_request").await;
    refused(&[("response_mode", "fragment")], "invalid_request").await;
}

#[tokio::test]
async fn request_objects_are_refused_rather_than_ignored() {
    refused(&[("request", "e30.e30.")], "request_not_supported").await;
    refused(
        &[("request_uri", "https://evil.example/r")],
        "request_uri_not_supported",
    )
    .await;
}

#[tokio::test]
async fn a13_a_foreign_resource_is_refused() {
    let long = format!("{T1}/{}", "x".repeat(9 * 1024));
    for resource in [
        "https://mcp.example.com/t/two/mcp",
        "https://evil.example/mcp",
        "https://one.example.com",
        "https://one.example.com/mcp/",
        "https://one.example.com/MCP",
        "https://one.example.com/mcp2",
        "https://one.example.com/mcp#x",
        "https://one.example.com/mcp?x",
        "http://one.example.com/mcp",
        "/mcp",
        &long,
    ] {
        refused(&[("resource", resource)], "invalid_target").await;
    }
}

#[tokio::test]
async fn a13_one_foreign_resource_among_several_is_refused() {
    let own = format!("{T1}/mcp");
    refused(
        &[("resource", &own), ("resource", "https://evil.example/mcp")],
        "invalid_target",
    )
    .await;
}

#[tokio::test]
async fn the_resource_may_name_its_host_in_upper_case() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let query = authorization(&client, &[("resource", "HTTPS://ONE.Example.com/mcp")]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    assert!(answer.header("location").starts_with("/login?"));
}

#[tokio::test]
async fn only_scopes_that_nobody_can_grant_are_an_error() {
    refused(&[("scope", "unknown:scope")], "invalid_scope").await;
    refused(&[("scope", "quote\"")], "invalid_scope").await;
}

#[tokio::test]
async fn a_state_that_is_too_long_is_not_echoed() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let long = "s".repeat(4097);
    let query = authorization(&client, &[("state", &long)]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    answer.assert_redirect("invalid_request", T1);
    assert_eq!(answer.redirect_parameter("state"), None);
}

#[tokio::test]
async fn a_query_that_is_no_text_or_too_long_gets_a_page() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let query = authorization(&client, &[]);
    let long = "x".repeat(16 * 1024);
    for bad in [
        format!("{query}&x=%ff"),
        format!("{query}&x=%00"),
        format!("{query}&x={long}"),
    ] {
        let answer = server.get("t1", &format!("/authorize?{bad}")).await;
        answer.assert_page(400);
    }
}

#[tokio::test]
async fn asking_for_no_page_ends_in_an_error_that_says_which_is_needed() {
    refused(&[("prompt", "none login")], "invalid_request").await;

    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let query = authorization(&client, &[("prompt", "none")]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    answer.assert_redirect("login_required", T1);
    let mut browser = server.browser("t1");
    browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    let query = authorization(&client, &[("prompt", "none")]);
    let answer = browser.get(&format!("/authorize?{query}")).await;
    answer.assert_redirect("consent_required", T1);
}

#[tokio::test]
async fn asking_to_sign_in_again_is_done_once() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let mut browser = server.browser("t1");
    browser
        .consent_page("alice", &authorization(&client, &[]))
        .await;
    let query = authorization(&client, &[("prompt", "login")]);
    let answer = browser.get(&format!("/authorize?{query}")).await;
    assert!(answer.header("location").starts_with("/login?"));
    let page = browser.consent_page("bob", &query).await;
    assert!(page.body.contains("bob"));
}

#[tokio::test]
async fn the_endpoint_may_be_asked_ahead_of_the_browser() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let state = server.state().await;
    let path = format!("/authorize?{}", authorization(&client, &[]));
    let first = server.get("t1", &path).await;
    let second = server.get("t1", &path).await;
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(first.header("set-cookie"), "");
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a_client_without_the_grant_type_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    server
        .sql("UPDATE clients SET grant_types = '[\"refresh_token\"]'")
        .await;
    let query = authorization(&client, &[]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    answer.assert_redirect("unauthorized_client", T1);
}

#[tokio::test]
async fn b23_a_database_that_fails_gets_a_page_that_says_to_wait() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    server.sql("ALTER TABLE clients RENAME TO gone").await;
    let query = authorization(&client, &[]);
    let answer = server.get("t1", &format!("/authorize?{query}")).await;
    answer.assert_page(503);
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.contains("clients"));
}
