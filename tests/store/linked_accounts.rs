//! Accounts that people have linked at mounted servers, and what the gateway is called there.

use std::sync::Arc;
use std::time::Duration;

use gatehouse::model::Timestamp;
use gatehouse::store::{LinkedAccount, ProviderLease, ProviderTokenOutcome};

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, change, race, tenant, user};

contract! {
    an_account_is_linked_shown_and_unlinked,
    a_linked_account_is_renewed_by_one_replica_at_a_time,
    what_was_linked_anew_outlives_a_renewal_of_the_old,
    a_linked_account_that_was_refused_stays_so_until_it_is_linked_anew,
    of_several_registrations_at_an_issuer_the_first_counts,
}

fn later() -> Timestamp {
    NOW.after(Duration::from_mins(1))
}

async fn an_account_is_linked_shown_and_unlinked(database: &Database) {
    let store = database.open().await;
    let (alice, here) = (user("alice"), change(&acme()));
    store.add_user(&here, &alice).await.unwrap();
    let account = (&alice.id, "docs");
    store.link_account(&here, account, b"one").await.unwrap();
    store.link_account(&here, account, b"two").await.unwrap();
    let listed = store.list_linked_accounts(&acme(), &alice.id).await;
    let expected = LinkedAccount {
        server: "docs".to_owned(),
        linked_at: here.at(),
        has_ended: false,
    };
    assert_eq!(listed.unwrap(), [expected]);
    let found = store.find_linked_account(&acme(), &alice.id, "docs").await;
    assert_eq!(found.unwrap(), ProviderLease::Leased(b"two".to_vec()));
    for (tenant, server) in [(tenant("globex"), "docs"), (acme(), "other")] {
        let found = store.find_linked_account(&tenant, &alice.id, server).await;
        assert_eq!(found.unwrap(), ProviderLease::None);
    }
    let elsewhere = change(&tenant("globex"));
    let unlinked = store.unlink_account(&elsewhere, &alice.id, "docs").await;
    assert!(!unlinked.unwrap());
    assert!(
        store
            .unlink_account(&here, &alice.id, "docs")
            .await
            .unwrap()
    );
    assert!(
        !store
            .unlink_account(&here, &alice.id, "docs")
            .await
            .unwrap()
    );
    store.link_account(&here, account, b"one").await.unwrap();
    assert!(store.remove_user(&here, "alice").await.unwrap());
    let listed = store.list_linked_accounts(&acme(), &alice.id).await;
    assert_eq!(listed.unwrap(), []);
}

async fn a_linked_account_is_renewed_by_one_replica_at_a_time(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let alice = user("alice");
    let here = change(&acme());
    stores[0].add_user(&here, &alice).await.unwrap();
    let account = (&alice.id, "docs");
    stores[0]
        .link_account(&here, account, b"one")
        .await
        .unwrap();
    let id = alice.id.clone();
    let leases = race(&stores, 8, |store: Arc<dyn gatehouse::store::Store>, _| {
        let id = id.clone();
        async move {
            let times = (NOW, later());
            store
                .lease_linked_account(&acme(), (&id, "docs"), times)
                .await
                .unwrap()
        }
    });
    let leases = leases.await;
    let granted = ProviderLease::Leased(b"one".to_vec());
    assert_eq!(leases.iter().filter(|lease| **lease == granted).count(), 1);
    assert_eq!(
        leases
            .iter()
            .filter(|lease| **lease == ProviderLease::Busy)
            .count(),
        7
    );
    let renewed = ProviderTokenOutcome::Renewed(b"two");
    stores[1]
        .return_linked_account(&acme(), account, later(), renewed)
        .await
        .unwrap();
    let lease = stores[0]
        .lease_linked_account(&acme(), account, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
    // Whoever took it and is gone is not waited for without end.
    let after = later().after(Duration::from_secs(1));
    let lease = stores[1]
        .lease_linked_account(&acme(), account, (after, after))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
}

async fn what_was_linked_anew_outlives_a_renewal_of_the_old(database: &Database) {
    let store = database.open().await;
    let (alice, here) = (user("alice"), change(&acme()));
    store.add_user(&here, &alice).await.unwrap();
    let account = (&alice.id, "docs");
    store.link_account(&here, account, b"old").await.unwrap();
    store
        .lease_linked_account(&acme(), account, (NOW, later()))
        .await
        .unwrap();
    store.link_account(&here, account, b"new").await.unwrap();
    for outcome in [
        ProviderTokenOutcome::Renewed(b"of the old"),
        ProviderTokenOutcome::Refused,
    ] {
        store
            .return_linked_account(&acme(), account, later(), outcome)
            .await
            .unwrap();
        let found = store.find_linked_account(&acme(), &alice.id, "docs").await;
        assert_eq!(found.unwrap(), ProviderLease::Leased(b"new".to_vec()));
    }
}

async fn a_linked_account_that_was_refused_stays_so_until_it_is_linked_anew(database: &Database) {
    let store = database.open().await;
    let (alice, here) = (user("alice"), change(&acme()));
    store.add_user(&here, &alice).await.unwrap();
    let account = (&alice.id, "docs");
    store.link_account(&here, account, b"one").await.unwrap();
    store
        .lease_linked_account(&acme(), account, (NOW, later()))
        .await
        .unwrap();
    let refused = ProviderTokenOutcome::Refused;
    store
        .return_linked_account(&acme(), account, later(), refused)
        .await
        .unwrap();
    let lease = store
        .lease_linked_account(&acme(), account, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Ended);
    let listed = store.list_linked_accounts(&acme(), &alice.id).await;
    assert!(listed.unwrap()[0].has_ended);
    store.link_account(&here, account, b"two").await.unwrap();
    let lease = store
        .lease_linked_account(&acme(), account, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
}

async fn of_several_registrations_at_an_issuer_the_first_counts(database: &Database) {
    const ISSUER: &str = "https://as.example.com";
    let store = database.open().await;
    let find = async |tenant| store.find_upstream_client(&tenant, ISSUER).await.unwrap();
    assert_eq!(find(acme()).await, None);
    for sealed in [b"one", b"two"] {
        store
            .keep_upstream_client(&acme(), ISSUER, (None, sealed))
            .await
            .unwrap();
    }
    assert_eq!(find(acme()).await, Some(b"one".to_vec()));
    assert_eq!(find(tenant("globex")).await, None);
    // One that is no use any more is replaced by whoever knows it.
    store
        .keep_upstream_client(&acme(), ISSUER, (Some(b"one"), b"three"))
        .await
        .unwrap();
    assert_eq!(find(acme()).await, Some(b"three".to_vec()));
    store
        .forget_upstream_client(&acme(), ISSUER, b"one")
        .await
        .unwrap();
    assert_eq!(find(acme()).await, Some(b"three".to_vec()));
    store
        .forget_upstream_client(&acme(), ISSUER, b"three")
        .await
        .unwrap();
    assert_eq!(find(acme()).await, None);
}
