//! An HTTP API where each person has an account of their own.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::world::{Somebody, World};
use crate::process::Database;

async fn call(ada: &Somebody, name: &str) -> Value {
    ada.ask("tools/call", json!({ "name": name })).await
}

#[tokio::test]
async fn people_call_an_api_with_the_accounts_that_they_linked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("openapi.yaml");
    let text = "openapi: 3.1.0\npaths:\n  /search: {get: {operationId: search}}\n  \
                /closed: {get: {operationId: closed}}\n";
    std::fs::write(&path, text).unwrap();
    let world = World::start_api(Database::sqlite(), &path).await;
    let mut ada = world.ada().await;
    // What there is says the document, which is nobody's.
    assert_eq!(ada.tools().await, ["docs_search", "docs_closed"]);
    let refused = call(&ada, "docs_search").await;
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("is not connected"), "{refused}");
    assert!(
        world
            .upstream
            .seen()
            .iter()
            .all(|seen| seen.path != "/mcp/search")
    );

    ada.link().await;
    let said = |answer: &Value| answer["result"]["content"][0]["text"].to_string();
    let answer = call(&ada, "docs_search").await;
    assert!(said(&answer).contains("canary-access-1"), "{answer}");
    // A token that is not taken any more is renewed once.
    world.issued.lock().unwrap().forget();
    let answer = call(&ada, "docs_search").await;
    assert!(said(&answer).contains("canary-access-2"), "{answer}");
    assert_eq!(world.issued.lock().unwrap().renewals, 1);

    for _ in 0..7 {
        let refused = call(&ada, "docs_closed").await;
        let why = refused["error"]["message"].as_str().unwrap();
        assert!(why.contains("does not let the gateway in"), "{refused}");
    }
    let answer = call(&ada, "docs_search").await;
    assert!(said(&answer).contains("canary-access-2"), "{answer}");
}
