//! Accounts, local ones and those of people who sign in elsewhere.

use gatehouse::model::{ExternalIdentity, GroupSnapshot, User, UserId};
use gatehouse::store::{CodeRedemption, RotationOutcome, StoreError};

use crate::database::{Database, contract};
use crate::fixtures::{
    NOW, acme, begin_family, change, code, digest, login_session, refresh_token, rotation, tenant,
    user,
};

contract! {
    an_account_is_found_by_name_and_by_identifier,
    a_user_name_is_taken_once,
    a_person_who_signs_in_elsewhere_is_found_by_issuer_and_subject,
    an_identity_belongs_to_one_account_of_a_tenant,
    j07_an_address_belongs_to_any_number_of_accounts,
    accounts_are_listed_by_name,
    a_removed_account_takes_its_sessions_and_grants_along,
    a_removed_account_leaves_those_of_others,
}

async fn an_account_is_found_by_name_and_by_identifier(database: &Database) {
    let store = database.open().await;
    let disabled = User {
        disabled: true,
        ..user("bob")
    };
    for user in [user("alice"), disabled] {
        store.add_user(&change(&acme()), &user).await.unwrap();
        let by_name = store.find_user_by_name(&acme(), &user.username).await;
        assert_eq!(by_name.unwrap().as_ref(), Some(&user));
        let by_identifier = store.find_user(&acme(), &user.id).await;
        assert_eq!(by_identifier.unwrap(), Some(user));
    }
    let by_name = store.find_user_by_name(&acme(), "ALICE").await;
    assert_eq!(by_name.unwrap(), None);
    let by_identifier = store.find_user(&acme(), &UserId::new("alice")).await;
    assert_eq!(by_identifier.unwrap(), None);
}

async fn a_user_name_is_taken_once(database: &Database) {
    let store = database.open().await;
    store
        .add_user(&change(&acme()), &user("alice"))
        .await
        .unwrap();
    let namesake = User {
        id: UserId::new("another-id"),
        ..user("alice")
    };
    let refused = store.add_user(&change(&acme()), &namesake).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(
        store.list_users(&acme()).await.unwrap(),
        vec![user("alice")]
    );
}

async fn a_person_who_signs_in_elsewhere_is_found_by_issuer_and_subject(database: &Database) {
    let store = database.open().await;
    let bare = User {
        groups: None,
        email: None,
        display_name: None,
        roles: [].into(),
        ..federated("bob", "2")
    };
    for user in [federated("alice", "1"), bare] {
        store.add_user(&change(&acme()), &user).await.unwrap();
        let identity = user.identity.as_ref().unwrap();
        let found = store
            .find_user_by_identity(&acme(), &identity.issuer, &identity.subject)
            .await;
        assert_eq!(found.unwrap().as_ref(), Some(&user));
        let found = store.find_user(&acme(), &user.id).await.unwrap();
        assert_eq!(found, Some(user));
    }
    for (slug, issuer, subject) in [
        (acme(), ISSUER, "3"),
        (acme(), "https://idp.example.com", "1"),
        (tenant("globex"), ISSUER, "1"),
    ] {
        let found = store.find_user_by_identity(&slug, issuer, subject);
        assert_eq!(found.await.unwrap(), None);
    }
}

async fn an_identity_belongs_to_one_account_of_a_tenant(database: &Database) {
    let store = database.open().await;
    let alice = federated("alice", "1");
    store.add_user(&change(&acme()), &alice).await.unwrap();
    let refused = store
        .add_user(&change(&acme()), &federated("bob", "1"))
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    store
        .add_user(&change(&tenant("globex")), &alice)
        .await
        .unwrap();
    // Local accounts have none, any number of them.
    store
        .add_user(&change(&acme()), &user("carol"))
        .await
        .unwrap();
    store
        .add_user(&change(&acme()), &user("dave"))
        .await
        .unwrap();
}

async fn j07_an_address_belongs_to_any_number_of_accounts(database: &Database) {
    let store = database.open().await;
    for (name, subject) in [("alice", "1"), ("another-alice", "2")] {
        let user = User {
            email: Some("alice@example.com".to_owned()),
            ..federated(name, subject)
        };
        store.add_user(&change(&acme()), &user).await.unwrap();
    }
}

const ISSUER: &str = "https://idp.example.com/";

fn federated(name: &str, subject: &str) -> User {
    User {
        password: None,
        identity: Some(ExternalIdentity {
            provider: "corp".to_owned(),
            issuer: ISSUER.to_owned(),
            subject: subject.to_owned(),
        }),
        roles: ["admin".to_owned(), "member".to_owned()].into(),
        email: Some(format!("{name}@example.com")),
        display_name: Some(name.to_uppercase()),
        groups: Some(GroupSnapshot {
            groups: ["/staff".to_owned(), "a, b".to_owned()].into(),
            taken_at: NOW,
        }),
        ..user(name)
    }
}

async fn accounts_are_listed_by_name(database: &Database) {
    let store = database.open().await;
    for name in ["émile", "bob", "Zoe", "alice"] {
        store.add_user(&change(&acme()), &user(name)).await.unwrap();
    }
    let users = store.list_users(&acme()).await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["Zoe", "alice", "bob", "émile"]);
}

async fn a_removed_account_takes_its_sessions_and_grants_along(database: &Database) {
    let store = database.open().await;
    let grant = begin_family(&*store).await;
    let session = login_session("cookie", &user("alice"));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();

    assert!(store.remove_user(&change(&acme()), "alice").await.unwrap());
    assert!(!store.remove_user(&change(&acme()), "alice").await.unwrap());

    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_code(&acme(), &digest("code")).await;
    assert_eq!(found.unwrap(), None);
    let found = store.find_refresh_token(&acme(), &digest("first")).await;
    assert_eq!(found.unwrap(), None);
    assert!(!store.revoke_grant(&change(&acme()), &grant).await.unwrap());
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &grant))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
}

async fn a_removed_account_leaves_those_of_others(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    let bob = user("bob");
    store.add_user(&change(&acme()), &bob).await.unwrap();
    let code = code("code of bob", &bob);
    store
        .issue_code(&change(&acme()), &code, true)
        .await
        .unwrap();

    assert!(store.remove_user(&change(&acme()), "alice").await.unwrap());

    let token = refresh_token("token of bob", &code.grant.id);
    let redemption = store
        .redeem_code(&change(&acme()), &code.digest, Some(&token))
        .await;
    assert_eq!(redemption.unwrap(), CodeRedemption::Redeemed);
    assert_eq!(store.list_users(&acme()).await.unwrap(), vec![bob]);
}
