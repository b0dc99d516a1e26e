//! Which revision a request speaks, and what is said when it is none of ours.

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::gate::{CAPABILITIES, Gate, PROTOCOL_VERSION, Post, SERVER_INFO};

const VERSION: &str = "mcp-protocol-version";

fn without_meta(post: Post, name: &str) -> Post {
    let mut post = post;
    let meta = post.body["params"]["_meta"].as_object_mut().unwrap();
    meta.remove(name);
    post
}

#[tokio::test]
async fn initialize_settles_on_a_revision_that_it_can_open() {
    let gate = Gate::new().await;
    for (asked, settled) in [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let params = json!({ "protocolVersion": asked, "capabilities": {} });
        let post = Post::new(Revision::V2025_06_18, "initialize", params).without(VERSION);
        let result = gate.send(post).await.json()["result"].clone();
        assert_eq!(result["protocolVersion"], settled);
        assert_eq!(result["serverInfo"]["name"], "gatehouse");
        assert_eq!(result["instructions"], "Ask about the weather.");
        assert_eq!(
            result["capabilities"]["tools"],
            json!({ "listChanged": true })
        );
        assert_eq!(result.get("resultType"), None);
        assert_eq!(result.get("_meta"), None);
    }
    let post = Post::new(Revision::V2025_11_25, "initialize", json!({}));
    let (status, code, _) = gate.error(post).await;
    assert_eq!((status, code), (200, -32602));
}

#[tokio::test]
async fn a_session_id_is_given_out_by_initialize_alone() {
    let gate = Gate::new().await;
    let params = json!({ "protocolVersion": "2025-11-25" });
    let post = Post::new(Revision::V2025_11_25, "initialize", params);
    assert!(gate.send(post).await.headers.contains_key("mcp-session-id"));
    for post in [
        Post::new(Revision::V2025_11_25, "tools/list", json!({})),
        Post::modern("tools/list", json!({})).header("mcp-session-id", "x"),
    ] {
        let seen = gate.send(post).await;
        assert_eq!(seen.status, 200);
        assert!(!seen.headers.contains_key("mcp-session-id"));
    }
}

#[tokio::test]
async fn discover_tells_revisions_capabilities_and_identity() {
    let gate = Gate::new().await;
    let result = gate
        .result(Revision::V2026_07_28, "server/discover", json!({}))
        .await;
    let supported = json!(["2026-07-28", "2025-11-25", "2025-06-18"]);
    assert_eq!(result["supportedVersions"], supported);
    let list = json!({ "listChanged": true });
    let offered = json!({
        "tools": list, "resources": list, "prompts": list, "completions": {}, "logging": {},
        "extensions": { "io.modelcontextprotocol/tasks": {} },
    });
    assert_eq!(result["capabilities"], offered);
    assert_eq!(result["instructions"], "Ask about the weather.");
    assert_eq!(result["_meta"][SERVER_INFO]["version"], "0.1.0");
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].is_u64());
}

#[tokio::test]
async fn every_modern_result_has_its_type_and_the_server_and_no_legacy_one_has() {
    let gate = Gate::new().await;
    let calls = [
        ("tools/list", json!({}), true),
        ("resources/list", json!({}), true),
        ("resources/templates/list", json!({}), true),
        ("prompts/list", json!({}), true),
        ("resources/read", json!({ "uri": "config://app" }), true),
        ("tools/call", json!({ "name": "echo" }), false),
        ("tools/call", json!({ "name": "fail" }), false),
        ("prompts/get", json!({ "name": "summary" }), false),
    ];
    for (method, params, cacheable) in calls {
        for revision in Revision::SUPPORTED {
            let result = gate.result(revision, method, params.clone()).await;
            let modern = revision.is_modern();
            let kind = modern.then_some("complete").map(Value::from);
            assert_eq!(result.get("resultType").cloned(), kind, "{method}");
            assert_eq!(result["_meta"][SERVER_INFO].is_object(), modern, "{method}");
            let cached = modern && cacheable;
            assert_eq!(result.get("ttlMs").is_some(), cached, "{method}");
            let scope = cached.then_some("private").map(Value::from);
            assert_eq!(result.get("cacheScope").cloned(), scope, "{method}");
        }
    }
}

