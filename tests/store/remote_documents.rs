//! Copies of what clients keep on the Web, and the assertions that they used.

use gatehouse::model::{RemoteDocument, SingleUse};

use crate::database::{Database, contract};
use crate::fixtures::{DAY, MINUTE, NOW, acme, later, tenant};

contract! {
    the_latest_copy_of_a_document_is_found,
    an_identifier_is_spent_once_for_each_kind_holder_and_tenant,
    old_copies_and_spent_identifiers_are_removed,
}

const URL: &str = "https://client.example/metadata.json";

fn copy(body: &str, seconds: u64) -> RemoteDocument {
    RemoteDocument {
        url: URL.to_owned(),
        body: body.to_owned(),
        fetched_at: later(seconds),
        fresh_until: later(seconds + 600),
    }
}

async fn the_latest_copy_of_a_document_is_found(database: &Database) {
    let store = database.open().await;
    let find = async |slug: &str| {
        let found = store.find_remote_document(&tenant(slug), URL).await;
        found.unwrap()
    };
    assert_eq!(find("acme").await, None);
    // The copy of a replica that was slower comes last and changes nothing.
    for copy in [copy("{}", 0), copy("{\"a\":1}", 20), copy("{}", 10)] {
        store.keep_remote_document(&acme(), &copy).await.unwrap();
    }
    assert_eq!(find("acme").await, Some(copy("{\"a\":1}", 20)));
    assert_eq!(find("globex").await, None);
}

async fn an_identifier_is_spent_once_for_each_kind_holder_and_tenant(database: &Database) {
    let store = database.open().await;
    let spend = async |slug: &str, kind: &str, holder: &str| {
        let identifier = SingleUse::new(kind, holder, "jti", later(60));
        store.spend(&tenant(slug), &identifier).await.unwrap()
    };
    assert!(spend("acme", "proof", "one").await);
    assert!(!spend("acme", "proof", "one").await);
    assert!(spend("acme", "assertion", "one").await);
    assert!(spend("acme", "proof", "two").await);
    assert!(spend("globex", "proof", "one").await);
}

async fn old_copies_and_spent_identifiers_are_removed(database: &Database) {
    let store = database.open().await;
    store
        .keep_remote_document(&acme(), &copy("{}", 0))
        .await
        .unwrap();
    let identifier = SingleUse::new("proof", "client", "jti", NOW.after(MINUTE));
    store.spend(&acme(), &identifier).await.unwrap();
    assert_eq!(store.remove_expired(NOW).await.unwrap(), 0);
    assert_eq!(store.remove_expired(NOW.after(MINUTE)).await.unwrap(), 1);
    let week = NOW.after(DAY * 7);
    assert_eq!(store.remove_expired(week).await.unwrap(), 1);
}
