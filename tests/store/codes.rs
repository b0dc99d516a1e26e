//! Authorization codes: issued whole, redeemed once.

use gatehouse::model::{AuthorizationCode, UserId};
use gatehouse::store::{CodeRedemption, RotationOutcome, StoreError};

use crate::database::{Database, contract};
use crate::fixtures::{
    NOW, acme, add_alice, change, change_at, code, digest, later, race, refresh_token, revoked_at,
    rotation, user,
};

contract! {
    a_code_is_found_as_it_was_issued,
    a_code_is_issued_with_its_grant_or_not_at_all,
    a_code_of_an_unknown_account_is_not_issued,
    b01_a_replayed_code_revokes_the_grant_and_its_refresh_tokens,
    b01_a_replay_is_recognised_after_the_code_has_expired,
    b02_of_fifty_parallel_redemptions_one_succeeds,
    a_code_is_refused_from_its_expiry_on,
    a_code_of_a_revoked_grant_is_refused,
    an_unknown_code_is_refused,
    a_code_whose_redemption_failed_can_be_redeemed,
}

async fn a_code_is_found_as_it_was_issued(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let code = code("code", &alice);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let expected = (code.clone(), alice);
    for _ in 0..2 {
        let found = store.find_code(&acme(), &code.digest).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        let redemption = store
            .redeem_code(&change(&acme()), &code.digest, None)
            .await;
        redemption.unwrap();
    }
    let found = store.find_code(&acme(), &code.digest).await.unwrap();
    assert_eq!(found.unwrap().0.grant.revoked_at, Some(NOW));
}

async fn a_code_is_issued_with_its_grant_or_not_at_all(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    store
        .issue_code(&change(&acme()), &code("one", &alice), true)
        .await
        .unwrap();

    let same_digest = AuthorizationCode {
        digest: digest("one"),
        ..code("two", &alice)
    };
    let refused = store.issue_code(&change(&acme()), &same_digest, true).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    // The grant that came with it is not there either.
    store
        .issue_code(&change(&acme()), &code("two", &alice), true)
        .await
        .unwrap();

    let same_grant = AuthorizationCode {
        digest: digest("three"),
        ..code("one", &alice)
    };
    let refused = store.issue_code(&change(&acme()), &same_grant, true).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let found = store.find_code(&acme(), &digest("three")).await.unwrap();
    assert_eq!(found, None);
}

async fn a_code_of_an_unknown_account_is_not_issued(database: &Database) {
    let store = database.open().await;
    let mut code = code("code", &user("nobody"));
    code.grant.user = UserId::new("nobody");
    let refused = store.issue_code(&change(&acme()), &code, true).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    let found = store.find_code(&acme(), &code.digest).await.unwrap();
    assert_eq!(found, None);
}

async fn b01_a_replayed_code_revokes_the_grant_and_its_refresh_tokens(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let code = code("code", &alice);
    let grant = &code.grant.id;
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();

    let first = refresh_token("first", grant);
    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, Some(&first))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
    let found = store.find_refresh_token(&acme(), &first.digest).await;
    assert_eq!(found.unwrap(), Some((first, code.grant.clone(), alice)));
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", grant))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);

    let replay = refresh_token("replay", grant);
    let redemption = store
        .redeem_code(&change_at(&acme(), later(1)), &code.digest, Some(&replay))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Replayed);
    assert_eq!(revoked_at(&*store, "second").await, Some(later(1)));
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("second", "third", grant))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    let found = store.find_refresh_token(&acme(), &replay.digest).await;
    assert_eq!(found.unwrap(), None);

    // Once more is a replay as well, and changes nothing.
    let redemption = store
        .redeem_code(&change_at(&acme(), later(2)), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Replayed);
    assert_eq!(revoked_at(&*store, "second").await, Some(later(1)));
}

async fn b01_a_replay_is_recognised_after_the_code_has_expired(database: &Database) {
    let store = database.open().await;
    let code = code("code", &add_alice(&*store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let first = refresh_token("first", &code.grant.id);
    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, Some(&first))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);

    let redemption = store
        .redeem_code(&change_at(&acme(), later(3600)), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Replayed);
    assert_eq!(revoked_at(&*store, "first").await, Some(later(3600)));
}

async fn b02_of_fifty_parallel_redemptions_one_succeeds(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    let code = code("code", &add_alice(&**store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();

    let redemptions = race(&replicas, 50, |store, attempt| {
        let token = refresh_token(&format!("token {attempt}"), &code.grant.id);
        async move {
            let redemption = store
                .redeem_code(&change(&acme()), &digest("code"), Some(&token))
                .await;
            redemption.unwrap()
        }
    })
    .await;

    let mut stored = Vec::new();
    for attempt in 0..50 {
        let token = digest(&format!("token {attempt}"));
        let found = store.find_refresh_token(&acme(), &token).await.unwrap();
        stored.extend(found.map(|(_, grant, _)| (attempt, grant.revoked_at)));
    }
    let winner = redemptions
        .iter()
        .position(|redemption| *redemption == CodeRedemption::Redeemed)
        .unwrap();
    // The others are replays, so that the winner's token is stored, and revoked.
    assert_eq!(stored, [(winner, Some(NOW))]);
    let replays = redemptions
        .iter()
        .filter(|redemption| **redemption == CodeRedemption::Replayed);
    assert_eq!(replays.count(), 49);
}

async fn a_code_is_refused_from_its_expiry_on(database: &Database) {
    let store = database.open().await;
    let code = code("code", &add_alice(&*store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let first = refresh_token("first", &code.grant.id);

    let redemption = store
        .redeem_code(&change_at(&acme(), later(60)), &code.digest, Some(&first))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Refused);
    let found = store.find_refresh_token(&acme(), &first.digest).await;
    assert_eq!(found.unwrap(), None);

    // A refusal spends nothing: by a clock that is a second behind, it is still good.
    let redemption = store
        .redeem_code(&change_at(&acme(), later(59)), &code.digest, Some(&first))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
}

async fn a_code_of_a_revoked_grant_is_refused(database: &Database) {
    let store = database.open().await;
    let code = code("code", &add_alice(&*store).await);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    let revoked = store.revoke_grant(&change(&acme()), &code.grant.id).await;
    assert!(revoked.unwrap());

    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Refused);
}

async fn an_unknown_code_is_refused(database: &Database) {
    let store = database.open().await;
    let redemption = store
        .redeem_code(&change(&acme()), &digest("unknown"), None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Refused);
}

async fn a_code_whose_redemption_failed_can_be_redeemed(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let (one, two) = (code("one", &alice), code("two", &alice));
    let token = refresh_token("token", &one.grant.id);
    for code in [&one, &two] {
        store
            .issue_code(&change(&acme()), code, true)
            .await
            .unwrap();
    }
    let redemption = store
        .redeem_code(&change(&acme()), &one.digest, Some(&token))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);

    // The refresh token is taken, which shows after the code was marked.
    let failed = store
        .redeem_code(&change(&acme()), &two.digest, Some(&token))
        .await;
    assert!(matches!(failed, Err(StoreError::Conflict)));
    let redemption = store.redeem_code(&change(&acme()), &two.digest, None).await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
}
