//! What belongs to one tenant doesn't exist for another one.

use gatehouse::store::{CodeRedemption, RotationOutcome};

use crate::database::{Database, contract};
use crate::fixtures::{
    NOW, acme, begin_family, change, client, code, digest, login_session, revoked_at, rotation,
    signing_key, tenant, user,
};

contract! {
    what_one_tenant_has_is_not_found_under_another_one,
    b18_another_tenant_can_neither_spend_nor_revoke,
    two_tenants_may_use_the_same_names,
}

async fn what_one_tenant_has_is_not_found_under_another_one(database: &Database) {
    let (store, globex) = (database.open().await, tenant("globex"));
    begin_family(&*store).await;
    let (client, session) = (client("client"), login_session("cookie", &user("alice")));
    store
        .register_client(&change(&acme()), &client)
        .await
        .unwrap();
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    store
        .ensure_signing_key(&change(&acme()), &signing_key("key"))
        .await
        .unwrap();

    let found = store.find_client(&globex, &client.id).await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_user_by_name(&globex, "alice").await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_user(&globex, &user("alice").id).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(store.list_users(&globex).await.unwrap(), vec![]);
    let found = store
        .find_login_session(&globex, &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_code(&globex, &digest("code")).await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_refresh_token(&globex, &digest("first")).await;
    assert_eq!(found.unwrap(), None);
    assert!(store.list_signing_keys(&globex).await.unwrap().is_empty());
}

async fn b18_another_tenant_can_neither_spend_nor_revoke(database: &Database) {
    let (store, globex) = (database.open().await, tenant("globex"));
    let family = begin_family(&*store).await;
    let (alice, session) = (user("alice"), login_session("cookie", &user("alice")));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    let unspent = code("unspent", &alice);
    store
        .issue_code(&change(&acme()), &unspent, true)
        .await
        .unwrap();

    // The second one was redeemed by its owner, and is no replay here.
    for name in ["unspent", "code"] {
        let redemption = store
            .redeem_code(&change(&globex), &digest(name), None)
            .await;
        assert_eq!(redemption.unwrap(), CodeRedemption::Refused);
    }
    let outcome = store
        .rotate_refresh_token(&change(&globex), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    assert!(!store.revoke_grant(&change(&globex), &family).await.unwrap());
    assert!(!store.remove_user(&change(&globex), "alice").await.unwrap());
    let ended = store
        .end_login_session(&change(&globex), &session.digest)
        .await;
    ended.unwrap();

    assert_eq!(revoked_at(&*store, "first").await, None);
    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), Some(session));
    let redemption = store
        .redeem_code(&change(&acme()), &unspent.digest, None)
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
}

async fn two_tenants_may_use_the_same_names(database: &Database) {
    let store = database.open().await;
    let (alice, client) = (user("alice"), client("client"));
    let (session, code) = (login_session("cookie", &alice), code("code", &alice));
    let tenants = [acme(), tenant("globex")];
    for tenant in &tenants {
        store.add_user(&change(tenant), &alice).await.unwrap();
        store
            .register_client(&change(tenant), &client)
            .await
            .unwrap();
        store
            .start_login_session(&change(tenant), &session)
            .await
            .unwrap();
        store
            .issue_code(&change(tenant), &code, true)
            .await
            .unwrap();
    }

    assert!(store.remove_user(&change(&acme()), "alice").await.unwrap());

    let [_, globex] = &tenants;
    let found = store.find_login_session(globex, &session.digest, NOW).await;
    assert_eq!(found.unwrap(), Some(session));
    let redemption = store.redeem_code(&change(globex), &code.digest, None).await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
}
