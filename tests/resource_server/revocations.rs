//! Tokens whose grant, person or client was revoked since.

use std::sync::Arc;

use gatehouse::jose::AccessTokenClaims;
use gatehouse::model::{Change, ClientId, GrantId, PasswordHash, Timestamp, User, UserId};
use gatehouse::resource_server::InvalidAccessToken;
use gatehouse::store::{self, ConnectOptions, Store};

use crate::support::World;

type Database = Arc<dyn Store>;

fn alice() -> User {
    User::local(
        UserId::new("alice"),
        "alice",
        ["member".to_owned()].into(),
        PasswordHash::new(String::new()),
        Timestamp::from_seconds(0),
    )
}

/// A database where `alice` was disabled a moment ago at the first tenant.
async fn disabled(world: &World) -> Database {
    let store = store::connect("sqlite::memory:", &ConnectOptions::default()).await;
    let store = store.unwrap();
    let change = Change::by_system(&world.tenant.slug, Timestamp::from_seconds(0));
    store.add_user(&change, &alice()).await.unwrap();
    store
        .set_user_disabled(&change, "alice", true)
        .await
        .unwrap();
    store
}

fn verify(world: &World, claims: &AccessTokenClaims) -> Option<InvalidAccessToken> {
    let token = world.sign(claims);
    let verified = world.tokens.verify(&world.tenant, token.expose());
    verified.err()
}

/// Claims that are older than every revocation.
fn old(world: &World) -> AccessTokenClaims {
    AccessTokenClaims {
        iat: Timestamp::from_seconds(0),
        ..world.claims()
    }
}

#[tokio::test]
async fn b24_a_remembered_token_ends_with_its_person() {
    let world = World::new();
    let store = disabled(&world).await;
    let token = world.sign(&old(&world));
    world.tokens.verify(&world.tenant, token.expose()).unwrap();
    world.revocations.refresh(&*store).await.unwrap();
    let outcome = world.tokens.verify(&world.tenant, token.expose());
    assert_eq!(outcome.err(), Some(InvalidAccessToken::Revoked));
}

#[tokio::test]
async fn b24_a_token_that_was_never_seen_ends_with_its_person() {
    let world = World::new();
    let store = disabled(&world).await;
    world.revocations.refresh(&*store).await.unwrap();
    assert_eq!(
        verify(&world, &old(&world)),
        Some(InvalidAccessToken::Revoked)
    );
    // Reading again, all or the latest, forgets nothing.
    for _ in 0..130 {
        world.revocations.refresh(&*store).await.unwrap();
        assert_eq!(
            verify(&world, &old(&world)),
            Some(InvalidAccessToken::Revoked)
        );
    }
}

#[tokio::test]
async fn tokens_of_others_and_later_ones_go_on() {
    let world = World::new();
    let store = disabled(&world).await;
    world.revocations.refresh(&*store).await.unwrap();
    // The clock of these tests is ahead of the database's: the token is younger.
    assert_eq!(verify(&world, &world.claims()), None);
    let other = AccessTokenClaims {
        sub: UserId::new("bob"),
        // Names of other kinds of things end nobody.
        client_id: ClientId::new("alice"),
        grant_id: Some(GrantId::new("alice")),
        ..old(&world)
    };
    assert_eq!(verify(&world, &other), None);
}
