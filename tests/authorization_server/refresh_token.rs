//! Refreshing (catalogue B12 to B18, B24).

use serde_json::Value;

use crate::support::{Answer, Server, T1, change_at};

fn refresh_token(body: &Value) -> &str {
    body["refresh_token"].as_str().unwrap()
}

/// A refused request that leaves the token as good as it was.
async fn refused_and_not_spent(extra: &[(&str, &str)], error: &str) {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let token = refresh_token(&tokens);
    let state = server.state().await;
    let answer = server.refresh("t1", &client, token, extra).await;
    answer.assert_error(400, error);
    assert!(!answer.body.contains(token));
    assert_eq!(server.state().await, state);
    assert_eq!(server.refresh("t1", &client, token, &[]).await.status, 200);
}

#[tokio::test]
async fn a_refresh_rotates_the_token_and_keeps_the_scope() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let answer = server
        .refresh("t1", &client, refresh_token(&first), &[])
        .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = answer.json();
    assert_ne!(refresh_token(&second), refresh_token(&first));
    assert_eq!(second["scope"], first["scope"]);
    let claims = server.claims("t1", &second);
    assert_eq!(claims.grant_id, server.claims("t1", &first).grant_id);
    assert_ne!(claims.jti, server.claims("t1", &first).jti);
}

#[tokio::test]
async fn b12_reuse_after_the_grace_period_revokes_the_family() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let answer = server.refresh("t1", &client, refresh_token(&first), &[]);
    let second = answer.await.json();
    server.clock.advance(31);
    for token in [&first, &second] {
        let token = refresh_token(token);
        let answer = server.refresh("t1", &client, token, &[]).await;
        answer.assert_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn b13_refreshing_many_times_at_once_leads_to_one_successor() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let attempts = (0..50).map(|_| server.refresh("t1", &client, refresh_token(&first), &[]));
    let answers: Vec<Answer> = futures_util::future::join_all(attempts).await;
    let mut successors: Vec<String> = answers
        .iter()
        .map(|answer| refresh_token(&answer.json()).to_owned())
        .collect();
    successors.dedup();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn b15_a_lost_answer_is_given_again_within_the_grace_period() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let token = refresh_token(&first);
    let lost = server.refresh("t1", &client, token, &[]).await.json();
    server.clock.advance(29);
    let again = server.refresh("t1", &client, token, &[]).await.json();
    assert_eq!(refresh_token(&again), refresh_token(&lost));
    let answer = server
        .refresh("t1", &client, refresh_token(&again), &[])
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn b16_a_wider_scope_is_refused_and_the_token_stays_valid() {
    refused_and_not_spent(&[("scope", "mcp:tools metrics:read")], "invalid_scope").await;
    refused_and_not_spent(&[("scope", "unknown:scope")], "invalid_scope").await;
}

#[tokio::test]
async fn a_narrower_scope_narrows_the_access_token_only() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let narrow = [("scope", "mcp:tools offline_access")];
    let second = server
        .refresh("t1", &client, refresh_token(&first), &narrow)
        .await
        .json();
    assert_eq!(second["scope"], "mcp:tools");
    let third = server
        .refresh("t1", &client, refresh_token(&second), &[])
        .await
        .json();
    assert_eq!(third["scope"], "mcp:resources mcp:tools");
}

#[tokio::test]
async fn b17_another_resource_is_refused_and_the_same_is_fine() {
    refused_and_not_spent(
        &[("resource", "https://evil.example/mcp")],
        "invalid_target",
    )
    .await;
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    let resource = format!("{T1}/mcp");
    let same = [("resource", resource.as_str())];
    let answer = server
        .refresh("t1", &client, refresh_token(&first), &same)
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn b17_a_resource_that_is_served_no_more_ends_the_grant() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let first = server.tokens("t1", &client, "alice").await;
    server
        .sql("UPDATE grants SET resource = 'https://old.example.com/mcp'")
        .await;
    let answer = server
        .refresh("t1", &client, refresh_token(&first), &[])
        .await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn b18_the_token_of_another_client_or_tenant_is_refused_and_unharmed() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let other = server.public_client("t1").await;
    let foreign = server.public_client("t2").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let token = refresh_token(&tokens);
    let state = server.state().await;
    for (tenant, thief) in [("t1", &other), ("t2", &foreign)] {
        let answer = server.refresh(tenant, thief, token, &[]).await;
        answer.assert_error(400, "invalid_grant");
    }
    assert_eq!(server.state().await, state);
    assert_eq!(server.refresh("t1", &client, token, &[]).await.status, 200);
}

#[tokio::test]
async fn b24_a_disabled_or_removed_account_refreshes_nothing() {
    for statement in ["UPDATE users SET disabled = TRUE", "DELETE FROM users"] {
        let server = Server::start().await;
        let client = server.public_client("t1").await;
        let tokens = server.tokens("t1", &client, "alice").await;
        server.sql(statement).await;
        let answer = server
            .refresh("t1", &client, refresh_token(&tokens), &[])
            .await;
        answer.assert_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn b24_a_deleted_client_refreshes_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    server.sql("DELETE FROM clients").await;
    let answer = server
        .refresh("t1", &client, refresh_token(&tokens), &[])
        .await;
    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn b24_a_revoked_grant_refreshes_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    let grant = server.claims("t1", &tokens).grant_id.unwrap();
    let now = gatehouse::model::Timestamp::from_seconds(1_800_000_000);
    let tenant = "t1".parse().unwrap();
    assert!(
        server
            .store
            .revoke_grant(&change_at(&tenant, now), &grant)
            .await
            .unwrap()
    );
    let answer = server
        .refresh("t1", &client, refresh_token(&tokens), &[])
        .await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_refresh_on() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let asked = [("scope", "mcp:tools metrics:read")];
    let code = server.code("t1", &client, "alice", &asked).await;
    let first = server.redeem("t1", &client, &code).await.json();
    server.sql("UPDATE users SET roles = '[\"member\"]'").await;
    let second = server
        .refresh("t1", &client, refresh_token(&first), &[])
        .await
        .json();
    assert_eq!(second["scope"], "mcp:tools");
    server
        .sql("UPDATE users SET roles = '[\"unheard-of\"]'")
        .await;
    let answer = server
        .refresh("t1", &client, refresh_token(&second), &[])
        .await;
    answer.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_expired_token_refreshes_nothing() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let tokens = server.tokens("t1", &client, "alice").await;
    server.clock.advance(30 * 24 * 60 * 60);
    let answer = server
        .refresh("t1", &client, refresh_token(&tokens), &[])
        .await;
    answer.assert_error(400, "invalid_grant");
}
