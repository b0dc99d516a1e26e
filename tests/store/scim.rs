//! People and groups that an identity provider keeps here.

use std::collections::{BTreeMap, BTreeSet};

use gatehouse::model::{
    ExternalIdentity, GroupChange, ProvisionedGroup, ProvisionedUser, ProvisioningProvider,
    ProvisioningSettings, ProvisioningSubject, Revoked, Timestamp, UserChange, UserId,
};
use gatehouse::store::{GroupChanges, Store, StoreError, UserChanges};

use crate::audit::read_all;
use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, change, code, digest, login_session, race, tenant, user};

contract! {
    whoever_is_disabled_loses_sessions_and_grants,
    j07_whoever_signed_in_before_keeps_their_account_by_identity_alone,
    b13_members_that_are_added_at_once_are_all_there,
    a_lost_role_ends_access_tokens,
    h08_what_a_provider_changes_leaves_its_entry,
}

fn settings() -> ProvisioningSettings {
    ProvisioningSettings {
        token: None,
        provider: Some(ProvisioningProvider {
            name: "sso".to_owned(),
            issuer: "https://idp.example.com".to_owned(),
            subject: ProvisioningSubject::ExternalId,
        }),
        roles: BTreeMap::from([("Admins".to_owned(), "admin".to_owned())]),
        default_role: Some("member".to_owned()),
    }
}

fn person(name: &str) -> ProvisionedUser {
    ProvisionedUser {
        id: UserId::new(format!("id-of-{name}")),
        user_name: name.to_owned(),
        external_id: Some(format!("key-of-{name}")),
        formatted_name: None,
        given_name: None,
        family_name: None,
        display_name: None,
        email: Some("alice@example.com".to_owned()),
        active: true,
        created_at: NOW,
        changed_at: NOW,
    }
}

async fn add_group(store: &dyn Store) -> ProvisionedGroup {
    let group = ProvisionedGroup {
        id: "group".to_owned(),
        display_name: "Admins".to_owned(),
        external_id: None,
        members: BTreeSet::new(),
        created_at: NOW,
        changed_at: NOW,
    };
    let added = store
        .add_provisioned_group(&change(&acme()), &group, &settings())
        .await;
    added.unwrap()
}

async fn change_group(store: &dyn Store, asked: GroupChange) -> ProvisionedGroup {
    let (changes, settings) = ([asked], settings());
    let changes = GroupChanges {
        changes: &changes,
        settings: &settings,
    };
    let outcome = store
        .change_provisioned_group(&change(&acme()), "group", changes)
        .await;
    outcome.unwrap().unwrap()
}

async fn whoever_is_disabled_loses_sessions_and_grants(database: &Database) {
    let store = database.open().await;
    let (alice, settings) = (person("alice"), settings());
    let added = store
        .provision_user(&change(&acme()), &alice, &settings)
        .await;
    assert_eq!(added.unwrap(), alice);
    let account = user("alice");
    let (session, code) = (login_session("cookie", &account), code("code", &account));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    store
        .issue_code(&change(&acme()), &code, false)
        .await
        .unwrap();

    let changes = UserChanges {
        changes: &[UserChange::Active(false)],
        settings: &settings,
    };
    let elsewhere = store
        .change_provisioned_user(&change(&tenant("globex")), &alice.id, changes)
        .await;
    assert_eq!(elsewhere.unwrap(), None);
    let outcome = store
        .change_provisioned_user(&change(&acme()), &alice.id, changes)
        .await;
    assert!(!outcome.unwrap().unwrap().active);

    let found = store
        .find_login_session(&acme(), &session.digest, NOW)
        .await;
    assert_eq!(found.unwrap(), None);
    let grant = store.find_grant(&acme(), &code.grant.id).await.unwrap();
    assert_eq!(grant.unwrap().revoked_at, Some(NOW));
    let noted = store.list_revocations(Timestamp::from_seconds(0)).await;
    let noted: Vec<Revoked> = noted.unwrap().into_iter().map(|it| it.subject).collect();
    assert!(noted.contains(&Revoked::User(alice.id.clone())));

    assert!(
        !store
            .remove_provisioned_user(&change(&tenant("globex")), &alice.id)
            .await
            .unwrap()
    );
    assert!(
        store
            .remove_provisioned_user(&change(&acme()), &alice.id)
            .await
            .unwrap()
    );
    assert_eq!(store.find_user(&acme(), &alice.id).await.unwrap(), None);
}

