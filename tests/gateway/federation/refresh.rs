//! What a person may do is asked again at each refresh.

use http::StatusCode;
use serde_json::{Value, json};

use super::World;
use super::idp::Refresh;
use crate::client::{Client, Tokens};

async fn refresh(world: &World, token: &str) -> (StatusCode, Value) {
    let response = world.client.refresh(token).await;
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_left_a_group_loses_its_scopes_at_the_next_refresh() {
    let mut world = World::start().await;
    world.idp.script().refresh = Some(Refresh::Renew);
    world.idp.script().claims = json!({ "groups": ["weather-admins"] });
    let tokens = world.tokens().await;
    assert_eq!(tokens.scope, "mcp:tools metrics:read");
    world.idp.script().claims = json!({ "groups": ["staff"] });
    let next = Tokens::read(world.client.refresh(&tokens.refresh).await).await;
    assert_eq!(next.scope, "mcp:tools");
    // And gets them back the same way.
    world.idp.script().claims = json!({ "groups": ["weather-admins", "staff"] });
    let next = Tokens::read(world.client.refresh(&next.refresh).await).await;
    assert_eq!(next.scope, "mcp:tools metrics:read");
    world.idp.script().claims = json!({ "groups": [] });
    let (status, body) = refresh(&world, &next.refresh).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
    let clear = "SELECT count(*) FROM provider_tokens WHERE CAST(sealed AS TEXT) LIKE '%canary%'";
    assert_eq!(world.database.count(clear).await, 0);
    assert_eq!(
        world
            .database
            .count("SELECT count(*) FROM provider_tokens")
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_no_longer_vouches_ends_the_grant() {
    let mut world = World::start().await;
    world.idp.script().refresh = Some(Refresh::Renew);
    let tokens = world.tokens().await;
    world.idp.script().refresh = Some(Refresh::Refuse);
    let (status, body) = refresh(&world, &tokens.refresh).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
    let revoked = "SELECT count(*) FROM grants WHERE revoked_at IS NOT NULL";
    assert_eq!(world.database.count(revoked).await, 1);
    // The provider isn't asked about it again.
    let asked = world.idp.count("/token");
    assert_eq!(
        refresh(&world, &tokens.refresh).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(world.idp.count("/token"), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_provider_is_away_what_it_said_counts_and_no_longer_than_it_may() {
    let mut world = World::start_with("groups_max_age = \"1h\"\n").await;
    world.idp.script().refresh = Some(Refresh::Renew);
    let tokens = world.tokens().await;
    let broken = (StatusCode::BAD_GATEWAY, "");
    world.idp.script().broken.insert("/token", broken);
    let next = Tokens::read(world.client.refresh(&tokens.refresh).await).await;
    assert_eq!(next.scope, "mcp:tools");
    world.database.age_groups().await;
    let (status, body) = refresh(&world, &next.refresh).await;
    let error = &body["error"];
    assert_eq!(
        (status, error),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            &json!("temporarily_unavailable")
        )
    );
    // Nothing was spent by that.
    world.idp.script().broken.clear();
    assert_eq!(refresh(&world, &next.refresh).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_of_the_provider_the_person_signs_in_again_in_time() {
    let mut world = World::start_with("groups_max_age = \"1h\"\n").await;
    let tokens = world.tokens().await;
    let next = Tokens::read(world.client.refresh(&tokens.refresh).await).await;
    world.database.age_groups().await;
    let (status, body) = refresh(&world, &next.refresh).await;
    assert_eq!(
        (status, &body["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_someone_else_gives_nothing() {
    let mut world = World::start().await;
    world.idp.script().refresh = Some(Refresh::Renew);
    let tokens = world.tokens().await;
    for claims in [json!({ "sub": "subject-2" }), json!({ "aud": "another" })] {
        world.idp.script().claims = claims;
        let (status, _) = refresh(&world, &tokens.refresh).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    world.idp.script().claims = json!({});
    assert_eq!(refresh(&world, &tokens.refresh).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refreshes_at_once_use_the_providers_token_one_at_a_time() {
    let mut world = World::start().await;
    world.idp.script().refresh = Some(Refresh::Renew);
    let mut asked = Vec::new();
    for _ in 0..3 {
        world.client = Client::register(&world.gateway).await;
        let token = world.tokens().await.refresh;
        asked.push((world.client.clone(), token));
    }
    let asked: Vec<_> = asked
        .into_iter()
        .map(|(client, token)| tokio::spawn(async move { client.refresh(&token).await.status() }))
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap(), StatusCode::OK);
    }
    let script = world.idp.script();
    let used = |(path, body, _): &&(String, String, String)| {
        path == "/token" && body.contains("grant_type=refresh_token")
    };
    let mut bodies: Vec<&str> = script
        .seen
        .iter()
        .filter(used)
        .map(|(_, body, _)| body.as_str())
        .collect();
    let all = bodies.len();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), all, "a token of the provider was used twice");
}
