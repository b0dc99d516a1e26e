//! Structured output in the form that each revision allows (2025-11-25 and 2026-07-28 server/tools).

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::gate::Gate;

async fn listed(gate: &Gate, revision: Revision, name: &str) -> Value {
    let result = gate.result(revision, "tools/list", json!({})).await;
    let tools = result["tools"].as_array().unwrap();
    let found = tools.iter().find(|tool| tool["name"] == name);
    found.unwrap().clone()
}

#[tokio::test]
async fn content_that_is_no_object_is_structured_from_2026_07_28_on_and_text_before() {
    let gate = Gate::new().await;
    let call = json!({ "name": "enumerate" });
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25] {
        let result = gate.result(revision, "tools/call", call.clone()).await;
        let text = json!([{ "type": "text", "text": "[1,\"two\"]" }]);
        assert_eq!(result, json!({ "content": text }));
        let tool = listed(&gate, revision, "enumerate").await;
        assert!(tool.get("outputSchema").is_none(), "{tool}");
    }
    let modern = Revision::V2026_07_28;
    let result = gate.result(modern, "tools/call", call).await;
    assert_eq!(result["structuredContent"], json!([1, "two"]));
    let tool = listed(&gate, modern, "enumerate").await;
    assert_eq!(tool["outputSchema"], json!({ "type": "array" }));
}

#[tokio::test]
async fn an_object_is_structured_content_in_every_revision() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let call = json!({ "name": "routed", "arguments": { "free": "x" } });
        let result = gate.result(revision, "tools/call", call).await;
        assert_eq!(result["structuredContent"], json!({ "free": "x" }));
        let tool = listed(&gate, revision, "routed").await;
        assert_eq!(tool["outputSchema"], json!({ "type": "object" }));
    }
}
