//! The transport over standard streams.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gatehouse::mcp::{Revision, stdio};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::gate::{Gate, Post, SERVER_INFO};

const PATIENCE: Duration = Duration::from_secs(20);

/// A host that has started the server.
struct Host {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    server: JoinHandle<io::Result<()>>,
}

impl Host {
    fn start(gate: &Gate) -> Self {
        let (input, server_input) = duplex(64 * 1024);
        let (server_output, output) = duplex(64 * 1024);
        let dispatcher = Arc::clone(&gate.dispatcher);
        let caller = (Arc::clone(&gate.tenant), Arc::clone(&gate.principal));
        let server = stdio::serve(dispatcher, caller, server_input, server_output);
        Self {
            input,
            output: BufReader::new(output).lines(),
            server: tokio::spawn(server),
        }
    }

    async fn write(&mut self, line: impl AsRef<[u8]>) {
        self.input.write_all(line.as_ref()).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    async fn request(&mut self, id: Value, revision: Revision, method: &str, params: Value) {
        let mut body = Post::new(revision, method, params).body;
        body["id"] = id;
        self.write(body.to_string()).await;
    }

    async fn read(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }

    /// Closes the input, and gives what is still written until the server is done.
    async fn end(self) -> Vec<Value> {
        let Self {
            input,
            mut output,
            server,
        } = self;
        drop(input);
        let mut rest = Vec::new();
        while let Some(line) = timeout(PATIENCE, output.next_line())
            .await
            .unwrap()
            .unwrap()
        {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        server.await.unwrap().unwrap();
        rest
    }
}

#[tokio::test]
async fn modern_requests_need_no_beginning() {
    let mut host = Host::start(&Gate::new().await);
    let modern = Revision::V2026_07_28;
    host.request(json!("d"), modern, "server/discover", json!({}))
        .await;
    let discovered = host.read().await;
    assert_eq!(discovered["id"], "d");
    assert_eq!(discovered["result"]["resultType"], "complete");
    assert_eq!(
        discovered["result"]["_meta"][SERVER_INFO]["name"],
        "gatehouse"
    );
    let params = json!({ "name": "routed", "arguments": { "region": "eu" } });
    host.request(json!(2), modern, "tools/call", params).await;
    assert_eq!(
        host.read().await["result"]["structuredContent"]["region"],
        "eu"
    );
    assert!(host.end().await.is_empty());
}

#[tokio::test]
async fn initialize_opens_a_legacy_conversation() {
    for revision in [Revision::V2025_06_18, Revision::V2025_11_25] {
        let mut host = Host::start(&Gate::new().await);
        let params = json!({ "protocolVersion": revision.name() });
        host.request(json!(1), revision, "initialize", params).await;
        assert_eq!(
            host.read().await["result"]["protocolVersion"],
            revision.name()
        );
        host.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        host.request(json!(2), revision, "tools/list", json!({}))
            .await;
        let listed = host.read().await;
        assert_eq!(listed["id"], 2);
        assert_eq!(listed["result"].get("resultType"), None);
        host.request(
            json!(3),
            revision,
            "resources/read",
            json!({ "uri": "x://y" }),
        )
        .await;
        assert_eq!(host.read().await["error"]["code"], -32002);
        assert!(host.end().await.is_empty());
    }
}

#[tokio::test]
async fn requests_are_answered_side_by_side() {
    let mut gate = Gate::new().await;
    let mut host = Host::start(&gate);
    let modern = Revision::V2026_07_28;
    host.request(json!(1), modern, "tools/call", json!({ "name": "hold" }))
        .await;
    host.request(json!(2), modern, "tools/call", json!({ "name": "echo" }))
        .await;
    assert_eq!(host.read().await["id"], 2);
    host.request(json!(1), modern, "tools/call", json!({ "name": "echo" }))
        .await;
    let refused = host.read().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(1), &json!(-32600))
    );
    host.server.abort();
    while gate.happened.recv().await.unwrap() != "dropped" {}
}

