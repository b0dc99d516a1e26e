//! The client credentials grant (catalogue B09, B19, C09).

use gatehouse::model::{Client, ClientId, GrantType, Secret, TokenEndpointAuthMethod};
use serde_json::Value;

use crate::support::{Answer, Fields, Server, T1, change};

/// A client that the operator added with these scopes.
async fn added(server: &Server, secret: Option<&str>) {
    let auth_method = match secret {
        Some(_) => TokenEndpointAuthMethod::ClientSecretBasic,
        None => TokenEndpointAuthMethod::None,
    };
    let secret = secret.map(|secret| Secret::new(secret.to_owned()).digest());
    let client = Client {
        id: ClientId::new("nightly"),
        name: Some("Nightly".to_owned()),
        uri: None,
        redirect_uris: vec![],
        auth_method,
        secret,
        keys: None,
        grant_types: vec![GrantType::ClientCredentials],
        scopes: Some("mcp:tools mcp:resources".parse().unwrap()),
        refusals: None,
        created_at: gatehouse::model::Timestamp::from_seconds(0),
    };
    let tenant = "t1".parse().unwrap();
    server
        .store
        .register_client(&change(&tenant), &client)
        .await
        .unwrap();
}

async fn ask(server: &Server, extra: Fields<'_>) -> Answer {
    let mut fields = vec![("grant_type", "client_credentials")];
    fields.extend_from_slice(extra);
    server
        .token_with_basic("t1", "nightly:secret", &fields)
        .await
}

#[tokio::test]
async fn the_client_is_the_subject_and_gets_no_refresh_token() {
    let server = Server::start().await;
    added(&server, Some("secret")).await;
    let answer = ask(&server, &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["scope"], "mcp:resources mcp:tools");
    assert_eq!(body.get("refresh_token"), None);
    let claims = server.claims("t1", &body);
    assert_eq!(claims.sub.as_str(), "nightly");
    assert_eq!(claims.client_id.as_str(), "nightly");
    assert_eq!(claims.aud, format!("{T1}/mcp"));
}

#[tokio::test]
async fn c09_it_gets_no_scope_that_the_operator_did_not_give() {
    let server = Server::start().await;
    added(&server, Some("secret")).await;
    let asked = [("scope", "mcp:tools metrics:read")];
    let body: Value = ask(&server, &asked).await.json();
    assert_eq!(body["scope"], "mcp:tools");
    let answer = ask(&server, &[("scope", "metrics:read")]).await;
    answer.assert_error(400, "invalid_scope");
    let answer = ask(&server, &[("resource", "https://evil.example/mcp")]).await;
    answer.assert_error(400, "invalid_target");
}

#[tokio::test]
async fn b09_a_client_without_a_secret_cannot_act_for_itself() {
    let server = Server::start().await;
    added(&server, None).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", "nightly"),
    ];
    let answer = server.token("t1", &fields).await;
    answer.assert_error(400, "unauthorized_client");
}

#[tokio::test]
async fn b19_a_client_that_registered_itself_cannot_act_for_itself() {
    let server = Server::start().await;
    let client = server.public_client("t1").await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &*client),
    ];
    let answer = server.token("t1", &fields).await;
    answer.assert_error(400, "unauthorized_client");
}
