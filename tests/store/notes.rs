//! Notes between replicas, and tasks.

use gatehouse::model::{ClientId, Digest, UserId};
use gatehouse::store::{Heard, Note, Store, StoredTask, TaskChange, TaskStatus};
use serde_json::{Map, Value, json};

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, later, tenant};

contract! {
    notes_about_a_topic_are_read_in_order_by_their_tenant,
    a_topic_has_only_so_many_notes,
    an_ended_session_is_listed_from_its_end_on,
    notes_and_tasks_are_removed_at_their_end,
    a_note_wakes_those_who_listen,
    a_task_asks_is_answered_and_ends_once,
    a_client_has_only_so_many_tasks_going_on,
}

fn note(topic: &str, body: &str) -> Note {
    Note {
        topic: Digest::of(topic.as_bytes()),
        body: body.to_owned(),
        ends_session: false,
        noted_at: NOW,
        expires_at: later(60),
    }
}

async fn notes_about_a_topic_are_read_in_order_by_their_tenant(database: &Database) {
    let store = database.open().await;
    for body in ["one", "two"] {
        assert!(
            store
                .leave_note(&acme(), &note("a", body), 9)
                .await
                .unwrap()
        );
    }
    store
        .leave_note(&acme(), &note("b", "other"), 9)
        .await
        .unwrap();
    let read = async |slug: &str, topic: &str| {
        let topic = Digest::of(topic.as_bytes());
        store.read_notes(&tenant(slug), &topic).await.unwrap()
    };
    assert_eq!(read("acme", "a").await, ["one", "two"]);
    assert_eq!(read("globex", "a").await, Vec::<String>::new());
}

async fn a_topic_has_only_so_many_notes(database: &Database) {
    let store = database.open().await;
    for left in [true, true, false] {
        let done = store.leave_note(&acme(), &note("a", "x"), 2).await.unwrap();
        assert_eq!(done, left);
    }
    assert!(
        store
            .leave_note(&tenant("globex"), &note("a", "x"), 2)
            .await
            .unwrap()
    );
}

async fn an_ended_session_is_listed_from_its_end_on(database: &Database) {
    let store = database.open().await;
    let end = Note {
        ends_session: true,
        ..note("session", "null")
    };
    store.leave_note(&acme(), &end, 9).await.unwrap();
    store
        .leave_note(&acme(), &note("other", "x"), 9)
        .await
        .unwrap();
    let ended = store.list_ended_sessions(NOW).await.unwrap();
    assert_eq!(ended, [end.topic]);
    assert_eq!(store.list_ended_sessions(later(1)).await.unwrap(), []);
}

async fn notes_and_tasks_are_removed_at_their_end(database: &Database) {
    let store = database.open().await;
    store.leave_note(&acme(), &note("a", "x"), 9).await.unwrap();
    store.add_task(&acme(), &task("t"), 9).await.unwrap();
    let topic = Digest::of(b"a");
    let id = Digest::of(b"t");
    store.remove_expired(later(59)).await.unwrap();
    assert_eq!(store.read_notes(&acme(), &topic).await.unwrap().len(), 1);
    assert!(store.find_task(&acme(), &id).await.unwrap().is_some());
    store.remove_expired(later(60)).await.unwrap();
    assert_eq!(store.read_notes(&acme(), &topic).await.unwrap().len(), 0);
    assert!(store.find_task(&acme(), &id).await.unwrap().is_none());
}

async fn a_note_wakes_those_who_listen(database: &Database) {
    let store = database.open().await;
    let Some(mut heard) = store.listen().await.unwrap() else {
        // One process has nobody to wake.
        return;
    };
    store.leave_note(&acme(), &note("a", "x"), 9).await.unwrap();
    store.wake(&Digest::of(b"b")).await.unwrap();
    for topic in ["a", "b"] {
        let topic = Digest::of(topic.as_bytes());
        assert_eq!(heard.recv().await, Some(Heard::Topic(topic)));
    }
}

fn task(id: &str) -> StoredTask {
    StoredTask {
        id: Digest::of(id.as_bytes()),
        user: UserId::new("ada"),
        client: ClientId::new("client"),
        status: TaskStatus::Working,
        message: None,
        requests: Map::new(),
        answers: Map::new(),
        outcome: None,
        created_at: NOW,
        updated_at: NOW,
        alive_until: later(30),
        expires_at: later(60),
    }
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

async fn change(store: &dyn Store, change: TaskChange) -> StoredTask {
    let id = Digest::of(b"t");
    let changed = store.change_task(&acme(), &id, change, later(5)).await;
    changed.unwrap().unwrap()
}

async fn a_task_asks_is_answered_and_ends_once(database: &Database) {
    let store = database.open().await;
    let id = Digest::of(b"t");
    store.add_task(&acme(), &task("t"), 9).await.unwrap();
    assert_eq!(
        store.find_task(&acme(), &id).await.unwrap(),
        Some(task("t"))
    );
    assert_eq!(store.find_task(&tenant("globex"), &id).await.unwrap(), None);
    let asked = TaskChange::Ask(object(json!({ "one": {}, "two": {} })));
    let asks = change(&*store, asked).await;
    assert_eq!(asks.status, TaskStatus::InputRequired);
    let answers = TaskChange::Answer(object(json!({ "one": { "a": 1 }, "never": {} })));
    let partly = change(&*store, answers).await;
    assert_eq!(partly.status, TaskStatus::InputRequired);
    assert_eq!(partly.requests, object(json!({ "two": {} })));
    assert_eq!(partly.answers, object(json!({ "one": { "a": 1 } })));
    let again = TaskChange::Answer(object(json!({ "one": { "a": 2 }, "two": {} })));
    let wholly = change(&*store, again).await;
    assert_eq!(wholly.status, TaskStatus::Working);
    assert_eq!(
        wholly.answers,
        object(json!({ "one": { "a": 1 }, "two": {} }))
    );
    let done = change(&*store, TaskChange::Complete(json!({ "content": [] }))).await;
    assert_eq!(done.status, TaskStatus::Completed);
    for late in [TaskChange::Cancel, TaskChange::Fail(json!({}))] {
        assert_eq!(change(&*store, late).await, done);
    }
    assert_eq!(store.find_task(&acme(), &id).await.unwrap(), Some(done));
}

async fn a_client_has_only_so_many_tasks_going_on(database: &Database) {
    let store = database.open().await;
    assert!(store.add_task(&acme(), &task("t"), 1).await.unwrap());
    assert!(!store.add_task(&acme(), &task("u"), 1).await.unwrap());
    let other = StoredTask {
        user: UserId::new("bob"),
        ..task("u")
    };
    assert!(store.add_task(&acme(), &other, 1).await.unwrap());
    change(&*store, TaskChange::Cancel).await;
    assert!(store.add_task(&acme(), &task("v"), 1).await.unwrap());
}
