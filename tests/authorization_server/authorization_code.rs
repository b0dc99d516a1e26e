//! The exchange of codes (catalogue A21, B01 to B06, B24).

use serde_json::json;

use crate::support::{CALLBACK, Server, T1, T2, VERIFIER};

#[tokio::test]
async fn a_code_becomes_a_token_bound_to_the_resource() {
    let server = Server::start().await;
    for (tenant, issuer) in [("t1", T1), ("t2", T2)] {
        let client = server.public_client(tenant).await;
        let answer = {
            let code = server.code(tenant, &client, "alice", &[]).await;
            server.redeem(tenant, &client, &code).await
        };
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 1800);
        // What every role has, and what the first challenge names.
        assert_eq!(body["scope"], "mcp:resources mcp:tools");
        assert!(body["refresh_token"].is_string());
        let claims = server.claims(tenant, &body);
        assert_eq!(claims.iss, issuer);
        assert_eq!(claims.aud, format!("{issuer}/mcp"));
        assert_eq!(claims.sub.as_str(), "id-of-alice");
        assert_eq!(claims.client_id.as_str(), client);
        assert_eq!(claims.exp.since(claims.iat).as_secs(), 1800);
        assert!(claims.grant_id.is_some());
    }
}

#[tokio::test]
async fn the_granted_scope_is_what_was_asked_for_as_far_as_the_role_goes() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let asked = [("scope", "mcp:tools metrics:read offline_access unknown:x")];
    for (username, granted) in [("alice", "mcp:tools metrics:read"), ("bob", "mcp:tools")] {
        let code = server.code("t1", &client, username, &asked).await;
        let body = server.redeem("t1", &client, &code).await.json();
        assert_eq!(body["scope"], granted);
        assert_eq!(server.claims("t1", &body).scope.to_string(), granted);
    }
}

#[tokio::test]
async fn offline_access_alone_means_the_usual_scopes() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let asked = [("scope", "offline_access")];
    let code = server.code("t1", &client, "bob", &asked).await;
    let body = server.redeem("t1", &client, &code).await.json();
    assert_eq!(body["scope"], "mcp:resources mcp:tools");
}

#[tokio::test]
async fn a_client_that_did_not_register_for_refreshing_gets_no_refresh_token() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
    });
    let registered = server.register("t1", &metadata).await.json();
    let client = registered["client_id"].as_str().unwrap();
    let asked = [("scope", "mcp:tools offline_access")];
    let code = server.code("t1", client, "alice", &asked).await;
    let body = server.redeem("t1", client, &code).await.json();
    assert!(body["access_token"].is_string());
    assert!(body.get("refresh_token").is_none());
}

#[tokio::test]
async fn a21_a_code_ends_after_a_minute() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    server.clock.advance(61);
    let state = server.state().await;
    let answer = server.redeem("t1", &client, &code).await;
    answer.assert_error(400, "invalid_grant");
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn b01_a_replayed_code_revokes_the_grant() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let first = server.redeem("t1", &client, &code).await.json();
    let replay = server.redeem("t1", &client, &code).await;
    replay.assert_error(400, "invalid_grant");
    let token = first["refresh_token"].as_str().unwrap();
    let answer = server.refresh("t1", &client, token, &[]).await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn b02_of_many_exchanges_at_once_one_succeeds() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let attempts = (0..50).map(|_| server.redeem("t1", &client, &code));
    let answers = futures_util::future::join_all(attempts).await;
    let successes = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(successes.count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.assert_error(400, "invalid_grant");
    }
}

/// Exchanges a new code with these fields put over the proper ones, then properly.
async fn refused_and_not_spent(extra: &[(&str, &str)], error: &str) {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let state = server.state().await;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    fields.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    fields.extend_from_slice(extra);
    let answer = server.token("t1", &fields).await;
    answer.assert_error(400, error);
    assert!(!answer.body.contains(&code));
    assert_eq!(server.state().await, state);
    assert_eq!(server.redeem("t1", &client, &code).await.status, 200);
}

#[tokio::test]
async fn b03_an_exchange_without_verifier_is_refused() {
    refused_and_not_spent(&[("code_verifier", "")], "invalid_grant").await;
}

#[tokio::test]
async fn b05_a_wrong_verifier_does_not_burn_the_code() {
    let wrong = "x".repeat(43);
    refused_and_not_spent(&[("code_verifier", &wrong)], "invalid_grant").await;
    refused_and_not_spent(&[("code_verifier", "short")], "invalid_grant").await;
}

#[tokio::test]
async fn b06_a_code_is_bound_to_its_redirect_uri_and_resource() {
    let elsewhere = "https://client.example.com/other";
    refused_and_not_spent(&[("redirect_uri", elsewhere)], "invalid_grant").await;
    let foreign = "https://mcp.example.com/t/two/mcp";
    refused_and_not_spent(&[("resource", foreign)], "invalid_target").await;
}

#[tokio::test]
async fn b06_a_code_is_bound_to_its_client_and_tenant() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let other = server.public_client("t1").await;
    let foreign = server.public_client("t2").await;
    let code = server.code("t1", &client, "alice", &[]).await;
    let state = server.state().await;
    let answer = server.redeem("t1", &other, &code).await;
    answer.assert_error(400, "invalid_grant");
    let answer = server.redeem("t2", &foreign, &code).await;
    answer.assert_error(400, "invalid_grant");
    assert_eq!(server.state().await, state);
    assert_eq!(server.redeem("t1", &client, &code).await.status, 200);
}

#[tokio::test]
async fn the_resource_and_an_absent_redirect_uri_are_fine() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let resource = format!("{T1}/mcp");
    let asked = [("resource", resource.as_str())];
    let code = server.code("t1", &client, "alice", &asked).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", client.as_str()),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("resource", resource.as_str()),
    ];
    assert_eq!(server.token("t1", &fields).await.status, 200);
}

#[tokio::test]
async fn b24_a_code_of_someone_disabled_or_removed_is_refused() {
    for statement in ["UPDATE users SET disabled = TRUE", "DELETE FROM users"] {
        let server = Server::start().await;
        let client = server.public_client("t1").await;
        let code = server.code("t1", &client, "alice", &[]).await;
        server.sql(statement).await;
        let answer = server.redeem("t1", &client, &code).await;
        answer.assert_error(400, "invalid_grant");
    }
}
