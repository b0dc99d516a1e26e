//! What replicas have used of a limit, together.

use std::time::Duration;

use gatehouse::model::{Digest, Timestamp};
use gatehouse::store::{Store, Use};

use crate::database::{Database, contract};

contract! {
    uses_of_all_replicas_add_up_and_whole_limits_are_removed,
    a_limit_is_never_believed_to_need_longer_than_it_can,
}

fn used(name: &str, limit: &str, requests: u32) -> Use {
    Use {
        key: Digest::of(name.as_bytes()),
        limit: limit.parse().unwrap(),
        requests,
    }
}

/// How many whole seconds each limit needs; none where there is one process.
async fn add(store: &dyn Store, uses: &[Use]) -> Option<Vec<u64>> {
    let waits = store.add_uses(uses).await.unwrap()?;
    // Rounded up: a moment has passed since.
    let seconds = |wait: Duration| wait.as_millis().div_ceil(1000).try_into().unwrap();
    Some(waits.into_iter().map(seconds).collect())
}

async fn uses_of_all_replicas_add_up_and_whole_limits_are_removed(database: &Database) {
    let (one, other) = (database.open().await, database.open().await);
    let uses = [
        used("b", "60/h", 3),
        used("a", "6/h", 1),
        used("c", "1/s", 0),
    ];
    let Some(waits) = add(&*one, &uses).await else {
        return;
    };
    assert_eq!(waits, [180, 600, 0]);
    let uses = [used("a", "6/h", 1), used("b", "60/h", 2)];
    assert_eq!(add(&*other, &uses).await.unwrap(), [1200, 300]);
    assert_eq!(add(&*one, &[]).await.unwrap(), [0; 0]);
    // What is whole again says nothing.
    assert_eq!(
        one.remove_expired(Timestamp::from_seconds(0))
            .await
            .unwrap(),
        1
    );
    let uses = [
        used("a", "6/h", 0),
        used("b", "60/h", 0),
        used("c", "1/s", 0),
    ];
    assert_eq!(add(&*one, &uses).await.unwrap(), [1200, 300, 0]);
}

async fn a_limit_is_never_believed_to_need_longer_than_it_can(database: &Database) {
    let store = database.open().await;
    for requests in [500, 1] {
        let waits = add(&*store, &[used("a", "60/m", requests)]).await;
        // Twice the time of the whole limit.
        assert!(waits.is_none_or(|waits| waits == [120]));
    }
}
