//! Revocation (RFC 7009).

use serde_json::Value;

use crate::support::{Answer, Fields, Server, form};

async fn revoke(server: &Server, tenant: &str, fields: Fields<'_>) -> Answer {
    server.send(tenant, form("/revoke", fields)).await
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[track_caller]
fn assert_done(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn either_token_ends_the_grant() {
    for name in ["access_token", "refresh_token"] {
        for hint in ["access_token", "refresh_token", "unheard-of"] {
            let server = Server::start().await;
            let client = server.public_client("t1").await;
            let tokens = server.tokens("t1", &client, "alice").await;
            let fields = [
                ("client_id", client.as_str()),
                ("token", text(&tokens, name)),
                ("token_type_hint", hint),
            ];
            assert_done(&revoke(&server, "t1", &fields).await);
            let refresh = text(&tokens, "refresh_token");
            let answer = server.refresh("t1", &client, refresh, &[]).await;
            answer.assert_error(400, "invalid_grant");
            // RFC 7009 §2.2: once more is no error.
            assert_done(&revoke(&server, "t1", &fields).await);
        }
    }
}

#[tokio::test]
async fn a_token_that_was_rotated_still_ends_its_grant() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let token = text(&first, "refresh_token");
    let second = server.refresh("t1", &client, token, &[]).await.json();
    let fields = [("client_id", client.as_str()), ("token", token)];
    assert_done(&revoke(&server, "t1", &fields).await);
    let token = text(&second, "refresh_token");
    let answer = server.refresh("t1", &client, token, &[]).await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_unknown_or_expired_token_is_no_error_and_changes_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    server.clock.advance(31 * 60);
    let state = server.state().await;
    let forged = format!("{}x", text(&tokens, "access_token"));
    for token in [
        "unknown",
        "a.b.c",
        forged.as_str(),
        text(&tokens, "access_token"),
    ] {
        let fields = [("client_id", client.as_str()), ("token", token)];
        assert_done(&revoke(&server, "t1", &fields).await);
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn b18_the_token_of_another_client_or_tenant_is_left_alone() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let other = server.public_client("t1").await;
    let foreign = server.public_client("t2").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let state = server.state().await;
    for (tenant, thief) in [("t1", &other), ("t2", &foreign)] {
        for name in ["access_token", "refresh_token"] {
            let fields = [
                ("client_id", thief.as_str()),
                ("token", text(&tokens, name)),
            ];
            assert_done(&revoke(&server, tenant, &fields).await);
        }
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn b07_b20_a_request_that_is_wrong_revokes_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let token = text(&tokens, "refresh_token");
    let state = server.state().await;
    let id = client.as_str();
    let cases: [(Fields<'_>, u16, &str); 5] = [
        (&[("client_id", id)], 400, "invalid_request"),
        (&[("token", token)], 401, "invalid_client"),
        (
            &[("client_id", "unknown"), ("token", token)],
            401,
            "invalid_client",
        ),
        (
            &[("client_id", id), ("client_secret", "x"), ("token", token)],
            401,
            "invalid_client",
        ),
        (
            &[("client_id", id), ("token", token), ("token", token)],
            400,
            "invalid_request",
        ),
    ];
    for (fields, status, error) in cases {
        let answer = revoke(&server, "t1", fields).await;
        answer.assert_error(status, error);
        assert!(!answer.body.contains(token));
    }
    assert_eq!(server.get("t1", "/revoke").await.status, 405);
    assert_eq!(server.state().await, state);
}
