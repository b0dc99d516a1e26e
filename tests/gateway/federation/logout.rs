//! Leaving: word from the provider, and an operator's.

use http::StatusCode;
use serde_json::{Value, json};

use super::World;
use super::idp::{CLIENT, now};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims(world: &World, id: &str) -> Value {
    json!({ "iss": world.idp.url, "aud": CLIENT, "iat": now(), "exp": now() + 120, "jti": id,
            "sub": "subject-1", "sid": "session-1", "events": { EVENT: {} } })
}

async fn tell(world: &World, token: &str) -> StatusCode {
    let request = world.client.post("/login/backchannel-logout");
    let response = request
        .form(&[("logout_token", token)])
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.status()
}

async fn sessions(world: &World) -> i64 {
    world
        .database
        .count("SELECT count(*) FROM login_sessions")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_at_the_provider_ends_the_session_here_once() {
    let mut world = World::start().await;
    let tokens = world.tokens().await;
    assert_eq!(sessions(&world).await, 1);
    let header = json!({ "typ": "logout+jwt" });
    let token = world.idp.sign(&header, &claims(&world, "1"));
    assert_eq!(tell(&world, &token).await, StatusCode::OK);
    assert_eq!(sessions(&world).await, 0);
    assert_eq!(tell(&world, &token).await, StatusCode::BAD_REQUEST);
    // What the person allowed clients stays, unless the tenant says otherwise.
    assert_eq!(
        world.client.refresh(&tokens.refresh).await.status(),
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_tenant_says_so_it_ends_the_grants_too() {
    let mut world = World::start_with("on_logout = \"grants\"\n").await;
    let tokens = world.tokens().await;
    let mut by_subject = claims(&world, "1");
    by_subject.as_object_mut().unwrap().remove("sid");
    let token = world.idp.sign(&json!({ "typ": "logout+jwt" }), &by_subject);
    assert_eq!(tell(&world, &token).await, StatusCode::OK);
    assert_eq!(sessions(&world).await, 0);
    let refused = world.client.refresh(&tokens.refresh).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_token_that_does_not_hold_ends_nothing() {
    let mut world = World::start().await;
    world.tokens().await;
    let right = json!({ "typ": "logout+jwt" });
    for (number, (header, over)) in [
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "alg": "none" }), json!({})),
        (right.clone(), json!({ "iss": "https://other.example.com" })),
        (right.clone(), json!({ "aud": "another" })),
        (right.clone(), json!({ "events": {} })),
        (right.clone(), json!({ "events": { EVENT: true } })),
        (right.clone(), json!({ "events": null })),
        (right.clone(), json!({ "nonce": "n" })),
        (right.clone(), json!({ "iat": now() - 3600 })),
        (right.clone(), json!({ "iat": now() + 600 })),
        (right.clone(), json!({ "exp": now() - 120 })),
        (right.clone(), json!({ "jti": null })),
        (right.clone(), json!({ "sub": null, "sid": null })),
    ]
    .into_iter()
    .enumerate()
    {
        let mut forged = claims(&world, &number.to_string());
        for (name, value) in over.as_object().unwrap() {
            if value.is_null() {
                forged.as_object_mut().unwrap().remove(name);
            } else {
                forged[name] = value.clone();
            }
        }
        let token = world.idp.sign(&header, &forged);
        assert_eq!(
            tell(&world, &token).await,
            StatusCode::BAD_REQUEST,
            "{header} {over}"
        );
    }
    // Someone else's key.
    let other = super::FakeIdp::start().await;
    let token = other.sign(&right, &claims(&world, "other"));
    assert_eq!(tell(&world, &token).await, StatusCode::BAD_REQUEST);
    assert_eq!(tell(&world, "garbage").await, StatusCode::BAD_REQUEST);
    assert_eq!(sessions(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_a_person_out_everywhere() {
    let mut world = World::start().await;
    let tokens = world.tokens().await;
    let mut command = world
        .database
        .command(&["user", "sign-out", "--username", "sso/ada"]);
    assert!(command.status().unwrap().success());
    assert_eq!(sessions(&world).await, 0);
    let refused = world.client.refresh(&tokens.refresh).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let mut command = world
        .database
        .command(&["user", "sign-out", "--username", "nobody"]);
    assert!(!command.status().unwrap().success());
}