async fn j07_whoever_signed_in_before_keeps_their_account_by_identity_alone(database: &Database) {
    let store = database.open().await;
    let mut known = user("known");
    known.password = None;
    known.identity = Some(ExternalIdentity {
        provider: "sso".to_owned(),
        issuer: "https://idp.example.com".to_owned(),
        subject: "key-of-alice".to_owned(),
    });
    let mut namesake = user("namesake");
    namesake.email = Some("alice@example.com".to_owned());
    for account in [&known, &namesake] {
        store.add_user(&change(&acme()), account).await.unwrap();
    }

    let added = store
        .provision_user(&change(&acme()), &person("alice"), &settings())
        .await;
    assert_eq!(added.unwrap().id, known.id);
    // A local account is nobody's to take over, whatever it is called.
    let taken = store
        .provision_user(&change(&acme()), &person("namesake"), &settings())
        .await;
    assert!(matches!(taken, Err(StoreError::Conflict)));
    let untouched = store.find_user_by_name(&acme(), "namesake").await;
    assert_eq!(untouched.unwrap(), Some(namesake));
    assert!(
        !store
            .remove_provisioned_user(&change(&acme()), &user("namesake").id)
            .await
            .unwrap()
    );
}

async fn b13_members_that_are_added_at_once_are_all_there(database: &Database) {
    let store = database.open().await;
    add_group(&*store).await;
    let mut ids = BTreeSet::new();
    for number in 0..8 {
        let person = person(&format!("person{number}"));
        store
            .provision_user(&change(&acme()), &person, &settings())
            .await
            .unwrap();
        ids.insert(person.id);
    }
    let all: Vec<UserId> = ids.iter().cloned().collect();
    let replicas = [store, database.open().await];
    race(&replicas, 8, |store, number| {
        let id = all[number].clone();
        async move { change_group(&*store, GroupChange::Add([id].into())).await }
    })
    .await;
    let store = database.open().await;
    let group = store.find_provisioned_group(&acme(), "group").await;
    assert_eq!(group.unwrap().unwrap().members, ids);
}

async fn a_lost_role_ends_access_tokens(database: &Database) {
    let store = database.open().await;
    let alice = person("alice");
    store
        .provision_user(&change(&acme()), &alice, &settings())
        .await
        .unwrap();
    add_group(&*store).await;
    let roles = async || {
        let user = store.find_user(&acme(), &alice.id).await.unwrap().unwrap();
        user.roles.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(roles().await, ["member"]);
    change_group(&*store, GroupChange::Add([alice.id.clone()].into())).await;
    assert_eq!(roles().await, ["admin", "member"]);
    let ever = Timestamp::from_seconds(0);
    assert_eq!(store.list_revocations(ever).await.unwrap(), []);
    let removed = store
        .remove_provisioned_group(&change(&acme()), "group", &settings())
        .await;
    assert!(removed.unwrap());
    assert_eq!(roles().await, ["member"]);
    let noted = store.list_revocations(ever).await.unwrap();
    assert_eq!(noted[0].subject, Revoked::User(alice.id.clone()));
}

async fn h08_what_a_provider_changes_leaves_its_entry(database: &Database) {
    let (store, by) = (database.open().await, change(&acme()));
    let (alice, settings) = (person("alice"), settings());
    store.add_scim_token(&by, &digest("token")).await.unwrap();
    let added = store.provision_user(&by, &alice, &settings).await;
    added.unwrap();
    add_group(&*store).await;
    change_group(&*store, GroupChange::Add([alice.id.clone()].into())).await;
    change_group(&*store, GroupChange::Members(BTreeSet::new())).await;
    for active in [false, true] {
        let changes = UserChanges {
            changes: &[UserChange::Active(active)],
            settings: &settings,
        };
        let outcome = store.change_provisioned_user(&by, &alice.id, changes);
        outcome.await.unwrap();
    }
    let removed = store.remove_provisioned_group(&by, "group", &settings);
    assert!(removed.await.unwrap());
    for there in [true, false] {
        let removed = store.remove_provisioned_user(&by, &alice.id).await;
        assert_eq!(removed.unwrap(), there);
    }
    for count in [1, 0] {
        assert_eq!(store.remove_scim_tokens(&by).await.unwrap(), count);
    }

    store.chain_audit(&acme(), &[]).await.unwrap();
    let entries = read_all(&*store, &acme()).await;
    let told: Vec<&str> = entries.iter().map(|one| &*one.entry.event).collect();
    let expected = [
        "provisioning.token_issued",
        "user.added",
        "user.roles_assigned",
        "group.added",
        "group.changed",
        "group.member_added",
        "user.roles_assigned",
        "group.changed",
        "group.member_removed",
        "user.roles_assigned",
        "user.changed",
        "user.disabled",
        "user.changed",
        "user.enabled",
        "group.removed",
        "user.removed",
        "provisioning.tokens_revoked",
    ];
    assert_eq!(told, expected);
}
