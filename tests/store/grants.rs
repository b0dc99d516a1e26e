//! Grants and their revocation.

use gatehouse::model::GrantId;

use crate::database::{Database, contract};
use crate::fixtures::{
    NOW, acme, begin_family, change, change_at, grant, later, race, revoked_at, tenant, user,
};

contract! {
    a_grant_is_revoked_once,
    of_parallel_revocations_one_is_the_first,
    an_unknown_grant_is_not_revoked,
    a_grant_is_found_revoked_or_not,
}

async fn a_grant_is_revoked_once(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    assert_eq!(revoked_at(&*store, "first").await, None);
    assert!(store.revoke_grant(&change(&acme()), &grant).await.unwrap());
    assert!(
        !store
            .revoke_grant(&change_at(&acme(), later(1)), &grant)
            .await
            .unwrap()
    );
    assert_eq!(revoked_at(&*store, "first").await, Some(NOW));
}

async fn of_parallel_revocations_one_is_the_first(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    let grant = begin_family(&**store).await;
    let revocations = race(&replicas, 20, |store, _| {
        let grant = grant.clone();
        async move { store.revoke_grant(&change(&acme()), &grant).await.unwrap() }
    })
    .await;
    assert_eq!(revocations.iter().filter(|first| **first).count(), 1);
}

async fn an_unknown_grant_is_not_revoked(database: &Database) {
    let store = database.open().await;
    let revoked = store
        .revoke_grant(&change(&acme()), &GrantId::new("unknown"))
        .await;
    assert!(!revoked.unwrap());
}

async fn a_grant_is_found_revoked_or_not(database: &Database) {
    let store = database.open().await;
    let id = begin_family(&*store).await;
    let mut expected = grant(id.as_str(), &user("alice"));
    let found = store.find_grant(&acme(), &id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&expected));

    store
        .revoke_grant(&change_at(&acme(), later(1)), &id)
        .await
        .unwrap();

    expected.revoked_at = Some(later(1));
    let found = store.find_grant(&acme(), &id).await.unwrap();
    assert_eq!(found, Some(expected));
    let found = store.find_grant(&tenant("globex"), &id).await.unwrap();
    assert_eq!(found, None);
    let unknown = GrantId::new("unknown");
    assert_eq!(store.find_grant(&acme(), &unknown).await.unwrap(), None);
}
