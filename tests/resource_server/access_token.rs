//! Claims: what must hold beyond the signature.

use gatehouse::jose::AccessTokenClaims;
use gatehouse::model::{ClientId, Clock as _, Timestamp, UserId};
use gatehouse::resource_server::InvalidAccessToken;

use crate::support::{World, set};

/// The outcome for the good claims with one change.
fn refused(change: impl FnOnce(&World, &mut AccessTokenClaims)) -> Option<InvalidAccessToken> {
    let world = World::new();
    let mut claims = world.claims();
    change(&world, &mut claims);
    let token = world.sign(&claims);
    world.tokens.verify(&world.tenant, token.expose()).err()
}

#[test]
fn a_good_token_yields_its_principal_with_implied_scopes() {
    let world = World::new();
    let mut claims = world.claims();
    claims.scope = set("everything");
    let principal = world
        .tokens
        .verify(&world.tenant, world.sign(&claims).expose())
        .unwrap();
    assert_eq!(principal.user, UserId::new("alice"));
    assert_eq!(principal.client, ClientId::new("client"));
    assert_eq!(
        principal.scopes.to_string(),
        "everything mcp:tools metrics:read"
    );
}

#[test]
fn f04_another_audience_is_refused_however_alike() {
    for aud in [
        "https://one.example.com",
        "https://one.example.com/mcp/",
        "https://one.example.com/mcp2",
        "https://ONE.example.com/mcp",
        "https://two.example.com/mcp",
        "",
    ] {
        let outcome = refused(|_, claims| aud.clone_into(&mut claims.aud));
        assert_eq!(outcome, Some(InvalidAccessToken::Audience), "{aud}");
    }
}

#[test]
fn f05_another_issuer_is_refused() {
    for iss in ["https://one.example.com/", "https://two.example.com", ""] {
        let outcome = refused(|_, claims| iss.clone_into(&mut claims.iss));
        assert_eq!(outcome, Some(InvalidAccessToken::Issuer), "{iss}");
    }
}

#[test]
fn what_goes_on_for_long_is_not_trusted_beyond_its_token() {
    let world = World::new();
    let token = world.sign(&world.claims());
    let principal = world.tokens.verify(&world.tenant, token.expose()).unwrap();
    assert!(world.tokens.still_speaks_for(&principal));
    let left = principal.expires_at.since(world.clock.now()).as_secs();
    world.clock.advance(i64::try_from(left).unwrap());
    // A clock may be off by half a minute.
    assert!(world.tokens.still_speaks_for(&principal));
    world.clock.advance(30);
    assert!(!world.tokens.still_speaks_for(&principal));
}

#[test]
fn f06_a_token_ends_at_its_end() {
    let past = |world: &World, seconds: i64| {
        Timestamp::from_seconds(world.claims().iat.seconds() - seconds)
    };
    assert_eq!(
        refused(|world, claims| claims.exp = past(world, 5)),
        None,
        "within leeway"
    );
    let outcome = refused(|world, claims| claims.exp = past(world, 10));
    assert_eq!(outcome, Some(InvalidAccessToken::Expired));
}

#[test]
fn f06_a_remembered_token_ends_at_its_end() {
    let world = World::new();
    let token = world.sign(&world.claims());
    world.tokens.verify(&world.tenant, token.expose()).unwrap();
    world.clock.advance(620);
    let outcome = world.tokens.verify(&world.tenant, token.expose());
    assert_eq!(outcome.err(), Some(InvalidAccessToken::Expired));
}

#[test]
fn f07_a_token_from_the_future_is_refused() {
    let future = |world: &World| Timestamp::from_seconds(world.claims().iat.seconds() + 11);
    for outcome in [
        refused(|world, claims| claims.nbf = Some(future(world))),
        refused(|world, claims| claims.iat = future(world)),
    ] {
        assert_eq!(outcome, Some(InvalidAccessToken::NotYetValid));
    }
}

#[test]
fn a_token_that_names_nobody_is_refused() {
    for outcome in [
        refused(|_, claims| claims.sub = UserId::new("")),
        refused(|_, claims| claims.client_id = ClientId::new("")),
    ] {
        assert_eq!(outcome, Some(InvalidAccessToken::Claims));
    }
}

#[test]
fn h04_a_remembered_token_of_one_tenant_is_refused_by_another() {
    let world = World::new();
    let token = world.sign(&world.claims());
    world.tokens.verify(&world.tenant, token.expose()).unwrap();
    let outcome = world.tokens.verify(&world.other, token.expose());
    assert_eq!(outcome.err(), Some(InvalidAccessToken::Signature));
    assert!(world.tokens.verify(&world.tenant, token.expose()).is_ok());
}
