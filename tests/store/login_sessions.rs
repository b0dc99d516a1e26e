//! Login sessions.

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, add_alice, change, digest, later, login_session};

contract! {
    a_login_session_lasts_until_it_expires,
    a_login_session_that_was_ended_is_not_found,
}

async fn a_login_session_lasts_until_it_expires(database: &Database) {
    let store = database.open().await;
    let session = login_session("cookie", &add_alice(&*store).await);
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();

    let found = store
        .find_login_session(&acme(), &session.digest, later(59))
        .await;
    assert_eq!(found.unwrap().as_ref(), Some(&session));
    let found = store
        .find_login_session(&acme(), &session.digest, later(60))
        .await;
    assert_eq!(found.unwrap(), None);
    let found = store
        .find_login_session(&acme(), &digest("another cookie"), NOW)
        .await;
    assert_eq!(found.unwrap(), None);
}

async fn a_login_session_that_was_ended_is_not_found(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let ended = login_session("ended", &alice);
    let other = login_session("other", &alice);
    for session in [&ended, &other] {
        store
            .start_login_session(&change(&acme()), session)
            .await
            .unwrap();
    }

    store
        .end_login_session(&change(&acme()), &ended.digest)
        .await
        .unwrap();

    let found = store.find_login_session(&acme(), &ended.digest, NOW).await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_login_session(&acme(), &other.digest, NOW).await;
    assert_eq!(found.unwrap(), Some(other));
}
