//! Clients that are asked in rounds, and servers that ask while they work: the call waits.

use std::sync::Mutex;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::fake_upstream::{FakeUpstream, Reply, Seen, in_session};
use crate::house::{CAPABILITIES, House, Post};

/// The streams of calls that a server holds open, each with the id of its call.
#[derive(Default)]
struct Calls(Mutex<Vec<(u64, UnboundedSender<Bytes>)>>);

impl Calls {
    fn say(&self, message: &Value) {
        let calls = self.0.lock().unwrap();
        let (_, stream) = calls.last().unwrap();
        stream.send(format!("data: {message}\n\n").into()).unwrap();
    }

    /// The server: two questions one after the other, then what it was told.
    fn answer(&self, seen: &Seen) -> Reply {
        let lists = json!({ "tools": [{ "name": "ask", "inputSchema": { "type": "object" } }] });
        if let Some(reply) = in_session(seen, &lists, "2025-11-25") {
            return reply;
        }
        let question = |id: &str| {
            let params = json!({ "message": id, "requestedSchema": { "type": "object" } });
            json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params })
        };
        match (seen.method(), seen.body["id"].as_str()) {
            ("tools/call", _) => {
                let (sender, receiver) = unbounded_channel();
                let id = seen.body["id"].as_u64().unwrap();
                self.0.lock().unwrap().push((id, sender));
                self.say(&question("name"));
                return Reply::Open("text/event-stream", receiver);
            }
            ("", Some("name")) => self.say(&question("colour")),
            ("", Some("colour")) => {
                let id = self.0.lock().unwrap().last().unwrap().0;
                let told = &seen.body["result"]["content"]["value"];
                let content = json!([{ "type": "text", "text": told }]);
                self.say(&json!({ "jsonrpc": "2.0", "id": id, "result": { "content": content } }));
            }
            _ => {}
        }
        Reply::Status(202, Vec::new())
    }
}

fn call() -> Post {
    Post::call("docs_ask", json!({})).meta(CAPABILITIES, json!({ "elicitation": {} }))
}

/// The next round of the call: these answers to what `asked` asks.
fn round(id: u64, asked: &Value, answers: Value) -> Post {
    let mut post = call();
    post.body["id"] = json!(id);
    post.body["params"]["requestState"] = asked["requestState"].clone();
    post.body["params"]["inputResponses"] = answers;
    post
}

fn accept(key: &str, value: &str) -> Value {
    json!({ key: { "action": "accept", "content": { "value": value } } })
}

async fn asked_in_rounds(houses: [&House; 3], upstream: &FakeUpstream) {
    let asked = houses[0].result(call()).await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let first = &asked["inputRequests"]["question-1"];
    assert_eq!(first["method"], "elicitation/create");
    assert_eq!(first["params"]["message"], "name");

    // Without the answer the same is asked again, and the call waits on.
    let again = houses[1].result(round(2, &asked, json!({}))).await;
    assert_eq!(again["inputRequests"], asked["inputRequests"]);
    let wrong = json!({ "question-1": { "action": "perhaps" } });
    let (code, _) = houses[1].error(round(3, &asked, wrong)).await;
    assert_eq!(code, -32602);

    let answers = accept("question-1", "Ada");
    let asked = houses[1].result(round(4, &again, answers)).await;
    assert_eq!(
        asked["inputRequests"]["question-2"]["params"]["message"], "colour",
        "{asked}"
    );
    let answered = houses[2]
        .send(round(5, &asked, accept("question-2", "green")))
        .await;
    assert_eq!(answered["id"], 5);
    let result = &answered["result"];
    assert_eq!(result["content"][0]["text"], "green", "{answered}");
    assert_eq!(result["resultType"], "complete");
    assert_eq!(
        upstream.asked("tools/call").len(),
        1,
        "nothing was done twice"
    );
}

#[tokio::test]
async fn a_call_waits_for_the_answers_of_a_client_in_rounds() {
    let calls = Calls::default();
    let upstream = FakeUpstream::start(move |seen| calls.answer(seen)).await;
    let house = House::around("docs", &upstream.url, "").await;
    asked_in_rounds([&house, &house, &house], &upstream).await;
}

#[tokio::test]
async fn the_answers_may_come_to_another_replica() {
    let calls = Calls::default();
    let upstream = FakeUpstream::start(move |seen| calls.answer(seen)).await;
    let servers = crate::house::server("docs", &upstream.url, "");
    let [one, other] = House::replicas(&servers).await;
    asked_in_rounds([&one, &other, &other], &upstream).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_a_later_round_has_the_call_cancelled() {
    let calls = Calls::default();
    let upstream = FakeUpstream::start(move |seen| match seen.body["id"].as_str() {
        // It never says anything more.
        Some("name") => Reply::Status(202, Vec::new()),
        _ => calls.answer(seen),
    });
    let upstream = upstream.await;
    let house = House::around("docs", &upstream.url, "").await;
    let asked = house.result(call()).await;
    let answers = accept("question-1", "Ada");
    let mut last = Box::pin(house.open(axum::http::Method::POST, round(2, &asked, answers)));
    tokio::select! {
        _ = &mut last => panic!("there is no answer"),
        _ = upstream.wait_for(1, |seen| seen.body["id"] == "name") => {}
    }
    drop(last);
    upstream
        .wait_for(1, |seen| seen.method() == "notifications/cancelled")
        .await;
}
