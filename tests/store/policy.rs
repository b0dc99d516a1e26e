//! What operators decide about clients, and grants that an identity provider asserted.

use gatehouse::model::{Grant, RefusalDialect};
use gatehouse::store::Store;

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, change, client, grant, later, tenant, user};

contract! {
    the_dialect_of_a_client_is_set_and_stays,
    an_asserted_grant_is_live_until_its_end,
    a_revoked_asserted_grant_is_no_longer_live,
}

fn asserted(id: &str) -> Grant {
    grant(id, &user("ada"))
}

async fn the_dialect_of_a_client_is_set_and_stays(database: &Database) {
    let store = database.open().await;
    let registered = client("one");
    store
        .register_client(&change(&acme()), &registered)
        .await
        .unwrap();
    let dialect = Some(RefusalDialect::ToolResult);
    let id = &registered.id;
    assert!(
        store
            .set_refusals(&change(&acme()), id, dialect)
            .await
            .unwrap()
    );
    // What a client changes about itself leaves it alone.
    store
        .replace_client(&change(&acme()), &registered)
        .await
        .unwrap();
    let found = store.find_client(&acme(), id).await.unwrap().unwrap();
    assert_eq!(found.refusals, dialect);
    assert!(
        store
            .set_refusals(&change(&acme()), id, None)
            .await
            .unwrap()
    );
    let found = store.find_client(&acme(), id).await.unwrap();
    assert_eq!(found, Some(registered.clone()));
    let elsewhere = tenant("other");
    assert!(
        !store
            .set_refusals(&change(&elsewhere), id, dialect)
            .await
            .unwrap()
    );
}

/// Begins a grant at the first tenant that ends a minute later.
async fn begin(store: &dyn Store, grant: &Grant) {
    let change = change(&acme());
    let begun = store.begin_asserted_grant(&change, grant, later(60));
    begun.await.unwrap();
}

async fn an_asserted_grant_is_live_until_its_end(database: &Database) {
    let store = database.open().await;
    let ada = user("ada");
    store.add_user(&change(&acme()), &ada).await.unwrap();
    let grant = asserted("g1");
    begin(&*store, &grant).await;
    assert_eq!(
        store.find_grant(&acme(), &grant.id).await.unwrap(),
        Some(grant.clone())
    );
    let live = |at| {
        let (store, ada) = (&store, &ada);
        async move { store.list_grants(&acme(), &ada.id, at).await.unwrap().len() }
    };
    assert_eq!(live(NOW).await, 1);
    store.remove_expired(later(59)).await.unwrap();
    assert_eq!(live(later(59)).await, 1);
    assert_eq!(live(later(60)).await, 0);
    store.remove_expired(later(60)).await.unwrap();
    assert_eq!(store.find_grant(&acme(), &grant.id).await.unwrap(), None);
}

async fn a_revoked_asserted_grant_is_no_longer_live(database: &Database) {
    let store = database.open().await;
    let ada = user("ada");
    store.add_user(&change(&acme()), &ada).await.unwrap();
    let grant = asserted("g1");
    begin(&*store, &grant).await;
    let acme = acme();
    let by = change(&acme);
    let withdrawn = store.withdraw_consent(&by, &ada.id, &grant.client);
    assert!(withdrawn.await.unwrap());
    let live = store.list_grants(&acme, &ada.id, NOW).await.unwrap();
    assert!(live.is_empty());
}
