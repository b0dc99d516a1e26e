//! Whole requests to the MCP endpoint: a method, header lines, an empty line, a body. In them
//! `{session}`, `{cursor}`, `{state}`, `{event}`, `{task}` and `{question}` stand for handles of the
//! caller. Whatever is sent, the endpoint answers with a message of its own, and never what belongs
//! to somebody else.
#![no_main]

#[path = "../../tests/conformance/fixture/mod.rs"]
mod fixture;
#[path = "../gate/mod.rs"]
mod gate;

use std::cell::RefCell;

use gate::handles::Handles;
use gate::{Asked, Gate, House, Seen};
use gatehouse::mcp::{Message, Revision, http as endpoint};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// After how many inputs all begins anew: sessions have had their share by then.
const INPUTS: u32 = 48;

struct Place {
    runtime: Runtime,
    house: House,
    gate: Gate,
    handles: Handles,
    left: u32,
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new(Place::new());
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        PLACE.with_borrow_mut(|place| place.try_out(text));
    }
});

impl Place {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let house = runtime.block_on(House::new());
        let (gate, handles) = runtime.block_on(begin(&house));
        Self {
            runtime,
            house,
            gate,
            handles,
            left: INPUTS,
        }
    }

    fn try_out(&mut self, text: &str) {
        if self.left == 0 {
            self.gate.close();
            (self.gate, self.handles) = self.runtime.block_on(begin(&self.house));
            self.left = INPUTS;
        }
        self.left -= 1;
        let asked = read(&self.handles.put_into(text));
        let Self {
            runtime,
            house,
            gate,
            handles,
            left,
        } = self;
        // Somebody else first: who holds a handle may end what it stands for.
        if let Some(seen) = runtime.block_on(gate.ask(&house.eve, &asked)) {
            check_message(&asked, &seen);
            check_foreign(&asked, &seen, handles);
        }
        let seen = runtime.block_on(gate.ask(&house.ada, &asked));
        if let Some(seen) = seen {
            check_message(&asked, &seen);
            if asked.method == Method::DELETE && seen.status == StatusCode::NO_CONTENT {
                *left = 0;
            }
        }
    }
}

async fn begin(house: &House) -> (Gate, Handles) {
    let gate = house.gate().await;
    let handles = Handles::mint(&gate, &house.ada).await;
    (gate, handles)
}

/// An answer is empty, or a JSON-RPC message, or a stream of them; and nothing breaks.
fn check_message(asked: &Asked, seen: &Seen) {
    assert!(seen.status.as_u16() < 500, "{seen:?}");
    let kind = seen.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    match kind {
        Some(b"application/json") => {
            let message = check_one(&seen.body);
            if let Some(Message::Request(request)) = accepted(asked) {
                let id = serde_json::to_value(request.id()).expect("an id");
                assert_eq!(message["id"], id);
            }
        }
        Some(b"text/event-stream") => {
            let lines = seen.body.split_inclusive('\n');
            let whole = lines.filter_map(|line| line.strip_suffix('\n'));
            let data = whole.filter_map(|line| line.strip_prefix("data: "));
            data.filter(|data| !data.is_empty()).for_each(|data| {
                check_one(data);
            });
        }
        Some(_) | None => assert!(seen.body.is_empty(), "{seen:?}"),
    }
}

fn check_one(text: &str) -> Value {
    let message: Value = serde_json::from_str(text).expect("a message");
    assert_eq!(message["jsonrpc"], "2.0", "{text}");
    assert_ne!(message["error"]["message"], "Internal error", "{text}");
    message
}

/// What somebody gets who presents the handles of another.
fn check_foreign(asked: &Asked, seen: &Seen, handles: &Handles) {
    let message = accepted(asked);
    if asked.method == Method::POST && message.is_none() {
        return;
    }
    let session = asked.headers.get("mcp-session-id");
    let begins = matches!(&message, Some(Message::Request(it)) if it.method() == "initialize");
    if session.is_some_and(|it| it == handles.session.as_str()) && is_legacy(asked) && !begins {
        // Some are refused before anybody looks at the session.
        assert!(seen.status.is_client_error() || is_error(seen), "{seen:?}");
    }
    if let Some(Message::Request(request)) = message {
        let is = |name: &str, handle: &str| {
            request.params().get(name).and_then(Value::as_str) == Some(handle)
        };
        let lists = request.method().ends_with("/list");
        let calls = matches!(
            request.method(),
            "tools/call" | "prompts/get" | "resources/read"
        );
        let modern = request.revision() == Revision::LATEST;
        let foreign = lists && is("cursor", &handles.cursor)
            || modern && calls && is("requestState", &handles.state)
            || request.method().starts_with("tasks/") && is("taskId", &handles.task);
        assert!(!foreign || is_error(seen), "{seen:?}");
    }
}

fn is_error(seen: &Seen) -> bool {
    seen.body.contains("\"error\":{\"code\":-")
}

fn is_legacy(asked: &Asked) -> bool {
    let version = asked.headers.get("mcp-protocol-version");
    version.is_none_or(|version| version != Revision::LATEST.name())
}

fn accepted(asked: &Asked) -> Option<Message> {
    let post = asked.method == Method::POST;
    post.then(|| endpoint::accept(&asked.headers, &asked.body).ok())?
}

fn read(text: &str) -> Asked {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let method = match lines.next() {
        Some("GET") => Method::GET,
        Some("DELETE") => Method::DELETE,
        Some(_) | None => Method::POST,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    Asked {
        method,
        headers,
        body: body.as_bytes().to_vec(),
    }
}
