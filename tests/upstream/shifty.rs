//! A mounted server whose tools change, and what is on record of them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gatehouse::model::{Actor, Change, SystemClock, TenantSlug, ToolRecord};
use gatehouse::store::{self, AuditQuery, ConnectOptions, Store, ToolDeed, ToolOutcome};
use serde_json::{Value, json};

use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::house::{House, server};

const DEADLINE: Duration = Duration::from_secs(30);

/// A server whose tools change while it runs. Its lists may be kept for a second.
pub(crate) struct Shifty {
    pub(crate) upstream: FakeUpstream,
    said: Arc<Mutex<Said>>,
}

pub(crate) enum Said {
    Tools(Value),
    Silence,
    Broken,
}

impl Shifty {
    pub(crate) async fn start(tools: Value) -> Self {
        let said = Arc::new(Mutex::new(Said::Tools(tools)));
        let says = Arc::clone(&said);
        let upstream = FakeUpstream::start(move |seen: &Seen| {
            if seen.method() != "tools/list" {
                let other = || seen.result(r#"{"content":[{"type":"text","text":"called"}]}"#);
                return modern(seen, &json!({})).unwrap_or_else(other);
            }
            match &*says.lock().unwrap() {
                Said::Tools(tools) => {
                    let result = json!({ "tools": tools, "resultType": "complete", "ttlMs": 0 });
                    seen.result(&result.to_string())
                }
                Said::Silence => Reply::Silence,
                Said::Broken => Reply::Status(500, Vec::new()),
            }
        });
        Self {
            upstream: upstream.await,
            said,
        }
    }

    pub(crate) fn say(&self, said: Said) {
        *self.said.lock().unwrap() = said;
    }

    /// The lists have been read once more than now.
    pub(crate) async fn read_again(&self, house: &House) {
        let before = self.upstream.asked("tools/list").len();
        let reading = until("the lists are read again", async || {
            names(house).await;
            self.upstream.asked("tools/list").len() > before
        });
        reading.await;
    }

    pub(crate) fn description(&self, more: &str) -> String {
        server("docs", &self.upstream.url, more)
    }
}

pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < DEADLINE, "not in time: {what}");
        // What is read behind those who ask needs its turn.
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn names(house: &House) -> Vec<String> {
    house.names("tools/list", "tools", "name").await
}

pub(crate) async fn store() -> Arc<dyn Store> {
    let options = ConnectOptions::default();
    store::connect("sqlite::memory:", &options).await.unwrap()
}

pub(crate) fn tenant() -> TenantSlug {
    TenantSlug::default()
}

pub(crate) fn search(description: &str) -> Value {
    json!({
        "name": "search", "description": description,
        "inputSchema": {
            "type": "object", "required": ["query"],
            "properties": { "query": { "type": "string" }, "limit": { "type": "integer" } },
        },
        "annotations": { "readOnlyHint": true },
    })
}

pub(crate) async fn record(store: &dyn Store, name: &str) -> ToolRecord {
    let listed = store.list_tools(&tenant(), "docs").await.unwrap();
    let found = listed.into_iter().find(|record| record.name == name);
    found.expect("nothing is on record")
}

/// Approves what is offered.
pub(crate) async fn approve(store: &dyn Store, name: &str) -> ToolOutcome {
    let offered = record(store, name)
        .await
        .offered
        .expect("nothing is offered");
    let by = Change::new(&tenant(), Actor::Operator("ada".to_owned()), &SystemClock);
    let deed = ToolDeed::Approve(name, offered.digest());
    store.change_tools(&by, "docs", &deed).await.unwrap()
}

/// What the audit log tells of tools: event, target and details.
pub(crate) async fn told(store: &dyn Store) -> Vec<(String, String, String)> {
    store.chain_audit(&tenant(), &[]).await.unwrap();
    let query = AuditQuery::default();
    let entries = store.read_audit(&tenant(), &query).await.unwrap();
    let of_tools = entries.into_iter().map(|one| one.entry);
    let of_tools = of_tools.filter(|entry| entry.event.starts_with("tool"));
    let told = of_tools.map(|entry| {
        let target = entry.target.unwrap_or_default();
        (entry.event, target, entry.detail.unwrap_or_default())
    });
    told.collect()
}
