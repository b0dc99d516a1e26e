//! What is on record of the tools of mounted servers.

use gatehouse::model::{TenantSlug, ToolChanges, ToolDefinition, ToolOffer, ToolState};
use gatehouse::store::{AuditQuery, Store, ToolDeed, ToolOutcome};
use serde_json::json;

use crate::database::{Database, contract};
use crate::fixtures::{acme, change, change_at, later, race, tenant};

contract! {
    k02_the_first_sight_approves_and_nothing_after_it_does,
    k02_of_several_first_sights_at_once_one_is_the_first,
    k02_a_lock_says_all_that_is_approved,
    k02_approvals_of_one_tenant_are_nothing_to_another_one,
    k02_decisions_are_heard_of_once,
}

fn definition(name: &str, description: &str) -> ToolDefinition {
    let json = json!({ "name": name, "description": description, "inputSchema": {} });
    ToolDefinition::of(json.as_object().unwrap())
}

fn offer(name: &str, description: &str) -> ToolOffer {
    ToolOffer {
        definition: definition(name, description),
        refusal: None,
    }
}

async fn record(store: &dyn Store, of: &TenantSlug, seconds: u64, offers: &[ToolOffer]) {
    let deed = ToolDeed::Record(offers, ToolChanges::Withhold);
    let change = change_at(of, later(seconds));
    let done = store.change_tools(&change, "docs", &deed).await.unwrap();
    assert!(matches!(done, ToolOutcome::Done(_)));
}

async fn states(store: &dyn Store, of: &TenantSlug) -> Vec<(String, ToolState)> {
    let listed = store.list_tools(of, "docs").await.unwrap();
    listed
        .into_iter()
        .map(|record| (record.name.clone(), record.state()))
        .collect()
}

fn is(name: &str, state: ToolState) -> (String, ToolState) {
    (name.to_owned(), state)
}

async fn told(store: &dyn Store) -> Vec<String> {
    store.chain_audit(&acme(), &[]).await.unwrap();
    let entries = store.read_audit(&acme(), &AuditQuery::default()).await;
    let entries = entries.unwrap().into_iter();
    entries.map(|one| one.entry.event).collect()
}

async fn k02_the_first_sight_approves_and_nothing_after_it_does(database: &Database) {
    let store = database.open().await;
    let (acme, by) = (acme(), change(&acme()));
    // A server that lists nothing yet has not been seen.
    record(&*store, &acme, 0, &[]).await;
    assert!(store.list_tool_servers(&acme).await.unwrap().is_empty());
    record(&*store, &acme, 0, &[offer("a", "one"), offer("b", "one")]).await;
    record(&*store, &acme, 1, &[offer("a", "two"), offer("c", "one")]).await;
    let expected = [
        is("a", ToolState::Changed),
        is("b", ToolState::Missing),
        is("c", ToolState::New),
    ];
    assert_eq!(states(&*store, &acme).await, expected);

    // What is approved is what was seen.
    for (name, description) in [("a", "three"), ("b", "two"), ("d", "one")] {
        let deed = ToolDeed::Approve(name, definition(name, description).digest());
        let outcome = store.change_tools(&by, "docs", &deed).await.unwrap();
        assert!(!matches!(outcome, ToolOutcome::Done(_)), "{name}");
    }
    let deed = ToolDeed::Approve("a", definition("a", "two").digest());
    for _ in 0..2 {
        let outcome = store.change_tools(&by, "docs", &deed).await.unwrap();
        assert!(matches!(outcome, ToolOutcome::Done(_)));
    }
    // A new one that goes again leaves nothing, and is new when it comes again.
    record(&*store, &acme, 2, &[offer("a", "two")]).await;
    record(
        &*store,
        &acme,
        3,
        &[offer("a", "two"), offer("b", "one"), offer("c", "one")],
    )
    .await;
    let expected = [
        is("a", ToolState::Approved),
        is("b", ToolState::Approved),
        is("c", ToolState::New),
    ];
    assert_eq!(states(&*store, &acme).await, expected);
    let marks = store.tool_marks(&acme, "docs").await.unwrap();
    let mark = marks.iter().find(|mark| mark.name == "a").unwrap();
    assert_eq!(mark.approved, Some(definition("a", "two").digest()));
    assert_eq!(mark.offered, None);
    let expected = [
        "tools.recorded",
        "tool.changed",
        "tool.appeared",
        "tool.approved",
        "tool.appeared",
    ];
    assert_eq!(told(&*store).await, expected);
}

