//! A tenant whose tokens another authorization server issues, at a gateway that is asked over TCP.

use reqwest::StatusCode;
use reqwest::header::{HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::client::http;
use crate::fake_issuer::{FakeIssuer, Key};
use crate::process::{Database, Gateway};
use crate::tenants::get;

const BASE: &str = "http://127.0.0.1:9";
const ACME: &str = "http://127.0.0.1:9/t/acme";
const AUDIENCE: &str = "https://api.example.com";

fn start(database: &Database, issuer: &str) -> Gateway {
    let server = format!("listen = \"127.0.0.1:0\"\npublic_url = \"{BASE}\"");
    let acme = format!(
        "[[tenants]]\nslug = \"acme\"\npublic_url = \"{ACME}\"\n\
         [tenants.authorization]\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n\
         [tenants.authorization.scopes]\n\
         \"weather.use\" = [\"mcp:tools\", \"mcp:resources\", \"mcp:prompts\"]\n\
         \"weather.figures\" = [\"metrics:read\"]\n"
    );
    database.serve_with(&server, &acme)
}

async fn call(gateway: &Gateway, token: &str, message: &Value) -> reqwest::Response {
    let request = http().post(format!("{}/t/acme/mcp", gateway.url));
    let request = request.header(HOST, "127.0.0.1:9").bearer_auth(token);
    let request = request.header("mcp-protocol-version", "2025-11-25");
    let request = request.header("accept", "application/json, text/event-stream");
    request.json(message).send().await.unwrap()
}

fn token(key: &Key, issuer: &FakeIssuer, scope: &str) -> String {
    let now = seconds_now();
    let claims = json!({
        "iss": issuer.url, "sub": "ada", "aud": AUDIENCE, "client_id": "app", "iat": now,
        "exp": now + 600, "scope": scope,
    });
    key.sign(&json!({ "typ": "at+jwt" }), &claims)
}

fn seconds_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn such_a_tenant_has_a_resource_and_no_authorization_server() {
    let key = Key::new("k1");
    let issuer = FakeIssuer::start(&[&key]).await;
    let database = Database::sqlite();
    let gateway = start(&database, &issuer.url);
    let metadata = format!("{BASE}/.well-known/oauth-protected-resource/t/acme/mcp");
    let document: Value = get(&gateway, &metadata).await.json().await.unwrap();
    assert_eq!(document["resource"], format!("{ACME}/mcp"));
    assert_eq!(document["authorization_servers"], json!([issuer.url]));
    assert_eq!(document["scopes_supported"], json!(["weather.use"]));
    for path in [
        "/.well-known/openid-configuration",
        "/jwks",
        "/authorize",
        "/login",
        "/account",
        "/logo",
        "/token",
        "/register",
        "/par",
        "/revoke",
        "/introspect",
        "/consent",
    ] {
        let found = get(&gateway, &format!("{ACME}{path}")).await;
        assert_eq!(found.status(), StatusCode::NOT_FOUND, "{path}");
        let posted = http().post(format!("{}/t/acme{path}", gateway.url));
        let posted = posted.header(HOST, "127.0.0.1:9").send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let inserted = format!("{BASE}/.well-known/oauth-authorization-server");
    let found = get(&gateway, &format!("{inserted}/t/acme")).await;
    assert_eq!(found.status(), StatusCode::NOT_FOUND);
    // The tenant beside it has its own as before.
    assert_eq!(get(&gateway, &inserted).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_tokens_are_taken_and_its_scopes_are_asked_for() {
    let key = Key::new("k1");
    let issuer = FakeIssuer::start(&[&key]).await;
    let database = Database::sqlite();
    let gateway = start(&database, &issuer.url);
    let nobody = get(&gateway, &format!("{ACME}/mcp")).await;
    let challenge = nobody.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("scope=\"weather.use\""), "{challenge}");

    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let good = token(&key, &issuer, "weather.use openid");
    assert_eq!(call(&gateway, &good, &list).await.status(), StatusCode::OK);
    let metric = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "get_internal_metric", "arguments": { "metric_name": "requests" } },
    });
    let refused = call(&gateway, &good, &metric).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    let both = "scope=\"weather.figures weather.use\"";
    assert!(challenge.contains(both), "{challenge}");
    let more = token(&key, &issuer, "weather.use weather.figures");
    assert_eq!(
        call(&gateway, &more, &metric).await.status(),
        StatusCode::OK
    );

    let stranger = token(&Key::new("k1"), &issuer, "weather.use");
    let refused = call(&gateway, &stranger, &list).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert_eq!(issuer.key_requests(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_a_token_is_neither_good_nor_bad() {
    let key = Key::new("k1");
    let issuer = FakeIssuer::start(&[&key]).await;
    issuer.break_down(true);
    let database = Database::sqlite();
    let gateway = start(&database, &issuer.url);
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let good = token(&key, &issuer, "weather.use");
    let answer = call(&gateway, &good, &list).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key(RETRY_AFTER));
}
