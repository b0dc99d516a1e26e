//! Remembered consents, and the grants that followed.

use gatehouse::model::{ClientId, Consent, ResourceUri, User};

use crate::database::{Database, contract};
use crate::fixtures::{
    DAY, NOW, acme, add_alice, begin_family, change, change_at, code, later, refresh_token,
    revoked_at, rotation, tenant, user,
};

contract! {
    the_last_consent_is_the_one_that_counts,
    a_consent_is_of_one_person_and_one_tenant,
    a_grant_is_listed_while_it_lives,
    a_refresh_says_when_a_grant_was_used,
    a_withdrawn_consent_ends_the_grants_of_that_client_alone,
}

fn client() -> ClientId {
    ClientId::new("https://client.example/metadata.json")
}

fn consent(user: &User, scopes: &str) -> Consent {
    Consent {
        user: user.id.clone(),
        client: client(),
        redirect_host: "client.example".to_owned(),
        scopes: scopes.parse().unwrap(),
        resource: ResourceUri::parse("https://mcp.example.com/t/acme/mcp").unwrap(),
        given_at: NOW,
    }
}

async fn the_last_consent_is_the_one_that_counts(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    for scopes in ["mcp:tools", "mcp:tools mcp:resources"] {
        let consent = consent(&alice, scopes);
        store
            .remember_consent(&change(&acme()), &consent)
            .await
            .unwrap();
        let found = store.find_consent(&acme(), &alice.id, &client()).await;
        assert_eq!(found.unwrap(), Some(consent));
    }
}

async fn a_consent_is_of_one_person_and_one_tenant(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let bob = user("bob");
    store.add_user(&change(&acme()), &bob).await.unwrap();
    let consent = consent(&alice, "mcp:tools");
    store
        .remember_consent(&change(&acme()), &consent)
        .await
        .unwrap();
    let globex = tenant("globex");
    for (tenant, user) in [(&acme(), &bob.id), (&globex, &alice.id)] {
        let found = store.find_consent(tenant, user, &client()).await;
        assert_eq!(found.unwrap(), None);
    }
    store.remove_user(&change(&acme()), "alice").await.unwrap();
    let found = store.find_consent(&acme(), &alice.id, &client()).await;
    assert_eq!(found.unwrap(), None);
}

async fn a_grant_is_listed_while_it_lives(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    // A code that nobody picked up is no connection.
    let unspent = code("unspent", &user("alice"));
    store
        .issue_code(&change(&acme()), &unspent, true)
        .await
        .unwrap();
    let alice = user("alice").id;
    let listed = store.list_grants(&acme(), &alice, NOW).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|live| live.grant.id.clone()).collect();
    assert_eq!(ids, vec![family.clone()]);
    let other = store.list_grants(&tenant("globex"), &alice, NOW).await;
    assert_eq!(other.unwrap(), vec![]);

    store.remove_expired(NOW.after(DAY * 2)).await.unwrap();
    let end = NOW.after(DAY * 30);
    let listed = store.list_grants(&acme(), &alice, end).await;
    assert_eq!(listed.unwrap(), vec![]);
    store.revoke_grant(&change(&acme()), &family).await.unwrap();
    let listed = store.list_grants(&acme(), &alice, NOW).await;
    assert_eq!(listed.unwrap(), vec![]);
}

async fn a_refresh_says_when_a_grant_was_used(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let alice = user("alice").id;
    let listed = store.list_grants(&acme(), &alice, NOW).await.unwrap();
    assert_eq!(listed.first().unwrap().used_at, None);
    let mut rotation = rotation("first", "second", &family);
    rotation.now = later(90);
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation)
        .await;
    rotated.unwrap();
    let listed = store.list_grants(&acme(), &alice, NOW).await.unwrap();
    assert_eq!(listed.first().unwrap().used_at, Some(later(90)));
}

async fn a_withdrawn_consent_ends_the_grants_of_that_client_alone(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    let (acme, client) = (acme(), client());
    let alice = user("alice");
    let mut other = code("other", &alice);
    other.grant.client = ClientId::new("other");
    store
        .issue_code(&change(&acme), &other, true)
        .await
        .unwrap();
    let token = refresh_token("token of other", &other.grant.id);
    let by = change(&acme);
    let redeemed = store.redeem_code(&by, &other.digest, Some(&token));
    redeemed.await.unwrap();
    let consent = consent(&alice, "mcp:tools");
    store
        .remember_consent(&change(&acme), &consent)
        .await
        .unwrap();

    let (globex, at) = (tenant("globex"), later(7));
    let by = change_at(&globex, at);
    let withdrawn = store.withdraw_consent(&by, &alice.id, &client);
    assert!(!withdrawn.await.unwrap());
    let by = change_at(&acme, at);
    let withdrawn = store.withdraw_consent(&by, &alice.id, &client);
    assert!(withdrawn.await.unwrap());
    assert_eq!(revoked_at(&*store, "first").await, Some(later(7)));
    assert_eq!(revoked_at(&*store, "token of other").await, None);
    let found = store.find_consent(&acme, &alice.id, &client).await;
    assert_eq!(found.unwrap(), None);
    let by = change_at(&acme, at);
    let again = store.withdraw_consent(&by, &alice.id, &client);
    assert!(!again.await.unwrap());
}