async fn k02_of_several_first_sights_at_once_one_is_the_first(database: &Database) {
    let store = database.open().await;
    let replicas = [std::sync::Arc::clone(&store)];
    let outcomes = race(&replicas, 8, |store, number| async move {
        // Each replica is told something else.
        let offers = [offer("a", &format!("number {number}"))];
        let deed = ToolDeed::Record(&offers, ToolChanges::Withhold);
        store.change_tools(&change(&acme()), "docs", &deed).await
    })
    .await;
    assert!(outcomes.iter().all(Result::is_ok));
    let listed = store.list_tools(&acme(), "docs").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].approved.is_some());
    assert_eq!(listed[0].state(), ToolState::Changed);
    let first = told(&*store).await;
    let first = first.iter().filter(|event| *event == "tools.recorded");
    assert_eq!(first.count(), 1);
}

async fn k02_a_lock_says_all_that_is_approved(database: &Database) {
    let store = database.open().await;
    let (acme, by) = (acme(), change(&acme()));
    record(&*store, &acme, 0, &[offer("a", "one"), offer("b", "one")]).await;
    let lock = [definition("a", "two"), definition("c", "one")];
    let deed = ToolDeed::Lock(&lock);
    let outcome = store.change_tools(&by, "docs", &deed).await.unwrap();
    assert!(matches!(&outcome, ToolOutcome::Done(news) if news.len() == 3));
    record(
        &*store,
        &acme,
        1,
        &[offer("a", "two"), offer("b", "one"), offer("c", "one")],
    )
    .await;
    let expected = [
        is("a", ToolState::Approved),
        is("b", ToolState::New),
        is("c", ToolState::Approved),
    ];
    assert_eq!(states(&*store, &acme).await, expected);
    let again = store.change_tools(&by, "docs", &deed).await.unwrap();
    assert_eq!(again, ToolOutcome::Done(Vec::new()));
}

async fn k02_approvals_of_one_tenant_are_nothing_to_another_one(database: &Database) {
    let (store, globex) = (database.open().await, tenant("globex"));
    record(&*store, &acme(), 0, &[offer("a", "one")]).await;
    assert!(states(&*store, &globex).await.is_empty());
    assert!(store.tool_marks(&globex, "docs").await.unwrap().is_empty());
    record(&*store, &globex, 0, &[offer("b", "one")]).await;
    record(&*store, &globex, 0, &[offer("a", "two")]).await;
    let of_acme = ToolDeed::Approve("a", definition("a", "one").digest());
    let outcome = store.change_tools(&change(&globex), "docs", &of_acme).await;
    assert_eq!(outcome.unwrap(), ToolOutcome::Superseded);
    assert_eq!(
        states(&*store, &acme()).await,
        [is("a", ToolState::Approved)]
    );
}

async fn k02_decisions_are_heard_of_once(database: &Database) {
    let store = database.open().await;
    let before = store.tool_decisions().await.unwrap();
    record(&*store, &acme(), 0, &[offer("a", "one")]).await;
    assert_eq!(store.tool_decisions().await.unwrap(), before);
    for of in [acme(), tenant("globex")] {
        let lock = [definition("a", "two")];
        let deed = ToolDeed::Lock(&lock);
        store
            .change_tools(&change(&of), "docs", &deed)
            .await
            .unwrap();
    }
    let after = store.tool_decisions().await.unwrap();
    assert_eq!(after, before + 2);
    let mut heard = store.tools_decided_after(before).await.unwrap();
    heard.sort();
    let docs = "docs".to_owned();
    assert_eq!(heard, [(acme(), docs.clone()), (tenant("globex"), docs)]);
    assert!(store.tools_decided_after(after).await.unwrap().is_empty());
}
