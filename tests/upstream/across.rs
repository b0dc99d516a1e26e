//! Clients of every revision, and servers of every revision behind the gate: each is asked, and
//! answers, as its own revision has it. Whoever answers may do so at another replica.

use std::sync::Mutex;

use axum::body::Bytes;
use gatehouse::mcp::Revision;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::fake_upstream::{FakeUpstream, Reply, Seen, in_session, modern};
use crate::house::{CAPABILITIES, House, Post, server};
use crate::session_client::SessionClient;

fn lists() -> Value {
    json!({ "tools": [{ "name": "ask", "inputSchema": { "type": "object" } }] })
}

/// What the server asks, by what it calls it.
fn questions() -> [(&'static str, Value); 2] {
    let form = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let text = json!({ "type": "text", "text": "Say something" });
    [
        (
            "elicitation/create",
            json!({ "message": "Who?", "requestedSchema": form, "x-more": [1] }),
        ),
        (
            "sampling/createMessage",
            json!({ "messages": [{ "role": "user", "content": text }], "maxTokens": 9 }),
        ),
    ]
}

/// What a client answers.
fn answer(method: &str) -> Value {
    match method {
        "elicitation/create" => {
            json!({ "action": "accept", "content": { "name": "Ada" }, "x-more": { "b": 1, "a": 2 } })
        }
        "sampling/createMessage" => json!({
            "role": "assistant", "content": { "type": "text", "text": "Hello" },
            "model": "m", "stopReason": "endTurn",
        }),
        method => panic!("{method} was asked"),
    }
}

fn capabilities() -> Value {
    json!({ "elicitation": {}, "sampling": {} })
}

/// The result of the call, once both answers are there.
fn told(name: &Value, words: &Value) -> String {
    let text = format!("{} {}", name.as_str().unwrap(), words.as_str().unwrap());
    json!({ "content": [{ "type": "text", "text": text }] }).to_string()
}

/// A server that asks by its result, and is called again with the answers.
fn in_rounds(seen: &Seen) -> Reply {
    if let Some(reply) = modern(seen, &lists()) {
        return reply;
    }
    assert_eq!(seen.method(), "tools/call");
    let given = &seen.params()["inputResponses"];
    if given.is_null() {
        let requests = questions().map(|(method, params)| {
            (
                method.to_owned(),
                json!({ "method": method, "params": params }),
            )
        });
        let requests: serde_json::Map<String, Value> = requests.into_iter().collect();
        let result = json!({
            "resultType": "input_required", "inputRequests": requests, "requestState": "of the server",
        });
        return seen.result(&result.to_string());
    }
    assert_eq!(seen.params()["requestState"], "of the server");
    for (method, _) in questions() {
        assert_eq!(given[method], answer(method));
    }
    let name = &given["elicitation/create"]["content"]["name"];
    let words = &given["sampling/createMessage"]["content"]["text"];
    seen.result(&told(name, words))
}

/// A server that asks on the stream of the call, and goes on once it is answered.
#[derive(Default)]
struct OnStream(Mutex<Option<(u64, UnboundedSender<Bytes>)>>);

impl OnStream {
    fn say(&self, message: &Value) {
        let call = self.0.lock().unwrap();
        let (_, stream) = call.as_ref().unwrap();
        stream.send(format!("data: {message}\n\n").into()).unwrap();
    }

    fn reply(&self, seen: &Seen, revision: &str) -> Reply {
        if let Some(reply) = in_session(seen, &lists(), revision) {
            return reply;
        }
        let [first, second] = questions();
        let question = |(method, params): (&str, Value)| json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": params });
        match (seen.method(), seen.body["id"].as_str()) {
            ("tools/call", _) => {
                assert_eq!(seen.header("mcp-protocol-version"), revision);
                let (sender, receiver) = unbounded_channel();
                *self.0.lock().unwrap() = Some((seen.body["id"].as_u64().unwrap(), sender));
                self.say(&question(first));
                return Reply::Open("text/event-stream", receiver);
            }
            ("", Some(method)) => {
                assert_eq!(seen.body["result"], answer(method));
                if method == first.0 {
                    self.say(&question(second));
                } else {
                    let id = self.0.lock().unwrap().as_ref().unwrap().0;
                    let result = told(&json!("Ada"), &seen.body["result"]["content"]["text"]);
                    let result: Value = serde_json::from_str(&result).unwrap();
                    self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
                }
            }
            _ => return Reply::Status(405, Vec::new()),
        }
        Reply::Status(202, Vec::new())
    }
}

async fn upstream(revision: Revision) -> FakeUpstream {
    if revision.is_modern() {
        return FakeUpstream::start(in_rounds).await;
    }
    let server = OnStream::default();
    FakeUpstream::start(move |seen| server.reply(seen, revision.name())).await
}

/// Calls as a client of rounds does, each round at the other replica.
async fn call_in_rounds(houses: &[House; 2]) -> Value {
    let mut call = Post::call("docs_ask", json!({})).meta(CAPABILITIES, capabilities());
    for round in 0..3 {
        let result = houses[round % 2].result(call.clone()).await;
        if result["resultType"] == "complete" {
            return result;
        }
        assert_eq!(result["resultType"], "input_required");
        call.body["id"] = json!(round + 2);
        call.body["params"]["requestState"] = result["requestState"].clone();
        let asked = result["inputRequests"].as_object().unwrap();
        let answers = asked.iter().map(|(key, request)| {
            let method = request["method"].as_str().unwrap();
            let [elicitation, sampling] = questions();
            let expected = if method == elicitation.0 {
                elicitation.1
            } else {
                sampling.1
            };
            assert_eq!(request["params"], expected);
            (key.clone(), answer(method))
        });
        call.body["params"]["inputResponses"] = answers.collect();
    }
    panic!("it is asked without end");
}

/// Calls as a client with a session does, and answers at the other replica.
async fn call_in_session(houses: &[House; 2], revision: Revision) -> Value {
    let client = SessionClient::open(&houses[0], revision, capabilities()).await;
    let call = json!({ "name": "docs_ask", "arguments": {} });
    let mut stream = client.call(&houses[0], call).await;
    loop {
        let message = stream.next().await;
        let Some(method) = message["method"].as_str() else {
            return message["result"].clone();
        };
        let mut expected = questions().into_iter();
        let (_, params) = expected.find(|(name, _)| *name == method).unwrap();
        assert_eq!(message["params"], params);
        client.answer(&houses[1], &message, answer(method)).await;
    }
}

async fn asks_across(client: Revision, server_revision: Revision) {
    let upstream = upstream(server_revision).await;
    let houses = House::replicas(&server("docs", &upstream.url, "")).await;
    let result = if client.is_modern() {
        call_in_rounds(&houses).await
    } else {
        call_in_session(&houses, client).await
    };
    assert_eq!(result["content"][0]["text"], "Ada Hello", "{result}");
    assert_eq!(result.get("resultType").is_some(), client.is_modern());
}

#[tokio::test]
async fn a_client_of_2026_07_28_is_asked_by_a_server_of_2025_06_18() {
    asks_across(Revision::V2026_07_28, Revision::V2025_06_18).await;
}

#[tokio::test]
async fn a_client_of_2026_07_28_is_asked_by_a_server_of_2025_11_25() {
    asks_across(Revision::V2026_07_28, Revision::V2025_11_25).await;
}

#[tokio::test]
async fn a_client_of_2026_07_28_is_asked_by_a_server_of_the_same() {
    asks_across(Revision::V2026_07_28, Revision::V2026_07_28).await;
}

#[tokio::test]
async fn a_client_of_2025_11_25_is_asked_by_a_server_of_2026_07_28() {
    asks_across(Revision::V2025_11_25, Revision::V2026_07_28).await;
}

#[tokio::test]
async fn a_client_of_2025_11_25_is_asked_by_a_server_of_2025_06_18() {
    asks_across(Revision::V2025_11_25, Revision::V2025_06_18).await;
}

#[tokio::test]
async fn a_client_of_2025_11_25_is_asked_by_a_server_of_the_same() {
    asks_across(Revision::V2025_11_25, Revision::V2025_11_25).await;
}

#[tokio::test]
async fn a_client_of_2025_06_18_is_asked_by_a_server_of_2026_07_28() {
    asks_across(Revision::V2025_06_18, Revision::V2026_07_28).await;
}

/// An error for a resource that is not there, as each revision has it.
async fn unknown_resource(client: Revision, server_revision: Revision, error: Value) -> Value {
    let script = move |seen: &Seen| {
        let said = if server_revision.is_modern() {
            modern(seen, &lists())
        } else {
            in_session(seen, &lists(), server_revision.name())
        };
        said.unwrap_or_else(|| match seen.method() {
            "resources/read" => seen.error(200, &error),
            _ => Reply::Status(405, Vec::new()),
        })
    };
    let upstream = FakeUpstream::start(script).await;
    let house = House::around("docs", &upstream.url, "").await;
    let params = json!({ "uri": "docs+file:///a" });
    let read = if client.is_modern() {
        Post::modern("resources/read", params)
    } else {
        let session = SessionClient::open(&house, client, json!({})).await;
        session.post("resources/read", params)
    };
    let mut answer = house.send(read).await;
    let data = answer["error"]["data"].as_object_mut();
    data.map(|data| data.remove("logReference"));
    answer["error"].take()
}

#[tokio::test]
async fn a_resource_that_is_not_there_is_told_as_the_client_knows_it() {
    use Revision::{V2025_11_25 as OLD, V2026_07_28 as MODERN};
    let uri = json!({ "uri": "docs+file:///a" });
    let of = |code: i64| json!({ "code": code, "message": "gone", "data": { "uri": "file:///a" } });
    let told = |code: i64| json!({ "code": code, "message": "gone", "data": uri });
    let error = unknown_resource(MODERN, OLD, of(-32002)).await;
    assert_eq!(error, told(-32602));
    let error = unknown_resource(OLD, MODERN, of(-32602)).await;
    assert_eq!(error, told(-32002));
    // Between those that speak the same it stays what it is.
    let bare = json!({ "code": -32602, "message": "gone" });
    let mut error = unknown_resource(OLD, OLD, bare.clone()).await;
    error.as_object_mut().unwrap().remove("data");
    assert_eq!(error, bare);
    let mut error = unknown_resource(MODERN, MODERN, bare.clone()).await;
    error.as_object_mut().unwrap().remove("data");
    assert_eq!(error, bare);
}
