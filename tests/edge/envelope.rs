//! What is a message and what is none (JSON-RPC 2.0 §4).

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use gatehouse::mcp::Revision;
use serde_json::{Value, json};

use crate::gate::{Gate, Post, plain_headers};

async fn refusal(body: impl Into<Vec<u8>>) -> (u16, i64, Value) {
    let seen = Gate::new()
        .await
        .send_bytes(plain_headers(), body.into())
        .await;
    seen.error()
}

fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":{open}{close}}}}}"#)
}

#[tokio::test]
async fn l08_what_is_not_one_json_text_is_a_parse_error() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let utf16: Vec<u8> = ping.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies = [
        Vec::new(),
        b"{".to_vec(),
        format!("{ping} {ping}").into_bytes(),
        format!("{ping},").into_bytes(),
        format!("\u{feff}{ping}").into_bytes(),
        utf16,
        b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}".to_vec(),
        br#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#.to_vec(),
        br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}"#.to_vec(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let (status, code, json) = refusal(body).await;
        assert_eq!((status, code), (400, -32700), "{shown}");
        assert_eq!(json["id"], Value::Null, "{shown}");
    }
}

#[tokio::test]
async fn l08_a_member_named_twice_at_any_depth_is_a_parse_error() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[{"b":{"c":1,"\u0063":2}}]}}"#,
    ] {
        let (status, code, _) = refusal(body).await;
        assert_eq!((status, code), (400, -32700), "{body}");
    }
}

#[tokio::test]
async fn l08_nesting_is_read_to_depth_64_and_no_further() {
    let seen = Gate::new()
        .await
        .send_bytes(plain_headers(), nested(62))
        .await;
    assert_eq!(seen.status, StatusCode::OK);
    let (status, code, _) = refusal(nested(63)).await;
    assert_eq!((status, code), (400, -32700));
    let (status, code, _) = refusal(nested(100_000)).await;
    assert_eq!((status, code), (400, -32700));
}

#[tokio::test]
async fn l08_members_of_another_case_or_unknown_ones_are_refused() {
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"Method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","PARAMS":{}}"#,
        r#"{"JSONRPC":"2.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}"#,
    ] {
        let (status, code, json) = refusal(body).await;
        assert_eq!((status, code), (400, -32600), "{body}");
        assert_eq!(json["id"], 1, "{body}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_an_invalid_request() {
    for body in [
        r#""ping""#,
        "1",
        "null",
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
    ] {
        let (status, code, json) = refusal(body).await;
        assert_eq!((status, code), (400, -32600), "{body}");
        assert_eq!(json["id"], Value::Null, "{body}");
    }
    for body in [
        r#"{"jsonrpc":"1.0","id":"a","method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":"a","method":"ping"}"#,
        r#"{"id":"a","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":"a"}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":7}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":null}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"a","result":{},"error":{}}"#,
        r#"{"jsonrpc":"2.0","id":"a","method":"notifications/initialized"}"#,
    ] {
        let (status, code, json) = refusal(body).await;
        assert_eq!((status, code), (400, -32600), "{body}");
        assert_eq!(json["id"], "a", "{body}");
    }
}

#[tokio::test]
async fn g07_a_batch_is_refused_whatever_is_in_it() {
    for revision in Revision::SUPPORTED {
        let mut gate = Gate::new().await;
        let mut post = Post::new(revision, "tools/call", json!({ "name": "echo" }));
        post.body = json!([post.body]);
        let (status, code, _) = gate.error(post).await;
        assert_eq!((status, code), (400, -32600));
        assert!(gate.happened.try_recv().is_err());
    }
    let (status, code, _) = refusal("[]").await;
    assert_eq!((status, code), (400, -32600));
}

#[tokio::test]
async fn g07_a_tool_call_without_id_is_not_executed() {
    for revision in Revision::SUPPORTED {
        let mut gate = Gate::new().await;
        let mut post = Post::new(revision, "tools/call", json!({ "name": "echo" }));
        post.body.as_object_mut().unwrap().remove("id");
        let (status, code, json) = gate.error(post).await;
        assert_eq!((status, code), (400, -32600));
        assert_eq!(json["id"], Value::Null);
        assert!(gate.happened.try_recv().is_err());
    }
}

#[tokio::test]
async fn ids_come_back_as_they_came() {
    let gate = Gate::new().await;
    for id in [
        json!(0),
        json!(-7),
        json!(u64::MAX),
        json!("1"),
        json!(""),
        json!("é\n"),
    ] {
        let mut post = Post::new(Revision::V2025_11_25, "ping", json!({}));
        post.body["id"] = id.clone();
        assert_eq!(gate.send(post).await.json()["id"], id);
        let mut post = Post::modern("nothing/such", json!({}));
        post.body["id"] = id.clone();
        assert_eq!(gate.send(post).await.json()["id"], id);
    }
}

#[tokio::test]
async fn notifications_are_accepted_with_an_empty_202() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        for method in ["notifications/initialized", "notifications/cancelled"] {
            let mut post = Post::new(revision, method, json!({ "requestId": 1 }));
            post.body.as_object_mut().unwrap().remove("id");
            let seen = gate.send(post).await;
            assert_eq!(seen.status, StatusCode::ACCEPTED);
            assert!(seen.body.is_empty());
        }
    }
}

