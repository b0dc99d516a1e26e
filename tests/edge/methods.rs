//! What the methods answer, in every revision.

use gatehouse::mcp::{Fault, Revision};
use gatehouse::model::TenantSlug;
use gatehouse::telemetry::Figure;
use serde_json::{Value, json};

use crate::gate::{Gate, Post};

fn names(list: &Value, member: &str) -> Vec<String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry[member].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_keep_their_order_and_every_field() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let first = gate.result(revision, "tools/list", json!({})).await;
        assert_eq!(first, gate.result(revision, "tools/list", json!({})).await);
        assert_eq!(names(&first["tools"], "name").first().unwrap(), "echo");
        assert_eq!(first["tools"][0]["vendorField"], 1);
        assert_eq!(first.get("nextCursor"), None);
        let listed = gate.result(revision, "resources/list", json!({})).await;
        assert_eq!(names(&listed["resources"], "uri"), ["config://app"]);
        let listed = gate
            .result(revision, "resources/templates/list", json!({}))
            .await;
        let templates = names(&listed["resourceTemplates"], "uriTemplate");
        assert_eq!(templates, ["alerts://{state}/active"]);
        let listed = gate.result(revision, "prompts/list", json!({})).await;
        assert_eq!(names(&listed["prompts"], "name"), ["summary"]);
    }
}

#[tokio::test]
async fn a_cursor_that_was_never_given_out_is_refused() {
    let gate = Gate::new().await;
    let methods = [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ];
    for (revision, method) in Revision::SUPPORTED
        .iter()
        .flat_map(|r| methods.map(|m| (*r, m)))
    {
        for cursor in [json!("x"), json!(""), json!(7)] {
            let post = Post::new(revision, method, json!({ "cursor": cursor }));
            let (status, code, _) = gate.error(post).await;
            assert_eq!((status, code), (200, -32602), "{method}");
        }
    }
}

#[tokio::test]
async fn g04_a_hidden_tool_is_neither_listed_nor_known() {
    let mut gate = Gate::with_scopes("mcp:tools").await;
    for revision in Revision::SUPPORTED {
        let listed = gate.result(revision, "tools/list", json!({})).await;
        let listed = names(&listed["tools"], "name");
        assert!(!listed.contains(&"hidden".to_owned()));
        assert!(listed.contains(&"guarded".to_owned()));
        let ask = |name: &str| Post::new(revision, "tools/call", json!({ "name": name }));
        let hidden = gate.error(ask("hidden")).await;
        assert_eq!(hidden, gate.error(ask("no_such_tool")).await);
        assert_eq!((hidden.0, hidden.1), (200, -32602));
        assert!(gate.happened.try_recv().is_err());
    }
    let entitled = Gate::new().await;
    let listed = entitled
        .result(Revision::V2026_07_28, "tools/list", json!({}))
        .await;
    assert!(names(&listed["tools"], "name").contains(&"hidden".to_owned()));
}

#[tokio::test]
async fn g03_a_call_without_its_scopes_does_not_reach_the_server() {
    let mut gate = Gate::with_scopes("").await;
    for revision in Revision::SUPPORTED {
        for (method, params) in [
            ("tools/call", json!({ "name": "echo" })),
            ("tools/call", json!({ "name": "guarded" })),
            ("resources/read", json!({ "uri": "config://app" })),
            ("prompts/get", json!({ "name": "summary" })),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/prompt", "name": "summary" } }),
            ),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/resource", "uri": "alerts://{state}/active" } }),
            ),
        ] {
            let post = Post::new(revision, method, params);
            assert_eq!(gate.send(post).await.status, 403, "{method}");
        }
    }
    assert!(gate.happened.try_recv().is_err());
}

