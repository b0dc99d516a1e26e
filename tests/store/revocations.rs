//! What is noted of everything that ends before its access tokens do (catalogue B01, B12, B24).

use std::collections::BTreeSet;
use std::time::Duration;

use gatehouse::model::{Client, Revoked, Timestamp, UserId};
use gatehouse::store::Store;

use crate::database::{Database, contract};
use crate::fixtures::{
    DAY, NOW, acme, add_alice, begin_family, change, change_at, client, code, digest, later,
    login_session, rotation, tenant, user,
};

contract! {
    a_revoked_grant_is_noted_once,
    b01_a_replayed_code_is_noted,
    b12_a_reused_refresh_token_is_noted,
    b24_a_removed_client_and_its_grants_are_noted,
    b24_access_that_a_person_takes_back_is_noted,
    b24_a_disabled_person_is_noted_and_may_come_back,
    b24_a_removed_person_is_noted,
    what_ends_by_itself_is_not_noted,
    old_notes_are_not_listed_and_go,
}

const EVER: Timestamp = Timestamp::from_seconds(0);

/// What is noted at `acme`.
async fn noted(store: &dyn Store) -> Vec<Revoked> {
    let found = store.list_revocations(EVER).await.unwrap();
    let ids: BTreeSet<String> = found.iter().map(|it| format!("{:?}", it.subject)).collect();
    assert_eq!(ids.len(), found.len());
    assert!(found.iter().all(|it| it.tenant == acme()));
    found.into_iter().map(|it| it.subject).collect()
}

async fn a_revoked_grant_is_noted_once(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    assert_eq!(noted(&*store).await, []);
    assert!(store.revoke_grant(&change(&acme()), &grant).await.unwrap());
    let first = store.list_revocations(EVER).await.unwrap();
    assert_eq!(noted(&*store).await, [Revoked::Grant(grant.clone())]);
    assert!(
        !store
            .revoke_grant(&change_at(&acme(), later(5)), &grant)
            .await
            .unwrap()
    );
    assert_eq!(store.list_revocations(EVER).await.unwrap(), first);
}

async fn b01_a_replayed_code_is_noted(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    store
        .redeem_code(&change_at(&acme(), later(1)), &digest("code"), None)
        .await
        .unwrap();
    assert_eq!(noted(&*store).await, [Revoked::Grant(grant)]);
}

async fn b12_a_reused_refresh_token_is_noted(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    let mut rotation = rotation("first", "second", &grant);
    store
        .rotate_refresh_token(&change(&acme()), &rotation)
        .await
        .unwrap();
    assert_eq!(noted(&*store).await, []);
    rotation.now = later(31);
    store
        .rotate_refresh_token(&change(&acme()), &rotation)
        .await
        .unwrap();
    assert_eq!(noted(&*store).await, [Revoked::Grant(grant)]);
}

async fn b24_a_removed_client_and_its_grants_are_noted(database: &Database) {
    let store = database.open().await;
    let code = code("code", &add_alice(&*store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let id = code.grant.client.clone();
    let client = Client {
        id: id.clone(),
        ..client("any")
    };
    store
        .register_client(&change(&acme()), &client)
        .await
        .unwrap();
    assert!(store.remove_client(&change(&acme()), &id).await.unwrap());
    let noted = noted(&*store).await;
    assert!(noted.contains(&Revoked::Client(id)));
    assert!(noted.contains(&Revoked::Grant(code.grant.id)));
    assert_eq!(noted.len(), 2);
}

async fn b24_access_that_a_person_takes_back_is_noted(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    let stored = store.find_grant(&acme(), &grant).await.unwrap().unwrap();
    let acme = acme();
    let by = change(&acme);
    let withdrawn = store.withdraw_consent(&by, &stored.user, &stored.client);
    assert!(withdrawn.await.unwrap());
    assert_eq!(noted(&*store).await, [Revoked::Grant(grant)]);
}

async fn b24_a_disabled_person_is_noted_and_may_come_back(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let set = async |name: &str, disabled: bool| {
        let acme = acme();
        let by = change(&acme);
        let set = store.set_user_disabled(&by, name, disabled);
        set.await.unwrap()
    };
    assert!(!set("bob", true).await);
    assert!(set("alice", true).await);
    assert_eq!(noted(&*store).await, [Revoked::User(alice.id.clone())]);
    let found = store.find_user(&acme(), &alice.id).await.unwrap().unwrap();
    assert!(found.disabled);
    let globex = tenant("globex");
    let by = change(&globex);
    let elsewhere = store.set_user_disabled(&by, "alice", false);
    assert!(!elsewhere.await.unwrap());
    assert!(set("alice", false).await);
    let found = store.find_user(&acme(), &alice.id).await.unwrap().unwrap();
    assert!(!found.disabled);
    assert_eq!(noted(&*store).await.len(), 1);
}

async fn b24_a_removed_person_is_noted(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    assert!(store.remove_user(&change(&acme()), "alice").await.unwrap());
    let alice = UserId::new("id-of-alice");
    assert_eq!(noted(&*store).await, [Revoked::User(alice)]);
}

async fn what_ends_by_itself_is_not_noted(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    let session = login_session("cookie", &user("alice"));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    let removed = store.remove_expired(NOW.after(DAY * 31)).await.unwrap();
    assert!(removed > 3);
    assert_eq!(noted(&*store).await, []);
}

async fn old_notes_are_not_listed_and_go(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    store.revoke_grant(&change(&acme()), &grant).await.unwrap();
    let found = store.list_revocations(EVER).await.unwrap();
    let at = found.first().unwrap().at;
    assert_eq!(store.list_revocations(at).await.unwrap(), found);
    let second = Duration::from_secs(1);
    assert_eq!(store.list_revocations(at.after(second)).await.unwrap(), []);
    // The longest life of an access token, and an hour.
    let needed = Duration::from_hours(25);
    let just_before = at.after(needed).before(second);
    store.remove_expired(just_before).await.unwrap();
    assert_eq!(store.list_revocations(EVER).await.unwrap(), found);
    store.remove_expired(at.after(needed)).await.unwrap();
    assert_eq!(store.list_revocations(EVER).await.unwrap(), []);
}