#[tokio::test]
async fn responses_are_swallowed_before_2026_07_28_and_refused_since() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let mut post = Post::new(revision, "ping", json!({}));
        post.body = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
        let expected = if revision.is_modern() { 400 } else { 202 };
        assert_eq!(gate.send(post).await.status.as_u16(), expected);
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let gate = Gate::new().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for declared in [
        None,
        Some("text/plain"),
        Some("application/json-seq"),
        Some(""),
    ] {
        let mut headers = plain_headers();
        headers.remove(CONTENT_TYPE);
        if let Some(declared) = declared {
            headers.insert(CONTENT_TYPE, declared.parse().unwrap());
        }
        let (status, code, _) = gate.send_bytes(headers, ping).await.error();
        assert_eq!((status, code), (415, -32600), "{declared:?}");
    }
    let mut headers = plain_headers();
    headers.insert(
        CONTENT_TYPE,
        "Application/JSON; charset=utf-8".parse().unwrap(),
    );
    assert_eq!(gate.send_bytes(headers, ping).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_acceptable_media_type_is_enough_to_be_answered() {
    let gate = Gate::new().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (accept, answered) in [
        (None, "application/json"),
        (Some("*/*"), "application/json"),
        (
            Some("text/html, application/json;q=0.9"),
            "application/json",
        ),
        (
            Some("application/json, text/event-stream"),
            "application/json",
        ),
        (Some("text/event-stream"), "text/event-stream"),
    ] {
        let mut headers = plain_headers();
        headers.remove(ACCEPT);
        if let Some(accept) = accept {
            headers.insert(ACCEPT, accept.parse().unwrap());
        }
        let seen = gate.send_bytes(headers, ping).await;
        assert_eq!(seen.status, StatusCode::OK);
        assert_eq!(seen.headers[CONTENT_TYPE], answered, "{accept:?}");
    }
    let mut headers = plain_headers();
    headers.insert(ACCEPT, "text/html".parse().unwrap());
    let (status, code, _) = gate.send_bytes(headers, ping).await.error();
    assert_eq!((status, code), (406, -32600));
}

#[tokio::test]
async fn without_a_session_get_and_delete_are_not_allowed() {
    use axum::body::Body;
    use axum::extract::Request;
    use tower::ServiceExt as _;

    let gate = Gate::new().await;
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method).uri("/mcp");
        let request = request.body(Body::empty()).unwrap();
        let response = gate.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "POST");
    }
}
