//! Copies of what clients keep on the Web, and the assertions that they used.

use gatehouse::model::{ClientId, RemoteDocument};

use crate::database::{Database, contract};
use crate::fixtures::{DAY, MINUTE, NOW, acme, digest, later, tenant};

contract! {
    the_latest_copy_of_a_document_is_found,
    an_assertion_is_spent_once_for_each_client_and_tenant,
    old_copies_and_spent_assertions_are_removed,
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

async fn an_assertion_is_spent_once_for_each_client_and_tenant(database: &Database) {
    let store = database.open().await;
    let spend = async |slug: &str, client: &str| {
        let (tenant, client, jti) = (tenant(slug), ClientId::new(client), digest("jti"));
        let spent = store.spend_client_assertion(&tenant, &client, &jti, later(60));
        spent.await.unwrap()
    };
    assert!(spend("acme", "one").await);
    assert!(!spend("acme", "one").await);
    assert!(spend("acme", "two").await);
    assert!(spend("globex", "one").await);
}

async fn old_copies_and_spent_assertions_are_removed(database: &Database) {
    let store = database.open().await;
    let client = ClientId::new("client");
    store
        .keep_remote_document(&acme(), &copy("{}", 0))
        .await
        .unwrap();
    store
        .spend_client_assertion(&acme(), &client, &digest("jti"), NOW.after(MINUTE))
        .await
        .unwrap();
    assert_eq!(store.remove_expired(NOW).await.unwrap(), 0);
    assert_eq!(store.remove_expired(NOW.after(MINUTE)).await.unwrap(), 1);
    let week = NOW.after(DAY * 7);
    assert_eq!(store.remove_expired(week).await.unwrap(), 1);
}
