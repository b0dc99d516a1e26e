//! The token endpoint as such (catalogue B19, B20, B23).

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};

use crate::support::{Server, encode};

#[tokio::test]
async fn b19_other_grants_are_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    for grant in ["password", "implicit", "client_credentials", "unknown"] {
        let fields = [("grant_type", grant), ("client_id", client.as_str())];
        let answer = server.token("t1", &fields).await;
        answer.assert_error(400, "unsupported_grant_type");
    }
    let answer = server.token("t1", &[("client_id", &client)]).await;
    answer.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn b19_a_grant_that_the_client_did_not_register_for_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    server
        .sql("UPDATE clients SET grant_types = '[\"authorization_code\"]'")
        .await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let answer = server.refresh("t1", &client, token, &[]).await;
    answer.assert_error(400, "unauthorized_client");
}

#[tokio::test]
async fn b20_only_a_posted_form_is_read() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let state = server.state().await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code.as_str()),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let answer = server
        .get("t1", &format!("/token?{}", encode(&fields)))
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    for media_type in ["application/json", "multipart/form-data; boundary=x", ""] {
        let request = Request::post("/token")
            .header(CONTENT_TYPE, media_type)
            .body(Body::from(encode(&fields)))
            .unwrap();
        let answer = server.send("t1", request).await;
        answer.assert_error(400, "invalid_request");
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn b20_the_form_may_name_its_charset() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code.as_str()),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let request = Request::post("/token")
        .header(
            CONTENT_TYPE,
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        )
        .body(Body::from(encode(&fields)))
        .unwrap();
    assert_eq!(server.send("t1", request).await.status, 200);
}

#[tokio::test]
async fn a08_a_repeated_parameter_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    for name in ["grant_type", "client_id", "code", "code_verifier"] {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", client.as_str()),
        ];
        let code = server.code("t1", &client, "alice", &[]).await;
        fields.extend([
            ("code", code.as_str()),
            ("code_verifier", crate::support::VERIFIER),
        ]);
        let again = fields.iter().find(|(other, _)| *other == name);
        fields.push(*again.unwrap());
        let answer = server.token("t1", &fields).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_form_that_is_too_large_or_no_text_is_refused() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let long = "x".repeat(65 * 1024);
    let fields = [("client_id", client.as_str()), ("code", &long)];
    let answer = server.token("t1", &fields).await;
    answer.assert_error(413, "invalid_request");
    let answer = server.token("t1", &[("code", "a\0b")]).await;
    answer.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn b23_a_database_that_fails_costs_the_client_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let token = tokens["refresh_token"].as_str().unwrap();
    for (breakage, repair) in [
        (
            "ALTER TABLE refresh_tokens RENAME TO gone",
            "ALTER TABLE gone RENAME TO refresh_tokens",
        ),
        (
            "ALTER TABLE clients RENAME TO gone",
            "ALTER TABLE gone RENAME TO clients",
        ),
    ] {
        server.sql(breakage).await;
        let answer = server.refresh("t1", &client, token, &[]).await;
        answer.assert_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        server.sql(repair).await;
    }
    assert_eq!(server.refresh("t1", &client, token, &[]).await.status, 200);
}
