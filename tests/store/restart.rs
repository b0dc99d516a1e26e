//! What was stored is there after a restart.

use gatehouse::store::{CodeRedemption, Rotation, RotationOutcome};

use crate::database::{Database, contract};
use crate::fixtures::{
    GRACE, NOW, acme, begin_family, change, client, code, digest, later, login_session, rotation,
    salt, signing_key, user,
};

contract! {
    everything_is_there_after_a_restart,
    b14_what_was_spent_before_a_restart_stays_spent,
}

async fn everything_is_there_after_a_restart(database: &Database) {
    let (alice, client) = (user("alice"), client("client"));
    let (session, code) = (login_session("cookie", &alice), code("unspent", &alice));
    let before = database.open().await;
    let family = begin_family(&*before).await;
    before
        .register_client(&change(&acme()), &client)
        .await
        .unwrap();
    before
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    before
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();
    before
        .ensure_signing_key(&change(&acme()), &signing_key("key"))
        .await
        .unwrap();
    drop(before);

    let store = database.open().await;
    let found = store.find_client(&acme(), &client.id).await;
    assert_eq!(found.unwrap(), Some(client));
    assert_eq!(store.list_users(&acme()).await.unwrap(), vec![alice]);
    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), Some(session));
    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
    let keys = store.list_signing_keys(&acme()).await.unwrap();
    let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["key"]);
}

async fn b14_what_was_spent_before_a_restart_stays_spent(database: &Database) {
    let before = database.open().await;
    let family = begin_family(&*before).await;
    let rotated = before
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);
    drop(before);

    let store = database.open().await;
    let retry = Rotation {
        now: later(1),
        ..rotation("first", "other second", &family)
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &retry).await;
    let salt = salt("second");
    assert_eq!(outcome.unwrap(), RotationOutcome::Repeated { salt });
    let reuse = Rotation {
        now: NOW.after(GRACE),
        ..retry
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &reuse).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Reused);
    let redemption = store
        .redeem_code(&change(&acme()), &digest("code"), None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Replayed);
    drop(store);

    let store = database.open().await;
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("second", "third", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
}
