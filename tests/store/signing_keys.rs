//! Signing keys: one per tenant from the first start on.

use gatehouse::model::{SigningKey, Timestamp};

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, race, signing_key, tenant};

contract! {
    the_first_candidate_stays,
    each_tenant_has_its_own_key,
    of_twenty_parallel_candidates_one_wins_for_all,
}

/// What can be compared of a key.
fn parts(key: &SigningKey) -> (String, &'static str, String, Timestamp) {
    (
        key.id.clone(),
        key.algorithm.as_str(),
        key.private_key.expose().to_owned(),
        key.created_at,
    )
}

async fn the_first_candidate_stays(database: &Database) {
    let store = database.open().await;
    assert!(store.list_signing_keys(&acme()).await.unwrap().is_empty());
    let expected = [parts(&signing_key("first"))];
    for candidate in ["first", "second"] {
        let keys = store
            .ensure_signing_key(&acme(), &signing_key(candidate))
            .await;
        let keys: Vec<_> = keys.unwrap().iter().map(parts).collect();
        assert_eq!(keys, expected);
    }
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    assert_eq!(keys.iter().map(parts).collect::<Vec<_>>(), expected);
    assert_eq!(keys.first().unwrap().created_at, NOW);
}

async fn each_tenant_has_its_own_key(database: &Database) {
    let store = database.open().await;
    for slug in ["acme", "globex"] {
        let keys = store
            .ensure_signing_key(&tenant(slug), &signing_key(slug))
            .await;
        let keys: Vec<_> = keys.unwrap().iter().map(parts).collect();
        assert_eq!(keys, [parts(&signing_key(slug))]);
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
                let keys = store.ensure_signing_key(&tenant, &candidate).await;
                keys.unwrap().iter().map(parts).collect::<Vec<_>>()
            }
        })
        .await;
        let winner = answers.first().unwrap();
        assert_eq!(winner.len(), 1);
        assert!(answers.iter().all(|answer| answer == winner), "{answers:?}");
    }
}