#[tokio::test]
async fn a_cancelled_request_is_not_heard_of_again() {
    for revision in Revision::SUPPORTED {
        let mut gate = Gate::new().await;
        let mut host = Host::start(&gate);
        let params = json!({ "name": "begin_and_hold", "_meta": { "progressToken": 7 } });
        host.request(json!("a"), revision, "tools/call", params)
            .await;
        assert_eq!(host.read().await["params"]["progressToken"], 7);
        while gate.happened.recv().await.unwrap() != "waiting" {}
        let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": { "requestId": "a" } });
        host.write(cancelled.to_string()).await;
        for expected in ["dropped", "cancelled"] {
            let happened = timeout(PATIENCE, gate.happened.recv()).await.unwrap();
            assert_eq!(happened, Some(expected));
        }
        host.request(json!("b"), revision, "tools/list", json!({}))
            .await;
        assert_eq!(host.read().await["id"], "b");
        assert!(host.end().await.is_empty());
    }
}

#[tokio::test]
async fn a_cancellation_of_nothing_is_ignored() {
    let mut host = Host::start(&Gate::new().await);
    for params in [
        json!({ "requestId": 9 }),
        json!({}),
        json!({ "requestId": {} }),
    ] {
        let notification =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        host.write(notification.to_string()).await;
    }
    assert!(host.end().await.is_empty());
}

#[tokio::test]
async fn progress_comes_before_the_response_on_the_same_stream() {
    let mut host = Host::start(&Gate::new().await);
    let params = json!({ "name": "count", "_meta": { "progressToken": "p" } });
    host.request(json!(1), Revision::V2025_11_25, "tools/call", params)
        .await;
    for expected in [1.0, 2.0, 3.0] {
        assert_eq!(host.read().await["params"]["progress"], expected);
    }
    assert_eq!(host.read().await["id"], 1);
    assert!(host.end().await.is_empty());
}

#[tokio::test]
async fn l08_lines_that_are_no_message_are_answered_and_survived() {
    let mut host = Host::start(&Gate::new().await);
    for (line, code) in [
        ("{", -32700),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32700),
        ("[]", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
    ] {
        host.write(line).await;
        let refused = host.read().await;
        assert_eq!(refused["error"]["code"], code, "{line}");
        assert_eq!(refused["id"], Value::Null, "{line}");
    }
    host.write("  \r").await;
    host.write("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}\r")
        .await;
    assert_eq!(host.read().await["result"], json!({}));
    assert!(host.end().await.is_empty());
}

#[tokio::test]
async fn l07_a_line_beyond_4_mib_is_refused_and_survived() {
    let mut host = Host::start(&Gate::new().await);
    host.write(vec![b'x'; 4 * 1024 * 1024 + 1]).await;
    let refused = host.read().await;
    assert_eq!(refused["error"]["code"], -32600);
    assert_eq!(refused["id"], Value::Null);
    let filling = "x".repeat(4 * 1024 * 1024 - 64);
    let ping =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"a":"{filling}"}}}}"#);
    host.write(ping).await;
    assert_eq!(host.read().await["result"], json!({}));
    assert!(host.end().await.is_empty());
}

#[tokio::test]
async fn the_end_of_input_lets_requests_finish() {
    let mut host = Host::start(&Gate::new().await);
    for id in 0..20 {
        let params = json!({ "name": "echo" });
        host.request(json!(id), Revision::V2026_07_28, "tools/call", params)
            .await;
    }
    // The last line needs no end.
    let ping = br#"{"jsonrpc":"2.0","id":20,"method":"ping"}"#;
    host.input.write_all(ping).await.unwrap();
    let mut ids: Vec<_> = host.end().await.iter().map(|m| m["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..=20).map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn modern_and_legacy_may_share_the_streams() {
    let mut host = Host::start(&Gate::new().await);
    host.request(json!(1), Revision::V2026_07_28, "ping", json!({}))
        .await;
    assert_eq!(host.read().await["error"]["code"], -32601);
    host.request(json!(2), Revision::V2025_06_18, "ping", json!({}))
        .await;
    assert_eq!(host.read().await["result"], json!({}));
    assert!(host.end().await.is_empty());
}
