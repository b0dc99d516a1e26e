//! People who sign in elsewhere, their providers' tokens, and how often a password is tried.

use std::sync::Arc;
use std::time::Duration;

use gatehouse::model::{ExternalIdentity, LoginSession, Timestamp, User};
use gatehouse::store::{
    AttemptBound, EndedElsewhere, ProviderLease, ProviderTokenOutcome, SignedOut,
};

use crate::database::{Database, contract};
use crate::fixtures::{NOW, acme, begin_family, change, digest, login_session, race, tenant, user};

contract! {
    what_a_provider_says_replaces_what_it_said_before,
    a_providers_token_is_with_one_replica_at_a_time,
    a_providers_token_that_was_refused_stays_so_until_the_next_sign_in,
    a_session_that_ended_elsewhere_ends_alone,
    a_person_who_left_elsewhere_loses_sessions_and_grants,
    a_person_is_signed_out_everywhere,
    attempts_are_bounded_within_their_time,
    of_many_attempts_at_once_as_many_count_as_may,
}

const ISSUER: &str = "https://idp.example.com";

fn later() -> Timestamp {
    NOW.after(Duration::from_mins(1))
}

fn federated(name: &str) -> User {
    User {
        password: None,
        identity: Some(ExternalIdentity {
            provider: "corp".to_owned(),
            issuer: ISSUER.to_owned(),
            subject: format!("subject of {name}"),
        }),
        ..user(name)
    }
}

fn session(name: &str, user: &User, provider_session: &str) -> LoginSession {
    LoginSession {
        issuer: Some(ISSUER.to_owned()),
        provider_session: Some(provider_session.to_owned()),
        ..login_session(name, user)
    }
}

async fn what_a_provider_says_replaces_what_it_said_before(database: &Database) {
    let store = database.open().await;
    let before = User {
        disabled: true,
        ..federated("alice")
    };
    store.add_user(&change(&acme()), &before).await.unwrap();
    store
        .add_user(&change(&tenant("globex")), &before)
        .await
        .unwrap();
    let after = User {
        roles: ["admin".to_owned()].into(),
        email: Some("alice@example.com".to_owned()),
        display_name: Some("Alice".to_owned()),
        groups: Some(gatehouse::model::GroupSnapshot {
            groups: ["staff".to_owned()].into(),
            taken_at: NOW,
        }),
        ..before.clone()
    };
    store.update_person(&acme(), &after).await.unwrap();
    let found = store.find_user(&acme(), &after.id).await;
    assert_eq!(found.unwrap(), Some(after));
    let other = store.find_user(&tenant("globex"), &before.id).await;
    assert_eq!(other.unwrap(), Some(before));
}

async fn a_providers_token_is_with_one_replica_at_a_time(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let store = &stores[0];
    let alice = federated("alice");
    store.add_user(&change(&acme()), &alice).await.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::None);
    let keep = store
        .keep_provider_token(&acme(), &alice.id, Some(b"one"))
        .await;
    keep.unwrap();
    let leases = race(&stores, 8, |store: Arc<dyn gatehouse::store::Store>, _| {
        let id = alice.id.clone();
        async move {
            let lease = store
                .lease_provider_token(&acme(), &id, (NOW, later()))
                .await;
            lease.unwrap()
        }
    })
    .await;
    let granted = ProviderLease::Leased(b"one".to_vec());
    assert_eq!(leases.iter().filter(|lease| **lease == granted).count(), 1);
    let busy = leases.iter().filter(|lease| **lease == ProviderLease::Busy);
    assert_eq!(busy.count(), 7);
    // A replica that is gone keeps it for no longer than that.
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (later(), later()))
        .await;
    assert_eq!(lease.unwrap(), granted);
    let renewed = ProviderTokenOutcome::Renewed(b"two");
    let back = store
        .return_provider_token(&acme(), &alice.id, renewed)
        .await;
    back.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
    let kept = ProviderTokenOutcome::Kept;
    let back = store.return_provider_token(&acme(), &alice.id, kept).await;
    back.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
}

async fn a_providers_token_that_was_refused_stays_so_until_the_next_sign_in(database: &Database) {
    let store = database.open().await;
    let alice = federated("alice");
    store.add_user(&change(&acme()), &alice).await.unwrap();
    let keep = store
        .keep_provider_token(&acme(), &alice.id, Some(b"one"))
        .await;
    keep.unwrap();
    let refused = ProviderTokenOutcome::Refused;
    let back = store
        .return_provider_token(&acme(), &alice.id, refused)
        .await;
    back.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Ended);
    let keep = store
        .keep_provider_token(&acme(), &alice.id, Some(b"two"))
        .await;
    keep.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::Leased(b"two".to_vec()));
    let keep = store.keep_provider_token(&acme(), &alice.id, None).await;
    keep.unwrap();
    let lease = store
        .lease_provider_token(&acme(), &alice.id, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::None);
}

