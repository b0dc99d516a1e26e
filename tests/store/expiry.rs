//! Removal of what has ended.

use gatehouse::store::{CodeRedemption, RotationOutcome};

use crate::database::{Database, contract};
use crate::fixtures::{
    DAY, MINUTE, NOW, acme, add_alice, begin_family, change, change_at, code, digest, later,
    login_session, race, refresh_token, rotation, user,
};

contract! {
    nothing_that_lasts_is_removed,
    an_ended_login_session_is_removed,
    b01_a_code_stays_for_a_day_after_its_end,
    a_family_is_removed_with_its_last_token,
    b12_a_consumed_token_stays_until_it_expires,
    replicas_may_remove_at_the_same_time,
}

async fn nothing_that_lasts_is_removed(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let session = login_session("cookie", &user("alice"));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();

    assert_eq!(store.remove_expired(later(59)).await.unwrap(), 0);

    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), Some(session));
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
}

async fn an_ended_login_session_is_removed(database: &Database) {
    let store = database.open().await;
    let session = login_session("cookie", &add_alice(&*store).await);
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    assert_eq!(store.remove_expired(later(60)).await.unwrap(), 1);
    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), None);
}

async fn b01_a_code_stays_for_a_day_after_its_end(database: &Database) {
    let store = database.open().await;
    let code = code("code", &add_alice(&*store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);

    let a_day_later = NOW.after(MINUTE + DAY);
    assert_eq!(store.remove_expired(later(60 + 86_399)).await.unwrap(), 0);
    let redemption = store
        .redeem_code(&change_at(&acme(), a_day_later), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Replayed);

    // The code, and the grant that nothing else belongs to.
    store.remove_expired(a_day_later).await.unwrap();
    let found = store.find_code(&acme(), &code.digest).await.unwrap();
    assert_eq!(found, None);
    let found = store.find_grant(&acme(), &code.grant.id).await.unwrap();
    assert_eq!(found, None);
}

async fn a_family_is_removed_with_its_last_token(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let mut rotation = rotation("first", "second", &family);
    rotation.successor.expires_at = NOW.after(DAY * 60);
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation)
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);

    // The code and the first token.
    let removed = store.remove_expired(NOW.after(DAY * 30)).await;
    assert_eq!(removed.unwrap(), 2);
    let found = store.find_refresh_token(&acme(), &digest("second")).await;
    assert!(found.unwrap().is_some());
    // The second token and the grant.
    let removed = store.remove_expired(NOW.after(DAY * 60)).await;
    assert_eq!(removed.unwrap(), 2);
    let found = store.find_refresh_token(&acme(), &digest("second")).await;
    assert_eq!(found.unwrap(), None);
}

async fn b12_a_consumed_token_stays_until_it_expires(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);
    store.remove_expired(NOW.after(DAY * 29)).await.unwrap();

    let mut reuse = rotation("first", "stolen", &family);
    reuse.now = NOW.after(DAY * 29);
    let outcome = store.rotate_refresh_token(&change(&acme()), &reuse).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Reused);
}

async fn replicas_may_remove_at_the_same_time(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    let alice = add_alice(&**store).await;
    for number in 0..50 {
        let code = code(&format!("code {number}"), &alice);
        store
            .issue_code(&change(&acme()), &code, true)
            .await
            .unwrap();
        let token = refresh_token(&format!("token {number}"), &code.grant.id);
        let redemption = store
            .redeem_code(&change(&acme()), &code.digest, Some(&token))
            .await;
        redemption.unwrap();
    }
    let end = NOW.after(DAY * 60);
    let removed = race(&replicas, 8, |store, _| async move {
        store.remove_expired(end).await.unwrap()
    })
    .await;
    // What one left to another may have kept a grant, which goes the next time.
    let rest = store.remove_expired(end).await.unwrap();
    assert_eq!(removed.iter().sum::<u64>() + rest, 150);
}
