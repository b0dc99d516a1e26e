//! Headers against the body (2026-07-28 streamable-http, server validation).

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::gate::{Gate, Post};

fn call(name: &str, arguments: &Value) -> Post {
    Post::modern(
        "tools/call",
        json!({ "name": name, "arguments": arguments }),
    )
}

/// Since 2026-07-28 the header still says `echo`; before, nothing but the body says anything.
fn refusal_of_a_false_name(revision: Revision) -> (u16, i64) {
    if revision.is_modern() {
        (400, -32020)
    } else {
        (200, -32602)
    }
}

async fn assert_mismatch(gate: &mut Gate, post: Post) {
    let shown = format!("{:?}", post.headers);
    let (status, code, json) = gate.error(post).await;
    assert_eq!((status, code), (400, -32020), "{shown}");
    assert_eq!(json["id"], 1);
    assert!(gate.happened.try_recv().is_err(), "{shown}");
}

async fn assert_called(gate: &mut Gate, post: Post) {
    let json = gate.send(post).await.json();
    assert!(json["result"].is_object(), "{json}");
    assert_eq!(gate.happened.try_recv(), Ok("called"));
}

#[tokio::test]
async fn l03_mcp_method_must_be_the_method_of_the_body() {
    let mut gate = Gate::new().await;
    let list = Post::modern("tools/list", json!({}));
    let posts = [
        list.clone().without("mcp-method"),
        list.clone().header("mcp-method", "prompts/list"),
        list.clone().header("mcp-method", "TOOLS/LIST"),
        list.clone().header("mcp-method", ""),
        list.clone().header("mcp-method", "tools/list\u{e9}"),
        list.clone().also("mcp-method", "tools/list"),
        list.header("mcp-method", "=?base64?dG9vbHMvbGlzdA==?="),
    ];
    for post in posts {
        assert_mismatch(&mut gate, post).await;
    }
}

#[tokio::test]
async fn l03_mcp_name_must_be_the_name_of_the_body() {
    let mut gate = Gate::new().await;
    let echo = call("echo", &json!({}));
    let posts = [
        echo.clone().without("mcp-name"),
        echo.clone().header("mcp-name", "hold"),
        echo.clone().also("mcp-name", "echo"),
        echo.clone().also("mcp-name", "hold"),
        echo.clone().header("mcp-name", "echo\u{e9}"),
        echo.clone().header("mcp-name", "=?base64?ZWNobw?="),
        echo.clone().header("mcp-name", "=?base64?ZWN!bw==?="),
        echo.clone().header("mcp-name", "=?base64?/w==?="),
        echo.clone().header("mcp-name", "=?BASE64?ZWNobw==?="),
        Post::modern("resources/read", json!({ "uri": "config://app" })).without("mcp-name"),
        Post::modern("prompts/get", json!({ "name": "summary" })).header("mcp-name", "other"),
    ];
    for post in posts {
        assert_mismatch(&mut gate, post).await;
    }
    for name in ["echo", "  echo\t", "=?base64?ZWNobw==?="] {
        assert_called(&mut gate, echo.clone().header("mcp-name", name)).await;
    }
}

#[tokio::test]
async fn g05_a_name_is_taken_to_the_letter() {
    let mut gate = Gate::new().await;
    for name in [
        "Echo",
        "echo ",
        " echo",
        "ech\u{43e}",
        "a__echo",
        "%65cho",
        "x/../echo",
        "echo\u{0}",
    ] {
        for revision in Revision::SUPPORTED {
            let mut post = Post::new(revision, "tools/call", json!({ "name": "echo" }));
            post.body["params"]["name"] = json!(name);
            let (status, code, _) = gate.error(post).await;
            let expected = refusal_of_a_false_name(revision);
            assert_eq!((status, code), expected, "{name}");
            assert!(gate.happened.try_recv().is_err());
        }
    }
}

#[tokio::test]
async fn g05_the_body_decides_where_a_revision_has_no_headers() {
    let mut gate = Gate::with_scopes("mcp:tools").await;
    let post = Post::new(
        Revision::V2025_11_25,
        "tools/call",
        json!({ "name": "guarded" }),
    );
    let post = post
        .header("mcp-method", "tools/list")
        .header("mcp-name", "echo");
    assert_eq!(gate.send(post).await.status, 403);
    assert!(gate.happened.try_recv().is_err());
}

#[tokio::test]
async fn l03_param_headers_must_be_the_arguments_that_they_mirror() {
    let mut gate = Gate::new().await;
    let arguments = json!({ "region": "Hello", "count": 42, "options": { "dry": true } });
    let routed = call("routed", &arguments)
        .header("mcp-param-region", "Hello")
        .header("mcp-param-count", "42")
        .header("mcp-param-dry-run", "true");
    let posts = [
        routed.clone().without("mcp-param-region"),
        routed.clone().without("mcp-param-dry-run"),
        routed.clone().header("mcp-param-region", "hello"),
        routed
            .clone()
            .header("mcp-param-region", "=?base64?SGVsbG8?="),
        routed
            .clone()
            .header("mcp-param-region", "=?base64?SGVs!!!bG8=?="),
        routed.clone().header("mcp-param-region", "Hello\u{e9}"),
        routed.clone().also("mcp-param-region", "Hello"),
        routed.clone().header("mcp-param-count", "43"),
        routed.clone().header("mcp-param-count", "4.2e1"),
        routed.clone().header("mcp-param-dry-run", "True"),
    ];
    for post in posts {
        assert_mismatch(&mut gate, post).await;
    }
    for (name, value) in [
        ("mcp-param-region", "=?base64?SGVsbG8=?="),
        ("mcp-param-count", "42.0"),
        ("mcp-param-unknown", "whatever"),
    ] {
        assert_called(&mut gate, routed.clone().header(name, value)).await;
    }
}

#[tokio::test]
async fn l03_a_header_without_its_argument_is_a_mismatch_too() {
    let mut gate = Gate::new().await;
    for arguments in [
        json!({}),
        json!({ "region": null }),
        json!({ "options": null }),
    ] {
        let post = call("routed", &arguments);
        assert_called(&mut gate, post.clone()).await;
        assert_mismatch(&mut gate, post.header("mcp-param-region", "eu")).await;
    }
}

#[tokio::test]
async fn a_value_that_only_half_looks_encoded_is_literal() {
    let mut gate = Gate::new().await;
    for value in ["SGVsbG8=", "=?base64?SGVsbG8="] {
        let post = call("routed", &json!({ "region": value }));
        assert_called(&mut gate, post.header("mcp-param-region", value)).await;
    }
}

#[tokio::test]
async fn param_headers_mean_nothing_before_2026_07_28() {
    let mut gate = Gate::new().await;
    let params = json!({ "name": "routed", "arguments": { "region": "eu" } });
    let post = Post::new(Revision::V2025_11_25, "tools/call", params);
    assert_called(&mut gate, post.header("mcp-param-region", "us")).await;
}

#[tokio::test]
async fn g04_a_hidden_tool_does_not_betray_itself_by_its_headers() {
    let mut gate = Gate::with_scopes("mcp:tools").await;
    let arguments = json!({ "region": "eu" });
    let hidden = gate.error(call("hidden", &arguments)).await;
    let unknown = gate.error(call("no_such_tool", &arguments)).await;
    assert_eq!(hidden, unknown);
    assert!(gate.happened.try_recv().is_err());
}
