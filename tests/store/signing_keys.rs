//! Signing keys: one per tenant from the first start on, rotated once however many try.

use gatehouse::model::SealedSigningKey;

use crate::database::{Database, contract};
use crate::fixtures::{DAY, NOW, acme, change, later, race, signing_key, tenant};

contract! {
    the_first_candidate_stays,
    each_tenant_has_its_own_key,
    of_twenty_parallel_candidates_one_wins_for_all,
    a_rotation_adds_the_newest_key,
    of_twenty_parallel_rotations_one_adds_a_key,
    f16_a_key_stays_until_its_last_token_has_ended,
}

/// A key that signs from `seconds` after [`NOW`] on.
fn signing_from(id: &str, seconds: u64) -> SealedSigningKey {
    SealedSigningKey {
        signs_from: later(seconds),
        ..signing_key(id)
    }
}

async fn the_first_candidate_stays(database: &Database) {
    let store = database.open().await;
    assert!(store.list_signing_keys(&acme()).await.unwrap().is_empty());
    let expected = [signing_key("first")];
    for candidate in ["first", "second"] {
        let keys = store
            .ensure_signing_key(&change(&acme()), &signing_key(candidate))
            .await;
        assert_eq!(keys.unwrap(), expected);
    }
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    assert_eq!(keys, expected);
}

async fn each_tenant_has_its_own_key(database: &Database) {
    let store = database.open().await;
    for slug in ["acme", "globex"] {
        let keys = store
            .ensure_signing_key(&change(&tenant(slug)), &signing_key(slug))
            .await;
        assert_eq!(keys.unwrap(), [signing_key(slug)]);
    }
}

async fn of_twenty_parallel_candidates_one_wins_for_all(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    for round in 0..10 {
        let tenant = tenant(&format!("tenant-{round}"));
        let answers = race(&replicas, 20, |store, attempt| {
            let tenant = tenant.clone();
            async move {
                let candidate = signing_key(&format!("candidate {attempt}"));
                let keys = store.ensure_signing_key(&change(&tenant), &candidate).await;
                keys.unwrap()
            }
        })
        .await;
        let winner = answers.first().unwrap();
        assert_eq!(winner.len(), 1);
        assert!(answers.iter().all(|answer| answer == winner), "{answers:?}");
    }
}

async fn a_rotation_adds_the_newest_key(database: &Database) {
    let store = database.open().await;
    let (first, second) = (signing_key("first"), signing_from("second", 60));
    store
        .ensure_signing_key(&change(&acme()), &first)
        .await
        .unwrap();
    let rotated = store
        .rotate_signing_key(&change(&acme()), "first", &second)
        .await;
    assert!(rotated.unwrap());
    let late = signing_from("late", 90);
    let rotated = store
        .rotate_signing_key(&change(&acme()), "first", &late)
        .await;
    assert!(!rotated.unwrap());
    let elsewhere = tenant("globex");
    let rotated = store
        .rotate_signing_key(&change(&elsewhere), "first", &late)
        .await;
    assert!(!rotated.unwrap());
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    assert_eq!(keys, [second, first]);
}

async fn of_twenty_parallel_rotations_one_adds_a_key(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    let first = signing_key("first");
    store
        .ensure_signing_key(&change(&acme()), &first)
        .await
        .unwrap();
    let rotated = race(&replicas, 20, |store, attempt| async move {
        let candidate = signing_from(&format!("candidate {attempt}"), 60);
        let rotated = store
            .rotate_signing_key(&change(&acme()), "first", &candidate)
            .await;
        rotated.unwrap()
    })
    .await;
    assert_eq!(rotated.into_iter().filter(|rotated| *rotated).count(), 1);
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    assert_eq!(keys.len(), 2);
}

async fn f16_a_key_stays_until_its_last_token_has_ended(database: &Database) {
    let store = database.open().await;
    let (first, second) = (signing_key("first"), signing_from("second", 60));
    store
        .ensure_signing_key(&change(&acme()), &first)
        .await
        .unwrap();
    let rotated = store
        .rotate_signing_key(&change(&acme()), "first", &second)
        .await;
    assert!(rotated.unwrap());
    // A token of 24 hours that was signed in the last second before the new key took over.
    assert_eq!(store.remove_expired(later(60).after(DAY)).await.unwrap(), 0);
    assert_eq!(store.remove_expired(NOW.after(DAY * 2)).await.unwrap(), 1);
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    assert_eq!(keys, [second]);
}
