//! Assertions that are not good, and clients that may not come with one.

use http::StatusCode;
use serde_json::json;

use super::{CLIENT, House, NOW};
use crate::fake_issuer::Key;
use crate::support::T1;

#[tokio::test]
async fn every_wrong_claim_is_refused() {
    let house = House::new().await;
    let elsewhere = "https://mcp.example.com/t/two";
    for (changes, code) in [
        (json!({ "iss": null }), "invalid_grant"),
        (json!({ "iss": "https://evil.example" }), "invalid_grant"),
        (
            json!({ "iss": format!("{}/", house.issuer.url) }),
            "invalid_grant",
        ),
        (json!({ "aud": null }), "invalid_grant"),
        (json!({ "aud": elsewhere }), "invalid_grant"),
        (json!({ "aud": format!("{T1}/token") }), "invalid_grant"),
        (json!({ "aud": format!("{T1}/") }), "invalid_grant"),
        (json!({ "aud": [T1, elsewhere] }), "invalid_grant"),
        (json!({ "aud": 7 }), "invalid_grant"),
        (json!({ "resource": null }), "invalid_target"),
        (json!({ "resource": T1 }), "invalid_target"),
        (
            json!({ "resource": format!("{elsewhere}/mcp") }),
            "invalid_target",
        ),
        (json!({ "client_id": null }), "invalid_grant"),
        (json!({ "client_id": "narrow" }), "invalid_grant"),
        (json!({ "sub": null }), "invalid_grant"),
        (json!({ "sub": "" }), "invalid_grant"),
        (json!({ "sub": 7 }), "invalid_grant"),
        (json!({ "exp": null }), "invalid_grant"),
        (json!({ "exp": NOW - 31 }), "invalid_grant"),
        (json!({ "exp": "soon" }), "invalid_grant"),
        (json!({ "exp": NOW + 7200 }), "invalid_grant"),
        (json!({ "iat": null }), "invalid_grant"),
        (json!({ "iat": NOW + 31 }), "invalid_grant"),
        (json!({ "nbf": NOW + 31 }), "invalid_grant"),
        (json!({ "jti": null }), "invalid_grant"),
        (json!({ "jti": "" }), "invalid_grant"),
        (json!({ "jti": "j".repeat(300) }), "invalid_grant"),
        (json!({ "groups": null }), "invalid_grant"),
        (json!({ "groups": [] }), "invalid_grant"),
        (json!({ "groups": ["Staff"] }), "invalid_grant"),
        (json!({ "scope": "a\"b" }), "invalid_grant"),
    ] {
        house.refused(changes, code).await;
    }
    assert_eq!(house.user().await, None);
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_is_refused() {
    let house = House::new().await;
    let claims = house.claims(&json!({}));
    let jag = json!("oauth-id-jag+jwt");
    let stranger = Key::new("k1");
    let other = Key::new("k2");
    for text in [
        "a".to_owned(),
        "a.b.c".to_owned(),
        house.key.sign(&json!({ "typ": "JWT" }), &claims),
        house.key.sign(&json!({ "typ": "at+jwt" }), &claims),
        house.key.sign(&json!({ "typ": null }), &claims),
        house
            .key
            .sign(&json!({ "typ": jag, "alg": "none" }), &claims),
        house
            .key
            .sign(&json!({ "typ": jag, "alg": "HS256" }), &claims),
        house
            .key
            .sign(&json!({ "typ": jag, "alg": "RS256" }), &claims),
        house
            .key
            .sign(&json!({ "typ": jag, "crit": ["x"] }), &claims),
        stranger.sign(&json!({ "typ": jag }), &claims),
        stranger.sign(&json!({ "typ": jag, "jwk": stranger.jwk() }), &claims),
        other.sign(&json!({ "typ": jag }), &claims),
    ] {
        let answer = house.exchange(&text, &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
        assert_eq!(answer.json()["error"], "invalid_grant", "{text}");
    }
    assert_eq!(house.issuer.key_requests(), 1);
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let house = House::new().await;
    let assertion = house.assertion(&json!({}));
    let first = house.exchange(&assertion, &[]).await;
    assert_eq!(first.status, StatusCode::OK);
    let second = house.exchange(&assertion, &[]).await;
    assert_eq!(second.json()["error"], "invalid_grant");
    // Of many at once, too.
    let assertion = house.assertion(&json!({}));
    let attempts = (0..10).map(|_| house.exchange(&assertion, &[]));
    let answers = futures_util::future::join_all(attempts).await;
    let good = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK);
    assert_eq!(good.count(), 1);
}

#[tokio::test]
async fn clients_that_may_not_come_with_assertions_are_turned_away() {
    let house = House::new().await;
    let stranger = house.assertion(&json!({ "client_id": "stranger" }));
    let answer = house
        .exchange_as(("stranger", "stranger secret"), &stranger, &[])
        .await;
    assert_eq!(answer.json()["error"], "invalid_grant");
    let reader = house.assertion(&json!({ "client_id": "reader" }));
    let answer = house
        .exchange_as(("reader", "reader secret"), &reader, &[])
        .await;
    assert_eq!(answer.json()["error"], "unauthorized_client");
    let answer = house.exchange_as(("agent", "wrong"), &reader, &[]).await;
    assert_eq!(answer.json()["error"], "invalid_client");
    let answer = house.exchange_as(CLIENT, "b", &[("assertion", "a")]).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    let wrong = house.assertion(&json!({}));
    let answer = house
        .exchange(&wrong, &[("resource", "https://other.example/mcp")])
        .await;
    assert_eq!(answer.json()["error"], "invalid_target");
}
