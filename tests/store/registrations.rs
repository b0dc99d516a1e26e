//! Clients that registered themselves: the quota, their own token, and their removal.

use gatehouse::model::{Client, ClientId, ClientKeys, Timestamp, TokenEndpointAuthMethod};
use gatehouse::store::{Registration, Store};

use crate::database::{Database, contract};
use crate::fixtures::{
    DAY, NOW, acme, add_alice, change, change_at, client, code, digest, later, race, refresh_token,
    revoked_at, tenant,
};

contract! {
    c10_a_client_is_found_by_its_own_token_only,
    a_replaced_client_keeps_its_scopes_and_age,
    c02_beyond_the_limit_the_oldest_unused_client_makes_room,
    c02_clients_in_use_make_no_room,
    c02_concurrent_registrations_keep_to_the_limit,
    c02_an_unused_client_is_removed_and_no_other,
    b24_a_removed_client_takes_its_grants_with_it,
    clients_are_listed_oldest_first,
}

fn registration(id: &str, registered_at: Timestamp, limit: i64) -> Registration {
    Registration {
        client: Client {
            created_at: registered_at,
            ..client(id)
        },
        token: digest(&format!("token of {id}")),
        limit,
    }
}

async fn admit(store: &dyn Store, id: &str, registered_at: Timestamp, limit: i64) -> bool {
    let registration = registration(id, registered_at, limit);
    store
        .admit_client(&change(&acme()), &registration)
        .await
        .unwrap()
}

async fn is_there(store: &dyn Store, id: &str) -> bool {
    let found = store.find_client(&acme(), &ClientId::new(id)).await;
    found.unwrap().is_some()
}

/// A person gives the client a grant.
async fn give_grant(store: &dyn Store, id: &str) {
    let mut code = code(&format!("code of {id}"), &crate::fixtures::user("alice"));
    code.grant.client = ClientId::new(id);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
}

async fn c10_a_client_is_found_by_its_own_token_only(database: &Database) {
    let store = database.open().await;
    assert!(admit(&*store, "a", NOW, 9).await && admit(&*store, "b", NOW, 9).await);
    let (a, globex) = (ClientId::new("a"), tenant("globex"));
    let own = digest("token of a");
    let found = store.find_own_registration(&acme(), &a, &own).await;
    assert_eq!(found.unwrap(), Some(client("a")));
    let other = digest("token of b");
    let found = store.find_own_registration(&acme(), &a, &other).await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_own_registration(&globex, &a, &own).await;
    assert_eq!(found.unwrap(), None);
}

async fn a_replaced_client_keeps_its_scopes_and_age(database: &Database) {
    let store = database.open().await;
    assert!(admit(&*store, "a", NOW, 9).await);
    let asked = Client {
        name: Some("Renamed".to_owned()),
        auth_method: TokenEndpointAuthMethod::PrivateKeyJwt,
        secret: None,
        keys: Some(ClientKeys::Uri("https://client.example/jwks".to_owned())),
        scopes: None,
        created_at: later(5),
        ..client("a")
    };
    assert!(
        store
            .replace_client(&change(&acme()), &asked)
            .await
            .unwrap()
    );
    let expected = Client {
        scopes: client("a").scopes,
        created_at: NOW,
        ..asked.clone()
    };
    let found = store.find_client(&acme(), &asked.id).await.unwrap();
    assert_eq!(found, Some(expected));
    let replaced = store
        .replace_client(&change(&tenant("globex")), &asked)
        .await;
    assert!(!replaced.unwrap());
}

async fn c02_beyond_the_limit_the_oldest_unused_client_makes_room(database: &Database) {
    let store = database.open().await;
    add_alice(&*store).await;
    let added = client("added by the operator");
    store
        .register_client(&change(&acme()), &added)
        .await
        .unwrap();
    for (second, id) in (0..).zip(["used", "older", "newer"]) {
        assert!(admit(&*store, id, later(second), 3).await);
    }
    give_grant(&*store, "used").await;
    assert!(admit(&*store, "fourth", later(3), 3).await);
    assert!(!is_there(&*store, "older").await);
    for id in ["used", "newer", "fourth", "added by the operator"] {
        assert!(is_there(&*store, id).await, "{id}");
    }
}

async fn c02_clients_in_use_make_no_room(database: &Database) {
    let store = database.open().await;
    add_alice(&*store).await;
    assert!(admit(&*store, "used", NOW, 1).await);
    give_grant(&*store, "used").await;
    assert!(!admit(&*store, "second", NOW, 1).await);
    assert!(!is_there(&*store, "second").await);
    assert!(is_there(&*store, "used").await);
}

async fn c02_concurrent_registrations_keep_to_the_limit(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    race(&replicas, 12, |store, number| async move {
        admit(&*store, &format!("client {number}"), NOW, 4).await
    })
    .await;
    assert_eq!(store.list_clients(&acme()).await.unwrap().len(), 4);
}

async fn c02_an_unused_client_is_removed_and_no_other(database: &Database) {
    let store = database.open().await;
    add_alice(&*store).await;
    let added = client("added by the operator");
    store
        .register_client(&change(&acme()), &added)
        .await
        .unwrap();
    for (id, at) in [("unused", NOW), ("used", NOW), ("new", later(1))] {
        assert!(admit(&*store, id, at, 9).await);
    }
    give_grant(&*store, "used").await;
    assert_eq!(store.remove_unused_clients(NOW, NOW).await.unwrap(), 1);
    assert!(!is_there(&*store, "unused").await);
    // Also when the grant is long gone: it was used once.
    store.remove_expired(NOW.after(DAY * 9)).await.unwrap();
    assert_eq!(store.remove_unused_clients(NOW, NOW).await.unwrap(), 0);
    for id in ["used", "new", "added by the operator"] {
        assert!(is_there(&*store, id).await, "{id}");
    }
}

async fn b24_a_removed_client_takes_its_grants_with_it(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    for name in ["a", "b"] {
        assert!(admit(&*store, name, NOW, 9).await);
        let mut code = code(name, &alice);
        code.grant.client = ClientId::new(name);
        store
            .issue_code(&change(&acme()), &code, true)
            .await
            .unwrap();
        let first = refresh_token(&format!("token of {name}"), &code.grant.id);
        let redeemed = store
            .redeem_code(&change(&acme()), &code.digest, Some(&first))
            .await;
        redeemed.unwrap();
    }
    let a = ClientId::new("a");
    assert!(
        store
            .remove_client(&change_at(&acme(), later(5)), &a)
            .await
            .unwrap()
    );
    assert!(!is_there(&*store, "a").await);
    assert_eq!(revoked_at(&*store, "token of a").await, Some(later(5)));
    assert_eq!(revoked_at(&*store, "token of b").await, None);
    assert!(!store.remove_client(&change(&acme()), &a).await.unwrap());
}

async fn clients_are_listed_oldest_first(database: &Database) {
    let store = database.open().await;
    for (id, at) in [("young", later(1)), ("old", NOW)] {
        assert!(admit(&*store, id, at, 9).await);
    }
    let listed = store.list_clients(&acme()).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["old", "young"]);
    let other = store.list_clients(&tenant("globex")).await;
    assert_eq!(other.unwrap(), vec![]);
}
