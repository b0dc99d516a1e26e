//! Dynamic client registration (catalogue A05, A09, C).

use axum::body::Body;
use http::Request;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Answer, CALLBACK, Server, T1};

async fn refused(metadata: Value, error: &str) {
    let server = Server::start().await;
    let state = server.state().await;
    server
        .register("t1", &metadata)
        .await
        .assert_error(400, error);
    assert_eq!(server.state().await, state);
}

async fn raw(server: &Server, media_type: &str, body: String) -> Answer {
    let request = Request::post("/register")
        .header(CONTENT_TYPE, media_type)
        .body(Body::from(body))
        .unwrap();
    server.send("t1", request).await
}

/// Proper metadata with one member more.
fn with(name: &str, value: &Value) -> Value {
    let mut metadata = json!({ "redirect_uris": [CALLBACK] });
    metadata[name] = value.clone();
    metadata
}

#[tokio::test]
async fn a_client_is_told_all_that_was_registered_and_no_nulls() {
    let server = Server::start().await;
    let metadata = json!({
        "client_name": " Example ",
        "client_uri": "https://client.example.com",
        "redirect_uris": ["http://127.0.0.1:33418", "https://vscode.dev/redirect"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", "device_code"],
        "response_types": ["code"],
        "application_type": "native",
        "scope": "mcp:tools",
        "logo_uri": null,
        "unheard_of": { "deep": [[[]]] },
    });
    let answer = server.register("t1", &metadata).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut body = answer.json();
    let id = body.as_object_mut().unwrap().remove("client_id").unwrap();
    assert!(id.as_str().unwrap().len() >= 22);
    let members = body.as_object_mut().unwrap();
    let token = members.remove("registration_access_token").unwrap();
    assert!(token.as_str().unwrap().len() >= 43);
    let address = members.remove("registration_client_uri").unwrap();
    let expected = format!("{T1}/register/{}", id.as_str().unwrap());
    assert_eq!(address, expected);
    let expected = json!({
        "client_id_issued_at": 1_800_000_000,
        "client_name": "Example",
        "client_uri": "https://client.example.com",
        "redirect_uris": ["http://127.0.0.1:33418", "https://vscode.dev/redirect"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "native",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a05_and_c01_evil_redirect_uris_are_refused() {
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///x",
        "vbscript:x",
        "blob:https://client.example.com/x",
        "http://client.example.com/callback",
        "https://client.example.com/callback#fragment",
        "https://*.example.com/callback",
        "https://user:secret@client.example.com/callback",
        "/callback",
        "callback",
        "myapp://callback",
        "",
    ] {
        refused(json!({ "redirect_uris": [uri] }), "invalid_redirect_uri").await;
        // One bad one among good ones, too.
        let several = json!({ "redirect_uris": [CALLBACK, uri] });
        refused(several, "invalid_redirect_uri").await;
    }
    refused(json!({}), "invalid_redirect_uri").await;
    refused(json!({ "redirect_uris": [] }), "invalid_redirect_uri").await;
}

#[tokio::test]
async fn a09_a_redirect_uri_has_no_parameter_of_a_response() {
    for name in ["code", "state", "iss", "error"] {
        let uri = format!("https://client.example.com/callback?{name}=evil");
        refused(json!({ "redirect_uris": [uri] }), "invalid_redirect_uri").await;
    }
}

#[tokio::test]
async fn c03_what_is_too_large_is_refused() {
    let uris: Vec<String> = (0..101)
        .map(|port| format!("http://127.0.0.1:{port}/"))
        .collect();
    refused(json!({ "redirect_uris": uris }), "invalid_redirect_uri").await;
    let name = with("client_name", &json!("n".repeat(5 * 1024)));
    refused(name, "invalid_client_metadata").await;
    let server = Server::start().await;
    let body = with("unheard_of", &json!("x".repeat(65 * 1024))).to_string();
    let answer = raw(&server, "application/json", body).await;
    answer.assert_error(413, "invalid_client_metadata");
}

#[tokio::test]
async fn c04_a_name_with_invisible_characters_is_refused() {
    for name in [
        "a\u{0}b",
        "a\nb",
        "a\u{1b}[0m",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200b}b",
    ] {
        refused(with("client_name", &json!(name)), "invalid_client_metadata").await;
    }
}

#[tokio::test]
async fn c07_keys_and_methods_that_need_them_are_refused() {
    let private = json!({ "keys": [{ "kty": "EC", "d": "x" }] });
    for metadata in [
        with("jwks", &private),
        with("jwks_uri", &json!("http://client.example.com/jwks")),
        with("token_endpoint_auth_method", &json!("private_key_jwt")),
        with("token_endpoint_auth_method", &json!("tls_client_auth")),
        with("response_types", &json!(["token"])),
        with("client_uri", &json!("javascript:alert(1)")),
    ] {
        refused(metadata, "invalid_client_metadata").await;
    }
}

#[tokio::test]
async fn a_software_statement_is_refused() {
    let metadata = with("software_statement", &json!("e30.e30."));
    refused(metadata, "unapproved_software_statement").await;
}

#[tokio::test]
async fn c08_only_a_confidential_client_gets_a_secret() {
    let server = Server::start().await;
    let public = with("token_endpoint_auth_method", &json!("none"));
    let body = server.register("t1", &public).await.json();
    assert!(body.get("client_secret").is_none());
    assert!(body.get("client_secret_expires_at").is_none());

    // RFC 7591 §2: without a method it is confidential.
    let body = server
        .register("t1", &json!({ "redirect_uris": [CALLBACK] }))
        .await
        .json();
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(body["client_secret_expires_at"], 0);
    let secret = body["client_secret"].as_str().unwrap();
    let id = gatehouse::model::ClientId::new(body["client_id"].as_str().unwrap());
    let tenant = "t1".parse().unwrap();
    let stored = server.store.find_client(&tenant, &id).await.unwrap();
    let expected = gatehouse::model::Secret::new(secret.to_owned()).digest();
    assert_eq!(stored.unwrap().secret, Some(expected));
}

#[tokio::test]
async fn c09_grants_that_are_not_for_everyone_are_left_out_or_refused() {
    let grants = with("grant_types", &json!(["client_credentials"]));
    refused(grants, "invalid_client_metadata").await;
    let server = Server::start().await;
    let grants = with(
        "grant_types",
        &json!(["authorization_code", "client_credentials"]),
    );
    let body = server.register("t1", &grants).await.json();
    assert_eq!(body["grant_types"], json!(["authorization_code"]));
}

#[tokio::test]
async fn c09_asking_for_scopes_gives_none_that_the_role_lacks() {
    let server = Server::start().await;
    let mut metadata = with("scope", &json!("metrics:read mcp:tools"));
    metadata["token_endpoint_auth_method"] = json!("none");
    let body = server.register("t1", &metadata).await.json();
    assert!(body.get("scope").is_none());
    let client = body["client_id"].as_str().unwrap();
    let asked = [("scope", "metrics:read mcp:tools")];
    let code = server.code("t1", client, "bob", &asked).await;
    let body = server.redeem("t1", client, &code).await.json();
    assert_eq!(body["scope"], "mcp:tools");
}

#[tokio::test]
async fn c14_a_member_that_is_there_twice_is_refused() {
    let server = Server::start().await;
    let state = server.state().await;
    for body in [
        format!(r#"{{"redirect_uris":["{CALLBACK}"],"redirect_uris":["https://evil.example/"]}}"#),
        format!(r#"{{"redirect_uris":["{CALLBACK}"],"client_name":"a","client_name":"b"}}"#),
    ] {
        let answer = raw(&server, "application/json", body).await;
        answer.assert_error(400, "invalid_client_metadata");
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let server = Server::start().await;
    for body in ["", "[]", "null", "{", r#"{"redirect_uris":"x"}"#] {
        let answer = raw(&server, "application/json", body.to_owned()).await;
        answer.assert_error(400, "invalid_client_metadata");
    }
    let deep = format!("{{\"x\":{}", "[".repeat(5000));
    let answer = raw(&server, "application/json", deep).await;
    answer.assert_error(400, "invalid_client_metadata");
    let form = format!("redirect_uris={CALLBACK}");
    let answer = raw(&server, "application/x-www-form-urlencoded", form).await;
    answer.assert_error(400, "invalid_client_metadata");
}

#[tokio::test]
async fn b23_a_database_that_fails_is_said_to_be_for_now() {
    let server = Server::start().await;
    server.sql("ALTER TABLE clients RENAME TO gone").await;
    let answer = server
        .register("t1", &json!({ "redirect_uris": [CALLBACK] }))
        .await;
    answer.assert_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
}
