//! RFC 7592, and who may register (catalogue C02, C10, C11).

use axum::body::Body;
use gatehouse::model::{RegistrationPolicy, Secret};
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, CALLBACK, Server};

async fn manage(
    server: &Server,
    (tenant, method): (&str, Method),
    registered: &Value,
    (token, body): (&str, &Value),
) -> Answer {
    let id = registered["client_id"].as_str().unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("/register/{id}"))
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    server.send(tenant, request).await
}

fn token(registered: &Value) -> &str {
    registered["registration_access_token"].as_str().unwrap()
}

async fn registered(server: &Server, name: &str) -> Value {
    let metadata = json!({
        "client_name": name,
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let answer = server.register("t1", &metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn c11_what_was_read_and_sent_back_changes_nothing() {
    let server = Server::start().await;
    let client = registered(&server, "Example").await;
    let (own, nothing) = (token(&client), Value::Null);
    let read = manage(&server, ("t1", Method::GET), &client, (own, &nothing)).await;
    assert_eq!(read.status, 200, "{}", read.body);
    assert_eq!(read.header("cache-control"), "no-store");
    let mut expected = client.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(read.json(), expected);
    let state = server.state().await;
    let written = manage(&server, ("t1", Method::PUT), &client, (own, &read.json())).await;
    assert_eq!(written.json(), expected);
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a_replacement_takes_the_place_of_all_metadata() {
    let server = Server::start().await;
    let client = registered(&server, "Example").await;
    let metadata = json!({
        "client_id": client["client_id"],
        "redirect_uris": ["https://client.example.com/other"],
        "token_endpoint_auth_method": "none",
    });
    let own = token(&client);
    let answer = manage(&server, ("t1", Method::PUT), &client, (own, &metadata)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["redirect_uris"], metadata["redirect_uris"]);
    assert_eq!(body["grant_types"], json!(["authorization_code"]));
    assert_eq!(body.get("client_name"), None);
    assert_eq!(body.get("client_secret_expires_at"), None);
    // C08: confidential again, it gets another secret.
    let back = json!({ "client_id": client["client_id"], "redirect_uris": [CALLBACK] });
    let answer = manage(&server, ("t1", Method::PUT), &client, (own, &back)).await;
    assert!(answer.json()["client_secret"].is_string());
    assert_ne!(answer.json()["client_secret"], client["client_secret"]);
}

#[tokio::test]
async fn a_client_that_signs_gives_up_its_secret_and_names_its_keys() {
    let server = Server::start().await;
    let client = registered(&server, "Example").await;
    let own = token(&client);
    let uri = "https://client.example.com/jwks";
    let metadata = json!({
        "client_id": client["client_id"],
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": uri,
    });
    let answer = manage(&server, ("t1", Method::PUT), &client, (own, &metadata)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let read = manage(&server, ("t1", Method::GET), &client, (own, &Value::Null)).await;
    for body in [answer.json(), read.json()] {
        assert_eq!(body["token_endpoint_auth_method"], "private_key_jwt");
        assert_eq!(body["jwks_uri"], uri);
        assert_eq!(body.get("client_secret"), None);
        assert_eq!(body.get("client_secret_expires_at"), None);
    }
}

#[tokio::test]
async fn c10_a_token_is_good_for_its_own_client_only() {
    let server = Server::start().await;
    let [a, b] = [
        registered(&server, "A").await,
        registered(&server, "B").await,
    ];
    let state = server.state().await;
    let metadata = json!({ "client_id": a["client_id"], "redirect_uris": [CALLBACK] });
    for (tenant, token) in [("t1", token(&b)), ("t2", token(&a)), ("t1", "guess")] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = manage(&server, (tenant, method), &a, (token, &metadata)).await;
            answer.assert_error(401, "invalid_token");
            assert!(
                answer
                    .header(WWW_AUTHENTICATE.as_str())
                    .starts_with("Bearer")
            );
            assert!(!answer.body.contains(token));
        }
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn c10_a_replacement_names_its_client_and_its_secret() {
    let server = Server::start().await;
    let [a, b] = [
        registered(&server, "A").await,
        registered(&server, "B").await,
    ];
    let state = server.state().await;
    for metadata in [
        json!({ "redirect_uris": [CALLBACK] }),
        json!({ "client_id": b["client_id"], "redirect_uris": [CALLBACK] }),
        json!({
            "client_id": a["client_id"], "client_secret": "chosen", "redirect_uris": [CALLBACK],
        }),
    ] {
        let answer = manage(&server, ("t1", Method::PUT), &a, (token(&a), &metadata)).await;
        answer.assert_error(400, "invalid_client_metadata");
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn b24_a_deleted_client_can_do_nothing_any_more() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let client = server.register("t1", &metadata).await.json();
    let id = client["client_id"].as_str().unwrap();
    let tokens = server.tokens("t1", id, "alice").await;
    let answer = manage(
        &server,
        ("t1", Method::DELETE),
        &client,
        (token(&client), &metadata),
    )
    .await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = server.refresh("t1", id, refresh, &[]).await;
    answer.assert_error(401, "invalid_client");
    let again = manage(
        &server,
        ("t1", Method::GET),
        &client,
        (token(&client), &metadata),
    )
    .await;
    again.assert_error(401, "invalid_token");
}

#[tokio::test]
async fn registration_may_need_an_initial_access_token() {
    let policy =
        RegistrationPolicy::InitialAccessToken(Secret::new("let me in, please".to_owned()));
    let server = Server::start_registering(policy, 10).await;
    let metadata = json!({ "redirect_uris": [CALLBACK] });
    let state = server.state().await;
    for header in [None, Some("Bearer wrong"), Some("Basic let me in, please")] {
        let mut request = Request::post("/register").header(CONTENT_TYPE, "application/json");
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header);
        }
        let request = request.body(Body::from(metadata.to_string())).unwrap();
        let answer = server.send("t1", request).await;
        answer.assert_error(401, "invalid_token");
    }
    assert_eq!(server.state().await, state);
    let request = Request::post("/register")
        .header(CONTENT_TYPE, "application/json")
        .header(AUTHORIZATION, "Bearer let me in, please")
        .body(Body::from(metadata.to_string()))
        .unwrap();
    assert_eq!(server.send("t1", request).await.status, 201);
}

#[tokio::test]
async fn e04_closed_registration_is_refused_and_not_advertised() {
    let server = Server::start_registering(RegistrationPolicy::Closed, 10).await;
    let metadata = json!({ "redirect_uris": [CALLBACK] });
    let answer = server.register("t1", &metadata).await;
    answer.assert_error(403, "access_denied");
    let document = server.get("t1", "/metadata").await.json();
    assert_eq!(document.get("registration_endpoint"), None);
}

#[tokio::test]
async fn c02_a_full_tenant_says_so() {
    let server = Server::start_registering(RegistrationPolicy::Open, 1).await;
    let first = server.public_client("t1").await;
    server.tokens("t1", &first, "alice").await;
    let answer = server
        .register("t1", &json!({ "redirect_uris": [CALLBACK] }))
        .await;
    answer.assert_error(429, "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    // The other tenant has room of its own.
    server.public_client("t2").await;
}
