//! When the keys of an issuer are asked for, and for how long they count.

use gatehouse::resource_server::InvalidAccessToken;
use serde_json::json;

use super::{House, NOW};
use crate::fake_issuer::Key;

#[tokio::test]
async fn f10_r16_tokens_with_unknown_keys_have_the_keys_fetched_once_in_a_while() {
    let house = House::new().await;
    let tenant = house.tenant(house.external());
    house
        .scopes(&tenant, &house.token(&json!({})))
        .await
        .unwrap();
    let flood = async |from: usize| {
        let tokens: Vec<String> = (from..from + 30)
            .map(|number| {
                let names = ["../../etc/passwd", "' OR 1=1", "k2", &"k".repeat(500)];
                let kid = format!("{}{number}", names[number % names.len()]);
                Key::new(&kid).sign(&json!({ "typ": "at+jwt" }), &house.claims())
            })
            .collect();
        let asked = tokens.iter().map(|token| house.scopes(&tenant, token));
        for refused in futures_util::future::join_all(asked).await {
            assert_eq!(refused.unwrap_err(), InvalidAccessToken::UnknownKey);
        }
    };
    // The keys are seconds old: that will do.
    flood(0).await;
    assert_eq!(house.issuer.key_requests(), 1);
    house.world.clock.advance(31);
    flood(100).await;
    assert_eq!(house.issuer.key_requests(), 2);
    // A key that is really new is found by the next look.
    let newer = Key::new("k9");
    house.issuer.publish(&[&newer]);
    house.world.clock.advance(31);
    let token = newer.sign(&json!({ "typ": "at+jwt" }), &house.claims());
    house.scopes(&tenant, &token).await.unwrap();
    assert_eq!(house.issuer.key_requests(), 3);
}

#[tokio::test]
async fn r16_keys_outlive_their_issuer_for_a_day() {
    let house = House::new().await;
    let tenant = house.tenant(house.external());
    let at = |hours: i64| {
        let now = NOW + hours * 3600;
        house.token(&json!({ "iat": now, "exp": now + 600, "jti": hours.to_string() }))
    };
    house.scopes(&tenant, &at(0)).await.unwrap();
    house.issuer.break_down(true);
    house.world.clock.advance(23 * 3600);
    house.scopes(&tenant, &at(23)).await.unwrap();
    house.world.clock.advance(3600);
    let refused = house.scopes(&tenant, &at(24)).await.unwrap_err();
    assert_eq!(refused, InvalidAccessToken::NoKeys);
    house.issuer.break_down(false);
    house.world.clock.advance(31);
    house.scopes(&tenant, &at(24)).await.unwrap();
}

#[tokio::test]
async fn f16_a_key_that_is_withdrawn_is_forgotten() {
    let house = House::new().await;
    let tenant = house.tenant(house.external());
    house
        .scopes(&tenant, &house.token(&json!({})))
        .await
        .unwrap();
    house.issuer.publish(&[&Key::new("k2")]);
    house.world.clock.advance(600);
    // The look goes on beside the request that is answered with the old keys.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    for number in 0.. {
        let now = NOW + 600;
        let changes = json!({ "iat": now, "exp": now + 600, "jti": number.to_string() });
        let outcome = house.scopes(&tenant, &house.token(&changes)).await;
        if outcome == Err(InvalidAccessToken::UnknownKey) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{outcome:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_keys_inside_is_not_believed() {
    for (member, value) in [
        ("issuer", json!("http://127.0.0.1:9")),
        ("jwks_uri", json!("http://127.0.0.1:9/keys")),
        ("jwks_uri", json!("https://169.254.169.254/keys")),
        ("jwks_uri", json!(7)),
    ] {
        let house = House::new().await;
        house.issuer.say(member, &value);
        let refused = house.refusal(&house.token(&json!({}))).await;
        assert_eq!(refused, InvalidAccessToken::NoKeys, "{member} {value}");
        assert_eq!(house.issuer.key_requests(), 0);
    }
}