#[tokio::test]
async fn a_permit_for_one_tool_does_not_call_another() {
    use gatehouse::backends::CallContext;
    use gatehouse::mcp::{Message, http};
    use gatehouse::resource_server::Operation;

    let mut gate = Gate::new().await;
    for operation in [
        Operation::Converse,
        Operation::CallTool("count".to_owned()),
        Operation::ReadResource("echo".to_owned()),
        Operation::GetPrompt("echo".to_owned()),
    ] {
        let post = Post::modern("tools/call", json!({ "name": "echo" }));
        let body = post.body.to_string();
        let Ok(Message::Request(request)) = http::accept(&post.headers, body.as_bytes()) else {
            panic!("the request is a good one");
        };
        let policy = gate.dispatcher.policy();
        let permit = policy
            .permit(&gate.tenant, &gate.principal, operation)
            .unwrap();
        let context = CallContext::default();
        let refused = gate.dispatcher.dispatch(&permit, request, &context).await;
        assert_eq!(refused.unwrap_err().fault(), &Fault::Internal);
        assert!(gate.happened.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_tool_gets_its_arguments_and_its_answer_comes_back_whole() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let arguments = json!({ "z": 1, "a": [1.5, "é", null], "nul": "\u{0}" });
        let params = json!({ "name": "echo", "arguments": arguments });
        let seen = gate.send(Post::new(revision, "tools/call", params)).await;
        // The server printed over several lines; on the wire it is one.
        assert!(!seen.body.contains(&b'\n'));
        let result = &seen.json()["result"];
        assert_eq!(result["structuredContent"], arguments);
        assert_eq!(result["content"][0]["text"], "two\nlines");
        assert_eq!(result["_meta"]["vendor/trace"], "t1");
        for arguments in [
            json!({ "name": "echo" }),
            json!({ "name": "echo", "arguments": null }),
        ] {
            let result = gate.result(revision, "tools/call", arguments).await;
            assert_eq!(result["structuredContent"], json!({}));
        }
    }
}

#[tokio::test]
async fn bad_params_are_told_apart() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        for (method, params) in [
            ("tools/call", json!({})),
            ("tools/call", json!({ "name": 7 })),
            ("tools/call", json!({ "name": "echo", "arguments": [] })),
            ("tools/call", json!({ "name": "refuse" })),
            ("resources/read", json!({})),
            ("prompts/get", json!({})),
            ("prompts/get", json!({ "name": "nothing" })),
            (
                "prompts/get",
                json!({ "name": "summary", "arguments": "x" }),
            ),
            ("completion/complete", json!({})),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/tool", "name": "echo" } }),
            ),
            (
                "completion/complete",
                json!({ "ref": { "type": "ref/prompt", "name": "x" } }),
            ),
        ] {
            let post = Post::new(revision, method, params.clone());
            let (status, code, json) = gate.error(post).await;
            assert_eq!((status, code), (200, -32602), "{method} {params}");
            assert_eq!(json["id"], 1);
        }
        let post = Post::new(revision, "tools/call", json!({ "name": "refuse" }));
        let (_, _, json) = gate.error(post).await;
        assert_eq!(json["error"]["message"], "Invalid params: state is missing");
    }
}

#[tokio::test]
async fn a_server_that_cannot_answer_is_an_internal_error_with_our_words() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let post = Post::new(revision, "tools/call", json!({ "name": "broken" }));
        let (status, code, json) = gate.error(post).await;
        assert_eq!((status, code), (200, -32603));
        assert_eq!(json["error"]["message"], "the weather service is down");
    }
}

#[tokio::test]
async fn resources_are_found_by_uri_and_by_template() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        for uri in ["config://app", "alerts://CA/active"] {
            let result = gate
                .result(revision, "resources/read", json!({ "uri": uri }))
                .await;
            assert_eq!(result["contents"][0]["uri"], uri);
            let ttl = revision.is_modern().then_some(1234);
            assert_eq!(result.get("ttlMs").and_then(Value::as_u64), ttl);
        }
    }
}

#[tokio::test]
async fn a_resource_that_is_not_there_is_named() {
    let gate = Gate::new().await;
    for (revision, expected) in Revision::SUPPORTED
        .into_iter()
        .zip([-32602, -32002, -32002])
    {
        for uri in [
            "config://other",
            "alerts://ZZ/active",
            "alerts://CA/../active",
            "alerts://{state}/active",
            "file:///etc/passwd",
        ] {
            let post = Post::new(revision, "resources/read", json!({ "uri": uri }));
            let (status, code, json) = gate.error(post).await;
            assert_eq!((status, code), (200, expected), "{uri}");
            assert_eq!(json["error"]["data"]["uri"], uri);
        }
    }
}

#[tokio::test]
async fn prompts_and_completions_are_answered() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let params = json!({ "name": "summary", "arguments": { "state": "CA" } });
        let result = gate.result(revision, "prompts/get", params).await;
        let text = &result["messages"][0]["content"]["text"];
        assert_eq!(text, r#"summary of {"state":"CA"}"#);
        for reference in [
            json!({ "type": "ref/prompt", "name": "summary" }),
            json!({ "type": "ref/resource", "uri": "alerts://{state}/active" }),
        ] {
            let params = json!({ "ref": reference, "argument": { "name": "state", "value": "C" } });
            let result = gate.result(revision, "completion/complete", params).await;
            assert_eq!(result["completion"]["values"], json!(["C"]));
        }
    }
}

#[tokio::test]
async fn calls_and_their_failures_are_counted() {
    let gate = Gate::new().await;
    for name in ["echo", "fail", "broken", "no_such_tool"] {
        let _ = gate
            .send(Post::modern("tools/call", json!({ "name": name })))
            .await;
    }
    let _ = gate.send(Post::modern("tools/list", json!({}))).await;
    let read = |figure| gate.figures.read(&TenantSlug::default(), figure);
    assert_eq!(read(Figure::Requests), 4);
    assert_eq!(read(Figure::ToolCalls), 3);
    assert_eq!(read(Figure::ToolErrors), 2);
}
