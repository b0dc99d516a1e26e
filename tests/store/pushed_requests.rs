//! Pushed authorization requests (RFC 9126).

use gatehouse::model::PushedRequest;
use gatehouse::store::Store;

use crate::database::{Database, contract};
use crate::fixtures::{acme, digest, later, pushed_request, race, tenant};

contract! {
    a_pushed_request_may_be_begun_with_until_it_expires,
    whoever_began_in_time_has_longer_but_only_once,
    of_parallel_answers_to_a_pushed_request_one_counts,
    a_pushed_request_of_another_tenant_is_neither_found_nor_ended,
    an_ended_pushed_request_is_removed,
}

async fn push(store: &dyn Store) -> PushedRequest {
    let request = pushed_request("reference");
    store.push_request(&acme(), &request).await.unwrap();
    request
}

async fn is_there(store: &dyn Store, seconds: u64) -> bool {
    let found = store
        .find_pushed_request(&acme(), &digest("reference"), later(seconds))
        .await;
    found.unwrap().is_some()
}

async fn a_pushed_request_may_be_begun_with_until_it_expires(database: &Database) {
    let store = database.open().await;
    let request = push(&*store).await;
    let found = store
        .find_pushed_request(&acme(), &request.digest, later(59))
        .await;
    assert_eq!(found.unwrap(), Some(request.clone()));
    assert!(!is_there(&*store, 60).await);

    store
        .begin_pushed_request(&acme(), &request.digest, later(60), later(600))
        .await
        .unwrap();
    assert!(!is_there(&*store, 60).await);
    let ended = store
        .end_pushed_request(&acme(), &request.digest, later(60))
        .await;
    assert!(!ended.unwrap());
}

async fn whoever_began_in_time_has_longer_but_only_once(database: &Database) {
    let store = database.open().await;
    let request = push(&*store).await;
    for (now, until) in [(59, 600), (599, 6000)] {
        store
            .begin_pushed_request(&acme(), &request.digest, later(now), later(until))
            .await
            .unwrap();
    }
    assert!(is_there(&*store, 599).await);
    assert!(!is_there(&*store, 600).await);
}

async fn of_parallel_answers_to_a_pushed_request_one_counts(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let request = push(&*replicas[0]).await;
    let answers = race(&replicas, 10, |store, _| {
        let digest = request.digest;
        async move {
            let ended = store.end_pushed_request(&acme(), &digest, later(1)).await;
            ended.unwrap()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|ended| **ended).count(), 1);
    assert!(!is_there(&*replicas[0], 1).await);
}

async fn a_pushed_request_of_another_tenant_is_neither_found_nor_ended(database: &Database) {
    let (store, globex) = (database.open().await, tenant("globex"));
    let request = push(&*store).await;
    let found = store
        .find_pushed_request(&globex, &request.digest, later(1))
        .await;
    assert_eq!(found.unwrap(), None);
    let ended = store
        .end_pushed_request(&globex, &request.digest, later(1))
        .await;
    assert!(!ended.unwrap());
    assert!(is_there(&*store, 1).await);
}

async fn an_ended_pushed_request_is_removed(database: &Database) {
    let store = database.open().await;
    push(&*store).await;
    assert_eq!(store.remove_expired(later(59)).await.unwrap(), 0);
    assert_eq!(store.remove_expired(later(60)).await.unwrap(), 1);
}
