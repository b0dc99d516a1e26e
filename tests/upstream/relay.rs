//! What passes through the gate, and that it is the same on the other side.

use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::house::{House, Post, server};

fn lists() -> Value {
    json!({
        "tools": [{
            "name": "search", "x-vendor": { "z": 1, "a": [1.50, 2] }, "description": "Searches",
            "inputSchema": { "type": "object", "properties": {
                "zone": { "type": "string", "x-mcp-header": "Zone" }, "alpha": {} } },
            "execution": { "taskSupport": "optional" },
            "_meta": { "ui": { "resourceUri": "ui://docs-app/main" }, "vendor/key": true },
        }],
        "resources": [{ "uri": "file:///a", "name": "a", "x-more": 1 }],
        "resourceTemplates": [{ "uriTemplate": "file:///{path}", "name": "files" }],
        "prompts": [{ "name": "write", "arguments": [{ "name": "topic" }] }],
    })
}

const RESULT: &str = r#"{"x-first":1,"content":[{"type":"text","text":"ä \" \\ "},{"type":"resource_link","uri":"file:///b","name":"b","x-more":[]}],"structuredContent":{"z":1.5,"a":12345678901234567,"e":1e-7},"isError":false,"x-last":{"b":null,"a":true}}"#;

fn answer(seen: &Seen) -> Reply {
    if let Some(reply) = modern(seen, &lists()) {
        return reply;
    }
    match seen.method() {
        "tools/call" => {
            let members = RESULT.strip_suffix('}').unwrap();
            let meta = r#","resultType":"complete","_meta":{"vendor/key":{"z":1,"a":2}}}"#;
            seen.result(&format!("{members}{meta}"))
        }
        "resources/read" => {
            let uri = &seen.params()["uri"];
            let contents = json!({ "contents": [{ "uri": uri, "text": "…" }], "ttlMs": 1234 });
            seen.result(&contents.to_string())
        }
        "prompts/get" => seen.result(r#"{"messages":[],"description":"d"}"#),
        "completion/complete" => seen.result(r#"{"completion":{"values":["x"]}}"#),
        method => panic!("{method} was asked"),
    }
}

#[tokio::test]
async fn lists_pass_whole_and_in_their_order() {
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, "prefix = \"\"").await;
    for (method, member) in [
        ("tools/list", "tools"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        let text = house.text(Post::modern(method, json!({}))).await;
        let entry = lists()[member][0].to_string();
        assert!(text.contains(&entry), "{entry} is not in {text}");
    }
}

#[tokio::test]
async fn results_pass_whole_and_in_their_order() {
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, "prefix = \"\"").await;
    let call = Post::call("search", json!({ "alpha": { "z": 1, "a": 2 } }));
    let text = house.text(call.clone()).await;
    let members = RESULT.strip_suffix('}').unwrap();
    assert!(text.contains(members), "{text}");
    assert!(text.contains(r#""vendor/key":{"z":1,"a":2}"#), "{text}");
    let seen = &upstream.asked("tools/call")[0];
    assert_eq!(
        seen.params()["arguments"].to_string(),
        r#"{"alpha":{"z":1,"a":2}}"#
    );
    // A client of an earlier revision gets the same, without what its revision has not.
    let mut post = Post::new(Revision::V2025_11_25, "tools/call", json!({}));
    post.body["params"] = json!({ "name": "search" });
    let text = house.text(post).await;
    assert!(
        text.contains(members) && !text.contains("resultType"),
        "{text}"
    );
}

#[tokio::test]
async fn names_and_uris_have_the_prefix_on_this_side_only() {
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, "").await;
    assert_eq!(
        house.names("tools/list", "tools", "name").await,
        ["own_tool", "docs_search"]
    );
    let uris = house.names("resources/list", "resources", "uri").await;
    assert_eq!(uris, ["docs+file:///a"]);
    let method = "resources/templates/list";
    let templates = house
        .names(method, "resourceTemplates", "uriTemplate")
        .await;
    assert_eq!(templates, ["docs+file:///{path}"]);
    assert_eq!(
        house.names("prompts/list", "prompts", "name").await,
        ["docs_write"]
    );

    let result = house.result(Post::call("docs_search", json!({}))).await;
    assert_eq!(result["content"][1]["uri"], "docs+file:///b");
    assert_eq!(upstream.asked("tools/call")[0].params()["name"], "search");
    let read = Post::modern(
        "resources/read",
        json!({ "uri": "docs+file:///unlisted/x" }),
    );
    let result = house.result(read).await;
    assert_eq!(result["contents"][0]["uri"], "docs+file:///unlisted/x");
    assert_eq!(result["ttlMs"], 1234);
    assert_eq!(
        upstream.asked("resources/read")[0].header("mcp-name"),
        "file:///unlisted/x"
    );
    house
        .result(Post::modern("prompts/get", json!({ "name": "docs_write" })))
        .await;
    assert_eq!(upstream.asked("prompts/get")[0].params()["name"], "write");
    for (reference, inner) in [
        (
            json!({ "type": "ref/prompt", "name": "docs_write" }),
            "write",
        ),
        (
            json!({ "type": "ref/resource", "uri": "docs+file:///{path}" }),
            "file:///{path}",
        ),
    ] {
        let argument = json!({ "name": "path", "value": "x" });
        let params = json!({ "ref": reference, "argument": argument });
        let result = house
            .result(Post::modern("completion/complete", params))
            .await;
        assert_eq!(result["completion"]["values"], json!(["x"]));
        let seen = upstream.asked("completion/complete").pop().unwrap();
        assert!(
            seen.params()["ref"].to_string().contains(inner),
            "{:?}",
            seen.body
        );
    }
}

#[tokio::test]
async fn the_gateway_speaks_for_itself_and_passes_on_what_it_does_not_know() {
    let upstream = FakeUpstream::start(answer).await;
    let house = House::around("docs", &upstream.url, "").await;
    let capabilities = json!({
        "elicitation": { "form": {} },
        "extensions": { "io.modelcontextprotocol/ui": { "mimeTypes": ["a/b"] } },
        "experimental": { "x": {} },
    });
    let call = Post::call("docs_search", json!({ "zone": "Zürich" }))
        .meta(crate::house::CAPABILITIES, capabilities.clone())
        .meta(
            "io.modelcontextprotocol/clientInfo",
            json!({ "name": "theirs", "version": "1" }),
        )
        .meta(
            "traceparent",
            json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        )
        .meta("vendor/key", json!({ "z": 1 }))
        .header("authorization", "Bearer of-the-client")
        .header("cookie", "of=the-client")
        .header("mcp-param-zone", "=?base64?WsO8cmljaA==?=");
    let mut call = call;
    call.body["params"]["x-extension"] = json!([1]);
    house.result(call).await;
    let seen = &upstream.asked("tools/call")[0];
    assert_eq!(seen.params()["x-extension"], json!([1]));
    let meta = &seen.params()["_meta"];
    assert_eq!(meta["vendor/key"], json!({ "z": 1 }));
    assert!(meta["traceparent"].is_string());
    assert_eq!(
        meta["io.modelcontextprotocol/clientInfo"]["name"],
        "gatehouse"
    );
    assert_eq!(meta[crate::house::CAPABILITIES], capabilities);
    assert_eq!(seen.header("mcp-param-zone"), "=?base64?WsO8cmljaA==?=");
    assert_eq!(seen.header("mcp-method"), "tools/call");
    for name in ["authorization", "cookie", "mcp-session-id"] {
        assert!(!seen.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn progress_and_logs_reach_who_asked_for_them() {
    let script = |seen: &Seen| {
        if let Some(reply) = modern(seen, &lists()) {
            return reply;
        }
        let token = &seen.params()["_meta"]["progressToken"];
        let note = |method: &str, params: Value| {
            json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
        };
        let progress = |token: &Value, done: f64| {
            let params = json!({ "x": 1, "progressToken": token, "progress": done, "total": 2, "message": "m" });
            note("notifications/progress", params)
        };
        Reply::Events(vec![
            progress(token, 1.0),
            progress(&json!("of another call"), 9.0),
            note(
                "notifications/message",
                json!({ "level": "info", "x": 1, "logger": "l", "data": [1] }),
            ),
            progress(token, 2.0),
            seen.answer(r#"{"content":[]}"#),
        ])
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let call = Post::call("docs_search", json!({}))
        .meta("progressToken", json!("mine"))
        .meta("io.modelcontextprotocol/logLevel", json!("info"));
    let messages = house.messages(call).await;
    let told: Vec<&Value> = messages.iter().map(|message| &message["params"]).collect();
    assert_eq!(
        told,
        [
            &json!({ "x": 1, "progressToken": "mine", "progress": 1.0, "total": 2, "message": "m" }),
            &json!({ "level": "info", "x": 1, "logger": "l", "data": [1] }),
            &json!({ "x": 1, "progressToken": "mine", "progress": 2.0, "total": 2, "message": "m" }),
            &Value::Null,
        ]
    );
    let asked = &upstream.asked("tools/call")[0];
    assert_eq!(
        asked.params()["_meta"]["io.modelcontextprotocol/logLevel"],
        "info"
    );
    assert_ne!(asked.params()["_meta"]["progressToken"], "mine");
}

#[tokio::test]
async fn errors_pass_and_those_between_the_gateway_and_the_server_do_not() {
    let script = |seen: &Seen| {
        if let Some(reply) = modern(seen, &lists()) {
            return reply;
        }
        let code: i64 = seen.params()["arguments"]["code"].as_i64().unwrap();
        let error = json!({ "code": code, "message": "theirs", "data": { "x": 1 } });
        seen.error(if code == -32020 { 400 } else { 200 }, &error)
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let call = |code: i64| Post::call("docs_search", json!({ "code": code }));
    let answer = house.send(call(-32602)).await;
    assert_eq!(
        answer["error"],
        json!({ "code": -32602, "message": "theirs", "data": { "x": 1 } })
    );
    assert_eq!(house.error(call(17)).await, (17, "theirs".to_owned()));
    let (code, text) = house.error(call(-32020)).await;
    assert_eq!(code, -32603);
    assert!(!text.contains("theirs"), "{text}");
}

#[tokio::test]
async fn a_server_asks_its_callers_for_its_scopes() {
    let upstream = FakeUpstream::start(answer).await;
    let servers = server("docs", &upstream.url, "scopes = [\"docs:use\"]");
    let all = "mcp:tools mcp:resources mcp:prompts";
    let house = House::with(&servers, all).await;
    for post in [
        Post::call("docs_search", json!({})),
        Post::modern("resources/read", json!({ "uri": "docs+file:///a" })),
        Post::modern("prompts/get", json!({ "name": "docs_write" })),
    ] {
        let response = house.open(axum::http::Method::POST, post).await;
        assert_eq!(response.status(), 403);
    }
    assert!(upstream.asked("tools/call").is_empty());
    let house = House::with(&servers, &format!("{all} docs:use")).await;
    house.result(Post::call("docs_search", json!({}))).await;
}
