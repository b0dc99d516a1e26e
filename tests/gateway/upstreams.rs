//! Mounted servers behind a whole gateway: the same sign-in and token, and never that token beyond.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;
use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::process::Database;

const SCOPES: &str = "mcp:tools mcp:resources mcp:prompts";

/// A server and its authorization server, which gives out one token after the other.
async fn upstream() -> FakeUpstream {
    FakeUpstream::start(|seen: &Seen| {
        if seen.header("content-type") == "application/x-www-form-urlencoded" {
            let token = json!({ "access_token": "of-the-gateway", "token_type": "Bearer", "expires_in": 600 });
            return Reply::Json(200, token.to_string());
        }
        let lists = json!({
            "tools": [{ "name": "search", "inputSchema": { "type": "object" } }],
            "resources": [{ "uri": "file:///a", "name": "a" }],
            "prompts": [{ "name": "write" }],
        });
        modern(seen, &lists).unwrap_or_else(|| seen.result(r#"{"content":[],"contents":[],"messages":[]}"#))
    })
    .await
}

async fn the_token_stays_here(credentials: &str, shown: &[(&str, &str)]) {
    let upstream = upstream().await;
    let endpoint = upstream.url.replace("/mcp", "/token");
    let more = format!(
        "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
         allow_private = [\"127.0.0.0/8\"]\ncredentials = {}\n",
        upstream.url,
        credentials.replace("ENDPOINT", &endpoint)
    );
    let database = Database::sqlite();
    let gateway = database.serve_with("listen = \"127.0.0.1:0\"", &more);
    database.add_user_with(&more, "default", ("ada", "member"));
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens(SCOPES).await;
    for (method, params) in [
        ("tools/list", json!({})),
        (
            "tools/call",
            json!({ "name": "docs_search", "arguments": {} }),
        ),
        ("resources/read", json!({ "uri": "docs+file:///a" })),
        ("prompts/get", json!({ "name": "docs_write" })),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = client.call(&tokens.access, &message).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer: Value = response.json().await.unwrap();
        assert!(answer["result"].is_object(), "{answer}");
    }
    let seen = upstream.seen();
    assert!(seen.iter().any(|seen| seen.method() == "prompts/get"));
    for request in &seen {
        let headers = format!("{:?}", request.headers);
        let body = request.body.to_string();
        assert!(!headers.contains(&tokens.access) && !body.contains(&tokens.access));
        if request.body.is_null() {
            continue;
        }
        for name in ["authorization", "x-api-key", "cookie"] {
            let expected = shown.iter().find(|(known, _)| *known == name);
            assert_eq!(
                request.header(name),
                expected.map_or("", |(_, value)| value)
            );
        }
    }
}

#[tokio::test]
async fn g08_the_callers_token_stays_here_without_credentials() {
    the_token_stays_here("{ kind = \"none\" }", &[]).await;
}

#[tokio::test]
async fn g08_the_callers_token_stays_here_with_a_bearer_token() {
    let credentials = "{ kind = \"bearer\", token = { env = \"IDP_SECRET\" } }";
    let shown = [("authorization", "Bearer idp-client-secret-canary")];
    the_token_stays_here(credentials, &shown).await;
}

#[tokio::test]
async fn g08_the_callers_token_stays_here_with_a_header() {
    let credentials =
        "{ kind = \"header\", name = \"X-Api-Key\", value = { env = \"IDP_SECRET\" } }";
    the_token_stays_here(credentials, &[("x-api-key", "idp-client-secret-canary")]).await;
}

#[tokio::test]
async fn g08_the_callers_token_stays_here_with_client_credentials() {
    let credentials = "{ kind = \"client_credentials\", token_endpoint = \"ENDPOINT\", \
                       client_id = \"gatehouse\", client_secret = { env = \"IDP_SECRET\" } }";
    the_token_stays_here(credentials, &[("authorization", "Bearer of-the-gateway")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_outlasts_the_drain_does_not_keep_the_process() {
    let upstream = FakeUpstream::start(|seen: &Seen| {
        let lists = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
        modern(seen, &lists).unwrap_or(Reply::Silence)
    })
    .await;
    let more = format!(
        "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
         allow_private = [\"127.0.0.0/8\"]\n",
        upstream.url
    );
    let database = Database::sqlite();
    let server = "listen = \"127.0.0.1:0\"\ndrain = \"1s\"";
    let (gateway, lines) = database.serve_logging_with(server, &more, "warn");
    database.add_user_with(&more, "default", ("ada", "member"));
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens(SCOPES).await;
    let params = json!({ "name": "docs_search", "arguments": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let under_way = async {
        while !upstream
            .seen()
            .iter()
            .any(|seen| seen.method() == "tools/call")
        {
            tokio::task::yield_now().await;
        }
    };
    let call = tokio::spawn(async move {
        let answer = client.try_call(&tokens.access, &message).await;
        answer?.text().await
    });
    under_way.await;
    assert_eq!(gateway.terminate(), Some(0));
    assert!(call.await.unwrap().is_err());
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_default();
    let told = lines.map(|line| read(&line.unwrap()));
    let told: Vec<Value> = told.collect();
    let end = told
        .iter()
        .find(|line| line["message"] == "stopped with requests still open");
    assert_eq!(end.unwrap()["seconds"], 1);
}