#[tokio::test]
async fn a_legacy_request_may_omit_the_version_header() {
    let gate = Gate::new().await;
    let post = Post::new(Revision::V2025_06_18, "tools/list", json!({})).without(VERSION);
    assert!(gate.send(post).await.json()["result"]["tools"].is_array());
}

#[tokio::test]
async fn l03_an_unsupported_version_is_named_with_those_that_are() {
    let gate = Gate::new().await;
    let legacy = Post::new(Revision::V2025_06_18, "tools/list", json!({}));
    let modern = Post::modern("server/discover", json!({}));
    let versions = |post: Post, version: &str| post.header(VERSION, version);
    for (post, requested) in [
        (versions(legacy.clone(), "2024-11-05"), "2024-11-05"),
        (versions(legacy, "2025-03-26"), "2025-03-26"),
        (
            versions(modern, "v999").meta(PROTOCOL_VERSION, json!("v999")),
            "v999",
        ),
    ] {
        let (status, code, json) = gate.error(post).await;
        assert_eq!((status, code), (400, -32022));
        assert_eq!(json["id"], 1);
        assert_eq!(json["error"]["data"]["requested"], requested);
        let supported = json!(["2026-07-28", "2025-11-25", "2025-06-18"]);
        assert_eq!(json["error"]["data"]["supported"], supported);
    }
}

#[tokio::test]
async fn l03_version_header_and_meta_must_agree() {
    let gate = Gate::new().await;
    let modern = Post::modern("tools/list", json!({}));
    let posts = [
        modern.clone().header(VERSION, "2025-11-25"),
        modern.clone().meta(PROTOCOL_VERSION, json!("v999")),
        modern.clone().meta(PROTOCOL_VERSION, json!("2025-11-25")),
        modern.clone().without(VERSION),
        modern.clone().also(VERSION, "2026-07-28"),
        modern.header(VERSION, "2026-07-28\u{e9}"),
    ];
    for post in posts {
        let (status, code, json) = gate.error(post).await;
        assert_eq!((status, code), (400, -32020));
        assert_eq!(json["id"], 1);
    }
}

#[tokio::test]
async fn a_modern_request_without_its_metadata_is_malformed() {
    let gate = Gate::new().await;
    let modern = Post::modern("server/discover", json!({}));
    let mut bare = modern.clone();
    bare.body["params"] = json!({});
    let posts = [
        bare,
        without_meta(modern.clone(), PROTOCOL_VERSION),
        without_meta(modern.clone(), CAPABILITIES),
        modern.clone().meta(CAPABILITIES, json!(true)),
        modern.clone().meta(PROTOCOL_VERSION, json!(20_260_728)),
        modern.meta("progressToken", json!({})),
    ];
    for post in posts {
        let (status, code, json) = gate.error(post).await;
        assert_eq!((status, code), (400, -32602));
        assert_eq!(json["id"], 1);
    }
}

#[tokio::test]
async fn methods_of_another_revision_are_not_found() {
    let gate = Gate::new().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/list",
        "tasks/result",
        "TOOLS/LIST",
        "unknown/method",
    ] {
        let (status, code, json) = gate.error(Post::modern(method, json!({}))).await;
        assert_eq!((status, code), (404, -32601), "{method}");
        assert_eq!(json["id"], 1);
    }
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25] {
        for method in [
            "server/discover",
            "subscriptions/listen",
            "tasks/get",
            "tools/list ",
            "x",
        ] {
            let (status, code, _) = gate.error(Post::new(revision, method, json!({}))).await;
            assert_eq!((status, code), (200, -32601), "{method}");
        }
        let result = gate.result(revision, "ping", json!({})).await;
        assert_eq!(result, json!({}));
    }
}

#[tokio::test]
async fn g17_lists_that_differ_by_caller_are_private() {
    let mut hidden = Vec::new();
    for scopes in ["mcp:tools", "mcp:tools metrics:read"] {
        let gate = Gate::with_scopes(scopes).await;
        let list = async |method: &str| {
            let result = gate.result(Revision::V2026_07_28, method, json!({}));
            let result = result.await;
            assert_eq!(result["cacheScope"], "private", "{method}");
            result
        };
        for method in [
            "resources/list",
            "resources/templates/list",
            "prompts/list",
            "server/discover",
        ] {
            list(method).await;
        }
        let tools = list("tools/list").await["tools"].to_string();
        hidden.push(tools.contains("\"hidden\""));
    }
    assert_eq!(hidden, [false, true]);
}
