//! Client authentication at the token endpoint (catalogue B07, B09).

use serde_json::json;

use crate::support::{CALLBACK, Server, VERIFIER};

/// A confidential client and its secret.
async fn confidential_client(server: &Server, method: &str) -> (String, String) {
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": method,
    });
    let body = server.register("t1", &metadata).await.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

#[tokio::test]
async fn a_confidential_client_authenticates_either_way() {
    let server = Server::start().await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let (id, secret) = confidential_client(&server, method).await;
        let code = server.code("t1", &id, "alice", &[]).await;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
        ];
        let answer = if method == "client_secret_basic" {
            let credentials = format!("{id}:{secret}");
            server.token_with_basic("t1", &credentials, &fields).await
        } else {
            fields.extend([("client_id", id.as_str()), ("client_secret", &secret)]);
            server.token("t1", &fields).await
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn credentials_in_basic_may_be_form_encoded() {
    let server = Server::start().await;
    let (id, secret) = confidential_client(&server, "client_secret_basic").await;
    let encode = |text: &str| text.replace('-', "%2D").replace('_', "%5f");
    let code = server.code("t1", &id, "alice", &[]).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let credentials = format!("{}:{}", encode(&id), encode(&secret));
    let answer = server.token_with_basic("t1", &credentials, &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let credentials = format!("{id}&x=1:{secret}");
    let answer = server.token_with_basic("t1", &credentials, &fields).await;
    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn b07_wrong_and_unknown_credentials_look_the_same() {
    let server = Server::start().await;
    let (id, secret) = confidential_client(&server, "client_secret_basic").await;
    let fields = [("grant_type", "authorization_code"), ("code", "x")];
    let mut bodies = Vec::new();
    for credentials in [format!("{id}:wrong"), format!("unknown:{secret}")] {
        let answer = server.token_with_basic("t1", &credentials, &fields).await;
        answer.assert_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic "));
        assert!(!answer.body.contains(&secret));
        bodies.push(answer.body);
    }
    let posted = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("client_secret", "wrong"),
    ];
    let answer = server.token("t1", &posted).await;
    answer.assert_error(401, "invalid_client");
    assert_eq!(answer.header("www-authenticate"), "");
    bodies.push(answer.body);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
}

#[tokio::test]
async fn b07_a_secret_in_the_query_is_not_looked_at() {
    let server = Server::start().await;
    let (id, secret) = confidential_client(&server, "client_secret_post").await;
    let path = format!("/token?client_id={id}&client_secret={secret}");
    let fields = [("grant_type", "authorization_code"), ("code", "x")];
    let answer = server
        .send("t1", crate::support::form(&path, &fields))
        .await;
    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn b07_broken_basic_credentials_are_refused() {
    let server = Server::start().await;
    let fields = [("grant_type", "authorization_code")];
    for credentials in ["no-colon", ":", "\u{1}:\u{2}"] {
        let answer = server.token_with_basic("t1", credentials, &fields).await;
        answer.assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn b09_a_confidential_client_needs_its_secret() {
    let server = Server::start().await;
    let (id, _) = confidential_client(&server, "client_secret_basic").await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", id.as_str()),
        ("code", "x"),
    ];
    let answer = server.token("t1", &fields).await;
    answer.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn a_client_authenticates_in_one_way_at_a_time() {
    let server = Server::start().await;
    let (id, secret) = confidential_client(&server, "client_secret_basic").await;
    let credentials = format!("{id}:{secret}");
    for extra in [("client_secret", secret.as_str()), ("client_id", "other")] {
        let fields = [("grant_type", "authorization_code"), extra];
        let answer = server.token_with_basic("t1", &credentials, &fields).await;
        answer.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_of_another_tenant_is_unknown() {
    let server = Server::start().await;
    let client = server.public_client("t2").await;
    let answer = server.redeem("t1", &client, "x").await;
    answer.assert_error(401, "invalid_client");
}
