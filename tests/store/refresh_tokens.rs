//! Refresh tokens: rotated once, answered again for a moment, the family revoked on reuse.

use std::time::Duration;

use gatehouse::model::GrantId;
use gatehouse::store::{Rotation, RotationOutcome, StoreError};

use crate::database::{Database, contract};
use crate::fixtures::{
    DAY, GRACE, NOW, acme, begin_family, change, digest, grant, later, race, refresh_token,
    revoked_at, rotation, salt, user,
};

contract! {
    a_rotated_token_has_a_successor_in_the_same_family,
    b12_reuse_after_the_grace_period_revokes_the_family,
    b12_without_a_grace_period_any_reuse_revokes_the_family,
    b12_reuse_is_recognised_after_the_token_has_expired,
    b13_of_fifty_parallel_rotations_one_succeeds_and_the_others_repeat_it,
    b15_a_rotation_is_repeated_within_the_grace_period,
    b18_a_rotation_into_another_grant_is_refused,
    a_token_is_refused_from_its_expiry_on,
    a_token_of_a_revoked_grant_is_refused,
    an_unknown_token_is_refused,
    a_token_whose_rotation_failed_can_be_rotated,
    only_a_token_that_could_be_exchanged_is_live,
}

async fn a_rotated_token_has_a_successor_in_the_same_family(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    for (presented, successor) in [("first", "second"), ("second", "third")] {
        let rotation = rotation(presented, successor, &family);
        let outcome = store
            .rotate_refresh_token(&change(&acme()), &rotation)
            .await;
        assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
    }
    for name in ["first", "second", "third"] {
        let found = store.find_refresh_token(&acme(), &digest(name)).await;
        let alice = user("alice");
        let grant = grant(family.as_str(), &alice);
        let expected = (refresh_token(name, &family), grant, alice);
        assert_eq!(found.unwrap(), Some(expected));
    }
}

async fn b12_reuse_after_the_grace_period_revokes_the_family(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);

    let reuse = Rotation {
        now: NOW.after(GRACE),
        ..rotation("first", "stolen", &family)
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &reuse).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Reused);
    assert_eq!(revoked_at(&*store, "second").await, Some(reuse.now));
    let found = store.find_refresh_token(&acme(), &digest("stolen")).await;
    assert_eq!(found.unwrap(), None);
    for token in ["first", "second"] {
        let rotation = rotation(token, "third", &family);
        let outcome = store
            .rotate_refresh_token(&change(&acme()), &rotation)
            .await;
        assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    }
}

async fn b12_without_a_grace_period_any_reuse_revokes_the_family(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let mut outcomes = Vec::new();
    for successor in ["second", "other second"] {
        let rotation = Rotation {
            grace: Duration::ZERO,
            ..rotation("first", successor, &family)
        };
        let outcome = store
            .rotate_refresh_token(&change(&acme()), &rotation)
            .await;
        outcomes.push(outcome.unwrap());
    }
    assert_eq!(
        outcomes,
        [RotationOutcome::Rotated, RotationOutcome::Reused]
    );
    assert_eq!(revoked_at(&*store, "second").await, Some(NOW));
}

async fn b12_reuse_is_recognised_after_the_token_has_expired(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);

    let reuse = Rotation {
        now: NOW.after(DAY * 31),
        ..rotation("first", "stolen", &family)
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &reuse).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Reused);
}

async fn b13_of_fifty_parallel_rotations_one_succeeds_and_the_others_repeat_it(
    database: &Database,
) {
    let replicas = [database.open().await, database.open().await];
    let [store, _] = &replicas;
    let family = begin_family(&**store).await;

    let outcomes = race(&replicas, 50, |store, attempt| {
        let rotation = rotation("first", &format!("successor {attempt}"), &family);
        async move {
            let outcome = store
                .rotate_refresh_token(&change(&acme()), &rotation)
                .await;
            outcome.unwrap()
        }
    })
    .await;

    let winner = outcomes
        .iter()
        .position(|outcome| *outcome == RotationOutcome::Rotated)
        .unwrap();
    let repeated = RotationOutcome::Repeated {
        salt: salt(&format!("successor {winner}")),
    };
    let losers = outcomes.iter().filter(|outcome| **outcome == repeated);
    assert_eq!(losers.count(), 49);
    for attempt in 0..50 {
        let successor = digest(&format!("successor {attempt}"));
        let found = store.find_refresh_token(&acme(), &successor).await.unwrap();
        assert_eq!(found.is_some(), attempt == winner, "{attempt}");
    }
    assert_eq!(revoked_at(&**store, "first").await, None);
}

async fn b15_a_rotation_is_repeated_within_the_grace_period(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);

    let retry = Rotation {
        now: later(29),
        ..rotation("first", "other second", &family)
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &retry).await;
    let salt = salt("second");
    assert_eq!(outcome.unwrap(), RotationOutcome::Repeated { salt });
    let found = store
        .find_refresh_token(&acme(), &digest("other second"))
        .await;
    assert_eq!(found.unwrap(), None);
    // The successor that both answers named works.
    let next = store
        .rotate_refresh_token(&change(&acme()), &rotation("second", "third", &family))
        .await;
    assert_eq!(next.unwrap(), RotationOutcome::Rotated);
}

async fn b18_a_rotation_into_another_grant_is_refused(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let foreign = rotation("first", "second", &GrantId::new("another-grant"));
    let outcome = store.rotate_refresh_token(&change(&acme()), &foreign).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    // The owner of the token isn't disturbed.
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
}

async fn a_token_is_refused_from_its_expiry_on(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let late = Rotation {
        now: NOW.after(DAY * 30),
        ..rotation("first", "second", &family)
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &late).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    assert_eq!(revoked_at(&*store, "first").await, None);
    let in_time = Rotation {
        now: later(30 * 24 * 60 * 60 - 1),
        ..late
    };
    let outcome = store.rotate_refresh_token(&change(&acme()), &in_time).await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
}

async fn a_token_of_a_revoked_grant_is_refused(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let rotated = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(rotated.unwrap(), RotationOutcome::Rotated);
    assert!(store.revoke_grant(&change(&acme()), &family).await.unwrap());
    // Neither rotated nor, within the grace period, repeated.
    for token in ["first", "second"] {
        let outcome = store
            .rotate_refresh_token(&change(&acme()), &rotation(token, "third", &family))
            .await;
        assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
    }
}

async fn an_unknown_token_is_refused(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("unknown", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Refused);
}

async fn a_token_whose_rotation_failed_can_be_rotated(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    // The successor is taken, which shows after the presented token was marked.
    let failed = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "first", &family))
        .await;
    assert!(matches!(failed, Err(StoreError::Conflict)));
    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
}

async fn only_a_token_that_could_be_exchanged_is_live(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let is_live = async |name: &str, now| {
        let found = store
            .find_live_refresh_token(&acme(), &digest(name), now)
            .await
            .unwrap();
        assert!(found.as_ref().is_none_or(|(_, grant)| grant.id == family));
        found.is_some()
    };
    assert!(is_live("first", NOW).await);
    assert!(!is_live("unknown", NOW).await);
    assert!(!is_live("first", NOW.after(DAY * 30)).await);

    let outcome = store
        .rotate_refresh_token(&change(&acme()), &rotation("first", "second", &family))
        .await;
    assert_eq!(outcome.unwrap(), RotationOutcome::Rotated);
    assert!(!is_live("first", NOW).await);
    assert!(is_live("second", NOW).await);

    store.revoke_grant(&change(&acme()), &family).await.unwrap();
    assert!(!is_live("second", NOW).await);
}
