//! Which tokens are taken: the catalogue's group F against a fake issuer.

use std::collections::BTreeMap;

use gatehouse::model::ExternalTokenType;
use gatehouse::resource_server::InvalidAccessToken;
use serde_json::{Value, json};

use super::{AUDIENCE, House, NOW};
use crate::fake_issuer::{Key, encode};
use crate::support::set;

#[tokio::test]
async fn a_good_token_speaks_for_a_person_of_its_issuer() {
    let house = House::new().await;
    let tenant = house.tenant(house.external());
    let token = house.token(&json!({}));
    let principal = house.world.tokens.authenticate(&tenant, &token).await;
    let principal = principal.unwrap();
    assert_eq!(principal.user.as_str(), format!("{}#ada", house.issuer.url));
    assert_eq!(principal.client.as_str(), "app");
    assert_eq!(principal.scopes, set("mcp:tools"));
    assert_eq!(principal.grant, None);
    // Nobody is asked for what is known.
    for number in 0..20 {
        let token = house.token(&json!({ "jti": number.to_string() }));
        house.scopes(&tenant, &token).await.unwrap();
    }
    assert_eq!(house.issuer.key_requests(), 1);
}

#[tokio::test]
async fn our_own_tokens_are_nothing_at_such_a_tenant_and_its_tokens_nothing_elsewhere() {
    let house = House::new().await;
    let ours = house.world.sign(&house.world.claims());
    let refused = house.refusal(ours.expose()).await;
    assert_eq!(refused, InvalidAccessToken::Issuer);
    let theirs = house.token(&json!({}));
    let elsewhere = house.scopes(&house.world.tenant, &theirs).await;
    assert_eq!(elsewhere.unwrap_err(), InvalidAccessToken::Signature);
    // Not even when it was remembered as a good one a moment ago.
    let tenant = house.tenant(house.external());
    house.scopes(&tenant, &theirs).await.unwrap();
    assert!(house.scopes(&house.world.tenant, &theirs).await.is_err());
    let mut stricter = house.external();
    stricter.audience = Some("https://other.example.com".to_owned());
    let refused = house.scopes(&house.tenant(stricter), &theirs).await;
    assert_eq!(refused.unwrap_err(), InvalidAccessToken::Audience);
}

#[tokio::test]
async fn f01_f02_f03_f09_f11_headers_that_would_choose_how_they_are_verified_are_refused() {
    let house = House::new().await;
    let claims = house.claims();
    let stranger = Key::new("k1");
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "None" }),
        json!({ "alg": "" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "alg": null }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "crit": [] }),
    ] {
        let mut header = header.clone();
        header["typ"] = json!("at+jwt");
        let token = house.key.sign(&header, &claims);
        let refused = house.refusal(&token).await;
        let expected = [
            InvalidAccessToken::Signature,
            InvalidAccessToken::UnknownKey,
        ];
        assert!(expected.contains(&refused), "{header}: {refused:?}");
    }
    // Unsigned, and signed by a key that comes along.
    let text = house.token(&json!({}));
    let unsigned = text.rsplit_once('.').unwrap().0;
    for signature in ["", ".", "..", ".AAAA"] {
        let token = format!("{unsigned}{signature}");
        assert_eq!(house.refusal(&token).await, InvalidAccessToken::Signature);
    }
    let jwk = stranger.jwk();
    for header in [
        json!({ "typ": "at+jwt" }),
        json!({ "typ": "at+jwt", "jwk": jwk }),
        json!({ "typ": "at+jwt", "jku": "http://127.0.0.1:9/keys" }),
        json!({ "typ": "at+jwt", "x5u": "http://127.0.0.1:9/keys", "x5c": ["AAAA"] }),
    ] {
        let token = stranger.sign(&header, &claims);
        assert_eq!(house.refusal(&token).await, InvalidAccessToken::Signature);
    }
}

#[tokio::test]
async fn f04_f05_audience_and_issuer_are_equal_or_refused() {
    let house = House::new().await;
    for aud in [
        Value::Null,
        json!(7),
        json!({}),
        json!(""),
        json!([]),
        json!([7, AUDIENCE]),
        json!("https://api.example.com/"),
        json!("https://API.example.com"),
        json!("https://api.example.com/mcp"),
        json!(house.issuer.url),
        json!(["https://other.example.com"]),
    ] {
        let refused = house.refusal(&house.token(&json!({ "aud": aud }))).await;
        let expected = [InvalidAccessToken::Audience, InvalidAccessToken::Claims];
        assert!(expected.contains(&refused), "{aud}: {refused:?}");
    }
    for iss in [
        Value::Null,
        json!(7),
        json!([house.issuer.url]),
        json!(format!("{}/", house.issuer.url)),
        json!("https://one.example.com"),
    ] {
        let refused = house.refusal(&house.token(&json!({ "iss": iss }))).await;
        assert_eq!(refused, InvalidAccessToken::Issuer, "{iss}");
    }
    // RFC 7519 §4.1.3: one of several is one.
    let tenant = house.tenant(house.external());
    let several = house.token(&json!({ "aud": ["account", AUDIENCE] }));
    assert_eq!(house.scopes(&tenant, &several).await.unwrap(), "mcp:tools");
}

