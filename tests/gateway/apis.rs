//! HTTP APIs behind a whole gateway: the same sign-in, and never that token beyond; documents that change.

use std::path::PathBuf;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Client;
use crate::fake_upstream::{FakeUpstream, Reply, Seen};
use crate::process::Database;
use crate::reload::{REFUSED, TAKEN, next};

const SCOPES: &str = "mcp:tools";

/// A document in a file: one operation, of this name.
pub(crate) fn document(folder: &TempDir, operation: &str) -> PathBuf {
    let text = format!(
        "openapi: 3.1.0\ninfo: {{title: Pages, version: '1'}}\npaths:\n  /search:\n    get:\n      \
         operationId: {operation}\n      responses: {{}}\n"
    );
    let path = folder.path().join("openapi.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

async fn ask(client: &Client, token: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let response = client.call(token, &message).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

#[tokio::test]
async fn g08_the_callers_token_does_not_get_to_an_api_whatever_its_credentials() {
    let api = FakeUpstream::start(|seen: &Seen| {
        if seen.path == "/token" {
            let token = json!({ "access_token": "of-the-gateway", "token_type": "Bearer", "expires_in": 600 });
            return Reply::Json(200, token.to_string());
        }
        Reply::Json(200, "{}".to_owned())
    })
    .await;
    let endpoint = api.url.replace("/mcp", "/token");
    let folder = TempDir::new().unwrap();
    let file = document(&folder, "search");
    let secret = "{ env = \"IDP_SECRET\" }";
    let of_client = format!(
        "kind = \"client_credentials\", token_endpoint = \"{endpoint}\", client_id = \"gatehouse\", \
         client_secret = {secret}"
    );
    let kinds = [
        ("none", "kind = \"none\"".to_owned(), ""),
        (
            "bearer",
            format!("kind = \"bearer\", token = {secret}"),
            "Bearer idp-client-secret-canary",
        ),
        (
            "header",
            format!("kind = \"header\", name = \"X-Api-Key\", value = {secret}"),
            "idp-client-secret-canary",
        ),
        ("client", of_client, "Bearer of-the-gateway"),
    ];
    let servers = kinds.iter().map(|(name, credentials, _)| {
        format!(
            "[[tenants.servers]]\nname = \"{name}\"\nurl = \"{}\"\nopenapi = \"{}\"\n\
             allow_private = [\"127.0.0.0/8\"]\ncredentials = {{ {credentials} }}\n",
            api.url,
            file.display()
        )
    });
    let servers: Vec<String> = servers.collect();
    let more = format!("[[tenants]]\nslug = \"default\"\n{}", servers.concat());
    let database = Database::sqlite();
    let gateway = database.serve_with("listen = \"127.0.0.1:0\"", &more);
    database.add_user_with(&more, "default", ("ada", "member"));
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens(SCOPES).await;
    for (name, _, shown) in &kinds {
        let call = json!({ "name": format!("{name}_search"), "arguments": {} });
        let answer = ask(&client, &tokens.access, "tools/call", call).await;
        assert!(answer["result"].is_object(), "{answer}");
        let seen = api.seen().pop().unwrap();
        assert_eq!(
            (seen.verb.as_str(), seen.path.as_str()),
            ("GET", "/mcp/search")
        );
        let header = if *name == "header" {
            "x-api-key"
        } else {
            "authorization"
        };
        assert_eq!(seen.header(header), *shown, "{name}");
    }
    for seen in api.seen() {
        let everything = format!("{:?} {} {}", seen.headers, seen.path, seen.text);
        assert!(!everything.contains(&tokens.access), "{everything}");
    }
}

#[tokio::test]
async fn a_document_that_changes_is_taken_up_and_a_broken_one_is_not() {
    let api = FakeUpstream::start(|_: &Seen| Reply::Json(200, "{}".to_owned())).await;
    let folder = TempDir::new().unwrap();
    let file = document(&folder, "search");
    let more = format!(
        "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
         openapi = \"{}\"\nallow_private = [\"127.0.0.0/8\"]\ntool_changes = \"pass\"\n",
        api.url,
        file.display()
    );
    let database = Database::sqlite();
    let (gateway, mut lines, _) = database.serve_file(&more);
    database.add_user_with(&more, "default", ("ada", "member"));
    let mut client = Client::register(&gateway).await;
    let tokens = client.tokens(SCOPES).await;
    let has = async |name: &str| {
        let listed = ask(&client, &tokens.access, "tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().any(|tool| tool["name"] == name)
    };
    assert!(has("docs_search").await);
    document(&folder, "find");
    next(&mut lines, TAKEN);
    assert!(has("docs_find").await && !has("docs_search").await);
    std::fs::write(&file, "openapi: 3.1.0\npaths: {'/a/{b}': {get: {}}}\n").unwrap();
    let refused = next(&mut lines, REFUSED).to_string();
    assert!(
        refused.contains("GET /a/{b}: {b} of its path is not described"),
        "{refused}"
    );
    assert!(has("docs_find").await);
}
