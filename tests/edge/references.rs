//! Each error names the request that it belongs to, as the log does, whichever server it is from and
//! whichever way it takes.

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use gatehouse::mcp::Revision;
use gatehouse::model::{RequestId, RequestOrigin};
use gatehouse::telemetry::origin::{self, Work};
use gatehouse::telemetry::trace::Trace;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::gate::{Gate, Post, Seen};
use crate::house::messages;

/// Sends the request as the one that the log knows by the identifier that is returned. What is
/// streamed of its answer is read by somebody else.
async fn send(gate: &Gate, post: Post) -> (String, Seen) {
    let request = RequestId::from_bytes(*b"twelve bytes");
    let known = RequestOrigin {
        request,
        address: None,
    };
    let mut http = HttpRequest::post("/mcp")
        .body(Body::from(post.body.to_string()))
        .unwrap();
    *http.headers_mut() = post.headers;
    let work = Work::of_request(known, http.method().clone(), "/mcp", Trace::generate());
    let answered = origin::within(work, gate.router().oneshot(http));
    let seen = Seen::of(answered.await.unwrap()).await;
    (request.to_string(), seen)
}

fn call(revision: Revision, tool: &str) -> Post {
    Post::new(revision, "tools/call", json!({ "name": tool }))
}

#[tokio::test]
async fn an_error_of_any_server_names_its_request() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let uri = json!({ "uri": "alerts://ZZ/active" });
        for post in [
            call(revision, "broken"),
            call(revision, "refuse"),
            call(revision, "unheard-of"),
            Post::new(revision, "resources/read", uri),
            Post::new(revision, "tools/list", json!({ "cursor": "no" })),
            Post::new(revision, "no/method", json!({})),
        ] {
            let (request, seen) = send(&gate, post.clone()).await;
            let data = &seen.json()["error"]["data"];
            assert_eq!(data["logReference"], request, "{}", post.body);
        }
    }
    let (request, seen) = send(
        &gate,
        call(Revision::V2026_07_28, "broken").without("accept"),
    )
    .await;
    assert_eq!(
        seen.json()["error"]["data"],
        json!({ "logReference": request })
    );
}

#[tokio::test]
async fn an_error_of_a_server_elsewhere_keeps_its_data_beside_the_name_of_the_request() {
    let gate = Gate::new().await;
    for (theirs, ours) in [
        (json!({ "x": 1 }), json!({ "x": 1 })),
        (json!("text"), json!({ "data": "text" })),
        (Value::Null, json!({ "data": null })),
    ] {
        let params = json!({ "name": "relay", "arguments": { "data": theirs } });
        let post = Post::new(Revision::V2025_11_25, "tools/call", params);
        let (request, seen) = send(&gate, post).await;
        let mut expected = ours;
        expected["logReference"] = json!(request);
        assert_eq!(seen.json()["error"]["data"], expected);
    }
}

#[tokio::test]
async fn what_a_tool_tells_its_model_of_a_failure_ends_with_the_name_of_the_request() {
    let gate = Gate::new().await;
    for revision in Revision::SUPPORTED {
        let (request, seen) = send(&gate, call(revision, "fail")).await;
        let result = &seen.json()["result"];
        let text = format!("(Log reference: {request})");
        assert_eq!(result["content"], json!([{ "type": "text", "text": text }]));
        assert_eq!(result["isError"], true);
        let (request, seen) = send(&gate, call(revision, "echo")).await;
        let body = String::from_utf8_lossy(&seen.body);
        assert!(!body.contains(&request), "{body}");
    }
}

#[tokio::test]
async fn an_error_at_the_end_of_a_stream_names_the_request_that_opened_it() {
    let gate = Gate::new().await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    let hello = Post::new(Revision::V2025_11_25, "initialize", params);
    let seen = gate.send(hello).await;
    let session = seen.headers["mcp-session-id"].to_str().unwrap();
    for post in [
        call(Revision::V2025_11_25, "stumble").header("mcp-session-id", session),
        call(Revision::V2026_07_28, "stumble"),
    ] {
        let (request, seen) = send(&gate, post.meta("progressToken", json!(1))).await;
        let told = messages(std::str::from_utf8(&seen.body).unwrap());
        assert_eq!(told[0]["method"], "notifications/progress");
        let last: &Value = told.last().unwrap();
        assert_eq!(last["error"]["data"]["logReference"], request, "{last}");
    }
}
