//! Forged ID tokens, and providers that are not what they should be (catalogue J03 to J06, J13, R15).

use std::time::{Duration, Instant};

use gatehouse::model::{CodeVerifier, SystemRandom};
use http::StatusCode;
use serde_json::{Value, json};

use super::idp::{CLIENT, SECRET, now};
use super::{FakeIdp, Outcome, World};
use crate::client::Client;

#[tokio::test(flavor = "multi_thread")]
async fn j03_j04_a_forged_id_token_signs_nobody_in() {
    let mut world = World::start().await;
    let url = world.idp.url.clone();
    let cases: Vec<(Value, Value)> = vec![
        (json!({}), json!({ "nonce": null })),
        (json!({}), json!({ "nonce": "another" })),
        (json!({}), json!({ "iss": "https://other.example.com" })),
        (json!({}), json!({ "iss": format!("{url}/") })),
        (json!({}), json!({ "aud": "another-client" })),
        (json!({}), json!({ "aud": [] })),
        (json!({}), json!({ "aud": null })),
        (json!({}), json!({ "aud": [CLIENT, "another"] })),
        (json!({}), json!({ "azp": "another" })),
        (
            json!({}),
            json!({ "aud": [CLIENT, "another"], "azp": "another" }),
        ),
        (json!({}), json!({ "exp": now() - 120 })),
        (json!({}), json!({ "exp": null })),
        (json!({}), json!({ "exp": "tomorrow" })),
        (json!({}), json!({ "iat": now() + 600 })),
        (json!({}), json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })),
        (json!({}), json!({ "c_hash": "AAAAAAAAAAAAAAAAAAAAAA" })),
        (json!({}), json!({ "sub": null })),
        (json!({}), json!({ "sub": "" })),
        (json!({}), json!({ "sub": 7 })),
        (json!({}), json!({ "events": {} })),
        (json!({ "alg": "none" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({ "alg": "RS256" }), json!({})),
        (json!({ "alg": "ES384" }), json!({})),
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "crit": ["b64"] }), json!({})),
        (json!({ "kid": "key-1" }), json!({})),
    ];
    for (header, claims) in cases {
        {
            let mut script = world.idp.script();
            script.header = header.clone();
            script.claims = claims.clone();
        }
        let (status, _) = world.refused().await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{header} {claims}");
        world.assert_nothing_happened().await;
    }
    // A signature of a key that the provider doesn't publish.
    {
        let mut script = world.idp.script();
        (script.header, script.claims) = (json!({ "kid": "key-0" }), json!({}));
        script.signs = 1;
    }
    assert_eq!(world.refused().await.0, StatusCode::BAD_REQUEST);
    world.assert_nothing_happened().await;
    // And a good one all the same, so that the refusals were not for another reason.
    let mut script = world.idp.script();
    script.header = json!({});
    script.signs = 0;
    drop(script);
    let verifier = CodeVerifier::generate(&SystemRandom);
    assert!(matches!(world.sign_in(&verifier).await, Outcome::Back(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn j03_an_id_token_of_another_sign_in_is_refused() {
    let mut world = World::start().await;
    let verifier = CodeVerifier::generate(&SystemRandom);
    let mine = world.until_callback(&verifier).await;
    let other = world.until_callback(&verifier).await;
    let code = super::query(&other, "code").unwrap();
    let injected = super::with(&mine, "code", Some(&code));
    let Outcome::Page(status, _) = world.finish(&injected).await else {
        panic!("an injected code led somewhere");
    };
    assert_eq!(status, StatusCode::BAD_REQUEST);
    world.assert_nothing_happened().await;
}

async fn unavailable(metadata: Value) {
    let idp = FakeIdp::start().await;
    idp.script().metadata = metadata.clone();
    let config = super::tenant(&idp, "");
    let mut world = World::start_as(idp, &config).await;
    let verifier = CodeVerifier::generate(&SystemRandom);
    let (login, page) = world.approval(&verifier).await;
    let response = world.approve((&login, &page)).await;
    assert_eq!(
        response.status(),
        StatusCode::SERVICE_UNAVAILABLE,
        "{metadata}"
    );
    let page = response.text().await.unwrap();
    assert!(page.contains("sign in right now"), "{page}");
    world.assert_nothing_happened().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j05_a_provider_whose_metadata_is_of_another_issuer_is_not_used() {
    unavailable(json!({ "issuer": "https://other.example.com" })).await;
    unavailable(json!({ "issuer": null })).await;
    unavailable(json!({ "authorization_endpoint": "http://127.0.0.1:9/authorize" })).await;
    unavailable(json!({ "authorization_endpoint": "javascript:alert(1)" })).await;
    unavailable(json!({ "jwks_uri": "http://169.254.169.254/jwks" })).await;
    unavailable(json!({ "jwks_uri": "https://keys.example.com/jwks" })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j13_the_secret_goes_to_no_origin_that_the_operator_did_not_name() {
    let thief = FakeIdp::start().await;
    unavailable(json!({ "token_endpoint": format!("{}/token", thief.url) })).await;
    unavailable(json!({ "token_endpoint": "https://token.example.com/token" })).await;
    assert!(thief.script().seen.is_empty());
    // Where the operator names it, it is used; and the secret is in no page, log or row.
    let idp = FakeIdp::start().await;
    let keys = json!({ "token_endpoint": format!("{}/token", idp.url) });
    idp.script().metadata = keys;
    let more = format!("endpoint_origins = [\"{}\"]\n", thief.url);
    let config = super::tenant(&idp, &more);
    let mut world = World::start_as(idp, &config).await;
    world.tokens().await;
    let secret = "SELECT count(*) FROM tenants WHERE settings LIKE '%idp-client-secret%'";
    assert_eq!(world.database.count(secret).await, 0);
    assert!(SECRET.contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn j05_a_redirect_from_the_metadata_is_not_followed() {
    let mut world = World::start().await;
    let path = "/.well-known/openid-configuration";
    world
        .idp
        .script()
        .broken
        .insert(path, (StatusCode::FOUND, ""));
    let verifier = CodeVerifier::generate(&SystemRandom);
    let (login, page) = world.approval(&verifier).await;
    let response = world.approve((&login, &page)).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn r15_a_provider_that_is_down_slow_or_broken_is_told_of_within_seconds() {
    let cases = [
        Some((StatusCode::INTERNAL_SERVER_ERROR, "oops")),
        Some((StatusCode::OK, "<html>not json")),
        None,
    ];
    for case in cases {
        let mut world = World::start().await;
        let tokens = world.tokens().await;
        world.client = Client::register(&world.gateway).await;
        let callback = world
            .until_callback(&CodeVerifier::generate(&SystemRandom))
            .await;
        match case {
            Some(broken) => drop(world.idp.script().broken.insert("/token", broken)),
            None => world.idp.script().silent.push("/token"),
        }
        let begun = Instant::now();
        let Outcome::Page(status, page) = world.finish(&callback).await else {
            panic!("a broken provider led somewhere");
        };
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            page.contains("127.0.0.1") && !page.contains("oops"),
            "{page}"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(6),
            "{:?}",
            begun.elapsed()
        );
        let tools = world.client.list_tools(&tokens.access).await;
        assert_eq!(tools.status(), StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn j06_unknown_keys_cost_the_provider_one_request() {
    let mut world = World::start().await;
    world.idp.script().published = vec![1];
    for _ in 0..4 {
        assert_eq!(world.refused().await.0, StatusCode::BAD_REQUEST);
    }
    // Those that were fetched lack the key, and another look is not due yet.
    assert_eq!(world.idp.count("/jwks"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_entra_is_filled_by_the_tenant_of_the_token() {
    let idp = FakeIdp::start().await;
    let template = format!("{}/{{tenantid}}/v2.0", idp.url);
    let mut config = super::tenant(&idp, "allowed_tenants = [\"tenant-a\"]\n");
    config = config.replace(
        &format!("issuer = \"{}\"", idp.url),
        &format!("issuer = \"{template}\""),
    );
    idp.script().metadata = json!({ "issuer": template });
    let issuer = |tenant: &str| template.replace("{tenantid}", tenant);
    let mut world = World::start_as(idp, &config).await;
    for (issuer, tid) in [
        (issuer("tenant-b"), "tenant-b"),
        (issuer("tenant-a"), "tenant-b"),
        (issuer("{tenantid}"), "tenant-a"),
    ] {
        world.idp.script().claims = json!({ "iss": issuer, "tid": tid, "oid": "object-1" });
        assert_eq!(world.refused().await.0, StatusCode::BAD_REQUEST);
        world.assert_nothing_happened().await;
    }
    // Entra tells people apart by `oid`; its `sub` is another one for each application.
    let right = json!({ "iss": issuer("tenant-a"), "tid": "tenant-a", "oid": "object-1" });
    world.idp.script().claims = right;
    world.tokens().await;
    let users = "SELECT count(*) FROM users WHERE subject = 'object-1'";
    assert_eq!(world.database.count(users).await, 1);
}