#[tokio::test]
async fn f06_f07_times_are_times_and_hold() {
    let house = House::new().await;
    for (changes, expected) in [
        (json!({ "exp": null }), InvalidAccessToken::Claims),
        (json!({ "exp": "soon" }), InvalidAccessToken::Claims),
        (json!({ "exp": -1 }), InvalidAccessToken::Claims),
        (json!({ "exp": 1e30 }), InvalidAccessToken::Claims),
        (json!({ "exp": NOW - 11 }), InvalidAccessToken::Expired),
        (json!({ "iat": NOW + 11 }), InvalidAccessToken::NotYetValid),
        (json!({ "nbf": NOW + 11 }), InvalidAccessToken::NotYetValid),
        (json!({ "nbf": "now" }), InvalidAccessToken::Claims),
    ] {
        let refused = house.refusal(&house.token(&changes)).await;
        assert_eq!(refused, expected, "{changes}");
    }
    let tenant = house.tenant(house.external());
    let float = house.token(&json!({ "exp": 1_800_000_600.5 }));
    assert!(house.scopes(&tenant, &float).await.is_ok());
    // Remembered or not, it ends.
    house.world.clock.advance(700);
    let refused = house.scopes(&tenant, &float).await.unwrap_err();
    assert_eq!(refused, InvalidAccessToken::Expired);
}

#[tokio::test]
async fn f08_tokens_for_other_purposes_are_refused() {
    let house = House::new().await;
    let claims = house.claims();
    for typ in [
        json!(null),
        json!("JWT"),
        json!("logout+jwt"),
        json!("oauth-id-jag+jwt"),
    ] {
        let token = house.key.sign(&json!({ "typ": typ }), &claims);
        assert_eq!(
            house.refusal(&token).await,
            InvalidAccessToken::Type,
            "{typ}"
        );
    }
    // Where the server's types say nothing, its claims do.
    let mut external = house.external();
    external.token_type = ExternalTokenType::Jwt;
    external.claims = BTreeMap::from([("token_use".to_owned(), "access".to_owned())]);
    let tenant = house.tenant(external);
    let typed = |typ: Value, changes: Value| {
        let mut claims = house.changed(&changes);
        if claims.get("token_use").is_none() {
            claims["token_use"] = json!("access");
        }
        house.key.sign(&json!({ "typ": typ }), &claims)
    };
    for typ in [
        json!(null),
        json!("JWT"),
        json!("at+jwt"),
        json!("application/at+jwt"),
    ] {
        let token = typed(typ, json!({}));
        assert!(house.scopes(&tenant, &token).await.is_ok());
    }
    for token in [
        typed(json!("JWT"), json!({ "token_use": "id" })),
        typed(json!("JWT"), json!({ "token_use": ["access"] })),
        typed(json!("JWT"), json!({ "nonce": "n" })),
        typed(json!("JWT"), json!({ "at_hash": "n" })),
        typed(json!("JWT"), json!({ "events": {} })),
        typed(json!("logout+jwt"), json!({})),
    ] {
        let refused = house.scopes(&tenant, &token).await.unwrap_err();
        assert_eq!(refused, InvalidAccessToken::Type);
    }
}

#[tokio::test]
async fn f13_f14_forms_that_are_no_token_are_refused_in_bounded_time() {
    let house = House::new().await;
    let good = house.token(&json!({}));
    let header = json!({ "typ": "at+jwt" });
    let twice = format!(
        "{{\"iss\":\"{0}\",\"aud\":\"{AUDIENCE}\",\"exp\":{1},\"sub\":\"a\",\"sub\":\"ada\",\"client_id\":\"app\"}}",
        house.issuer.url,
        NOW + 600
    );
    let inner = format!(
        "{{\"iss\":\"{0}\",\"aud\":\"{AUDIENCE}\",\"exp\":{1},\"sub\":\"a\",\"client_id\":\"app\",\"x\":[{{\"a\":1,\"a\":2}}]}}",
        house.issuer.url,
        NOW + 600
    );
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    for token in [
        String::new(),
        ".".repeat(10_000),
        "a".repeat(1_000_000),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}.a.b"),
        house.key.sign_text(&header, &twice),
        house.key.sign_text(&header, &inner),
        house.key.sign_text(&header, &deep),
        house.key.sign_text(&header, "[]"),
        format!("{}.{}.", encode("{}"), encode("{}")),
    ] {
        let refused = house.refusal(&token).await;
        let expected = [InvalidAccessToken::Signature, InvalidAccessToken::Claims];
        assert!(expected.contains(&refused), "{refused:?}");
    }
    // One of them looks like a good one until its signature is read.
    assert!(house.issuer.key_requests() <= 1);
}