async fn a_session_that_ended_elsewhere_ends_alone(database: &Database) {
    let store = database.open().await;
    let alice = federated("alice");
    store.add_user(&change(&acme()), &alice).await.unwrap();
    for (name, there) in [("one", "s1"), ("two", "s2")] {
        let session = session(name, &alice, there);
        store
            .start_login_session(&change(&acme()), &session)
            .await
            .unwrap();
    }
    let ended = EndedElsewhere {
        issuer: ISSUER,
        subject: Some("subject of alice"),
        session: Some("s1"),
        grants: false,
    };
    let elsewhere = EndedElsewhere {
        issuer: "https://other.example.com",
        ..ended
    };
    let nothing = store
        .end_provider_sessions(&change(&acme()), &elsewhere)
        .await;
    assert_eq!(nothing.unwrap(), SignedOut::default());
    let other = store
        .end_provider_sessions(&change(&tenant("globex")), &ended)
        .await;
    assert_eq!(other.unwrap(), SignedOut::default());
    let one = store
        .end_provider_sessions(&change(&acme()), &ended)
        .await
        .unwrap();
    assert_eq!((one.sessions, one.grants), (1, 0));
    let gone = store.find_login_session(&acme(), &digest("one"), NOW).await;
    assert_eq!(gone.unwrap(), None);
    let left = store.find_login_session(&acme(), &digest("two"), NOW).await;
    let left = left.unwrap().unwrap();
    assert_eq!(left.provider_session.as_deref(), Some("s2"));
}

async fn a_person_who_left_elsewhere_loses_sessions_and_grants(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    database.federate("id-of-alice", ISSUER).await;
    let alice = store.find_user_by_name(&acme(), "alice").await.unwrap();
    let alice = alice.unwrap();
    for (name, there) in [("one", "s1"), ("two", "s2")] {
        let session = session(name, &alice, there);
        store
            .start_login_session(&change(&acme()), &session)
            .await
            .unwrap();
    }
    let ended = EndedElsewhere {
        issuer: ISSUER,
        subject: Some("subject"),
        session: None,
        grants: true,
    };
    let all = store
        .end_provider_sessions(&change(&acme()), &ended)
        .await
        .unwrap();
    assert_eq!((all.sessions, all.grants), (2, 1));
}

async fn a_person_is_signed_out_everywhere(database: &Database) {
    let store = database.open().await;
    begin_family(&*store).await;
    let session = login_session("cookie", &user("alice"));
    store
        .start_login_session(&change(&acme()), &session)
        .await
        .unwrap();
    let alice = user("alice").id;
    let keep = store
        .keep_provider_token(&acme(), &alice, Some(b"one"))
        .await;
    keep.unwrap();
    let other = store
        .sign_out_everywhere(&change(&tenant("globex")), &alice)
        .await;
    assert_eq!(other.unwrap(), SignedOut::default());
    let ended = store.sign_out_everywhere(&change(&acme()), &alice).await;
    let ended = ended.unwrap();
    assert_eq!((ended.sessions, ended.grants), (1, 1));
    let lease = store
        .lease_provider_token(&acme(), &alice, (NOW, later()))
        .await;
    assert_eq!(lease.unwrap(), ProviderLease::None);
    let again = store.sign_out_everywhere(&change(&acme()), &alice).await;
    assert_eq!(again.unwrap(), SignedOut::default());
}

fn bound(now: Timestamp) -> AttemptBound {
    AttemptBound {
        most: 3,
        window: Duration::from_mins(1),
        now,
    }
}

async fn attempts_are_bounded_within_their_time(database: &Database) {
    let store = database.open().await;
    let account = digest("account");
    for _ in 0..3 {
        let admitted = store.admit_sign_in(&acme(), &account, bound(NOW)).await;
        assert_eq!(admitted.unwrap(), None);
    }
    let refused = store.admit_sign_in(&acme(), &account, bound(NOW)).await;
    assert_eq!(refused.unwrap(), Some(later()));
    for (tenant, account) in [(tenant("globex"), &account), (acme(), &digest("another"))] {
        let admitted = store.admit_sign_in(&tenant, account, bound(NOW)).await;
        assert_eq!(admitted.unwrap(), None);
    }
    let admitted = store.admit_sign_in(&acme(), &account, bound(later())).await;
    assert_eq!(admitted.unwrap(), None);
    store.forget_sign_ins(&acme(), &account).await.unwrap();
    assert_eq!(database.count("sign_in_attempts", "acme").await, 1);
    store.remove_expired(later()).await.unwrap();
    assert_eq!(database.count("sign_in_attempts", "acme").await, 0);
}

async fn of_many_attempts_at_once_as_many_count_as_may(database: &Database) {
    let stores = [database.open().await, database.open().await];
    let answers = race(
        &stores,
        12,
        |store: Arc<dyn gatehouse::store::Store>, _| async move {
            let account = digest("account");
            let admitted = store.admit_sign_in(&acme(), &account, bound(NOW)).await;
            admitted.unwrap()
        },
    )
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 3);
}

impl Database {
    /// Gives an account an identity, as if it had always had it.
    async fn federate(&self, id: &str, issuer: &str) {
        let sql = format!(
            "UPDATE users SET provider = 'corp', issuer = '{issuer}', subject = 'subject'
             WHERE id = '{id}'"
        );
        self.run(sql).await;
    }
}
