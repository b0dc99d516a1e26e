//! Tokens of an external authorization server: which are taken, and when its keys are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use gatehouse::model::{
    Authorization, ExternalAuthorization, ExternalTokenType, KeySource, Role, Tenant,
};
use gatehouse::resource_server::InvalidAccessToken;
use serde_json::{Value, json};

use crate::fake_issuer::{FakeIssuer, Key, encode};
use crate::support::{World, set};

const NOW: i64 = 1_800_000_000;
const AUDIENCE: &str = "https://api.example.com";

struct House {
    world: World,
    issuer: FakeIssuer,
    key: Key,
}

impl House {
    async fn new() -> Self {
        let key = Key::new("k1");
        Self {
            world: World::new(),
            issuer: FakeIssuer::start(&[&key]).await,
            key,
        }
    }

    fn external(&self) -> ExternalAuthorization {
        ExternalAuthorization {
            keys: KeySource {
                issuer: self.issuer.url.clone(),
                jwks_uri: None,
            },
            audience: Some(AUDIENCE.to_owned()),
            clients: Vec::new(),
            token_type: ExternalTokenType::AccessToken,
            claims: BTreeMap::new(),
            subject_claim: "sub".to_owned(),
            scopes_claim: None,
            scopes: BTreeMap::new(),
            roles_claim: None,
            roles: BTreeMap::new(),
        }
    }

    fn tenant(&self, external: ExternalAuthorization) -> Tenant {
        let role = Role {
            scopes: set("everything"),
        };
        Tenant {
            authorization: Authorization::External(Arc::new(external)),
            roles: BTreeMap::from([("admin".to_owned(), role)]),
            ..self.world.tenant.clone()
        }
    }

    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url, "sub": "ada", "aud": AUDIENCE, "client_id": "app",
            "iat": NOW, "exp": NOW + 600, "jti": "1", "scope": "mcp:tools weather:other",
        })
    }

    /// A good token but for these claims; null takes one out.
    fn token(&self, changes: &Value) -> String {
        self.key
            .sign(&json!({ "typ": "at+jwt" }), &self.changed(changes))
    }

    fn changed(&self, changes: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    async fn scopes(&self, tenant: &Tenant, token: &str) -> Result<String, InvalidAccessToken> {
        let principal = self.world.tokens.authenticate(tenant, token).await?;
        Ok(principal.scopes.to_string())
    }

    async fn refusal(&self, token: &str) -> InvalidAccessToken {
        let tenant = self.tenant(self.external());
        self.scopes(&tenant, token).await.unwrap_err()
    }
}

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
    assert_eq!(house.issuer.key_requests(), 0);
}

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

#[tokio::test]
async fn scopes_and_roles_are_mapped_and_the_rest_is_nothing() {
    let house = House::new().await;
    let scopes = |pairs: &[(&str, &str)]| -> BTreeMap<String, _> {
        pairs
            .iter()
            .map(|(name, ours)| ((*name).to_owned(), set(ours)))
            .collect()
    };
    let roles = BTreeMap::from([("Boss".to_owned(), "admin".to_owned())]);
    let plain = house.external();
    let by_scope = ExternalAuthorization {
        scopes: scopes(&[("weather.read", "mcp:tools"), ("weather.all", "everything")]),
        ..plain.clone()
    };
    let by_role = ExternalAuthorization {
        roles_claim: Some("realm_access.roles".to_owned()),
        roles: roles.clone(),
        ..plain.clone()
    };
    let by_both = ExternalAuthorization {
        scopes: by_scope.scopes.clone(),
        ..by_role.clone()
    };
    let by_named = ExternalAuthorization {
        roles_claim: Some("cognito:groups".to_owned()),
        ..by_role.clone()
    };
    let boss = json!({ "roles": ["Boss", "other"] });
    let all = "everything mcp:tools metrics:read";
    for (external, changes, expected) in [
        (
            &plain,
            json!({ "scope": null, "scp": ["mcp:tools"] }),
            "mcp:tools",
        ),
        (&plain, json!({ "scope": null }), ""),
        (&plain, json!({ "scope": 7, "scp": "mcp:tools" }), ""),
        (&by_scope, json!({ "scope": "weather.read x" }), "mcp:tools"),
        (&by_scope, json!({ "scope": "mcp:tools" }), ""),
        (&by_scope, json!({ "scope": "weather.all" }), all),
        (&by_role, json!({ "realm_access": boss }), all),
        (&by_role, json!({ "scope": "mcp:tools" }), ""),
        (
            &by_role,
            json!({ "realm_access": { "roles": ["admin"] } }),
            "",
        ),
        (
            &by_both,
            json!({ "realm_access": boss, "scope": "weather.read" }),
            "mcp:tools",
        ),
        (&by_both, json!({ "realm_access": boss, "scope": null }), ""),
        (&by_both, json!({ "scope": "weather.read" }), ""),
        (&by_named, json!({ "cognito:groups": ["Boss"] }), all),
    ] {
        let tenant = house.tenant(external.clone());
        let token = house.token(&changes);
        let found = house.scopes(&tenant, &token).await.unwrap();
        assert_eq!(found, expected, "{changes}");
    }
    assert_eq!(by_scope.to_ask_for(&set("mcp:tools")), set("weather.read"));
    assert_eq!(by_role.to_ask_for(&set("mcp:tools")), set(""));
    assert_eq!(plain.to_ask_for(&set("mcp:tools")), set("mcp:tools"));
}

#[tokio::test]
async fn tokens_without_audience_count_by_their_client() {
    let house = House::new().await;
    let mut external = house.external();
    external.audience = None;
    external.clients = vec!["app".to_owned()];
    let tenant = house.tenant(external);
    let good = house.token(&json!({ "aud": null }));
    assert!(house.scopes(&tenant, &good).await.is_ok());
    for changes in [
        json!({ "aud": null, "client_id": "other" }),
        json!({ "aud": null, "client_id": null }),
        json!({ "aud": null, "client_id": "app2" }),
    ] {
        let refused = house.scopes(&tenant, &house.token(&changes)).await;
        assert_eq!(
            refused.unwrap_err(),
            InvalidAccessToken::Client,
            "{changes}"
        );
    }
    let azp = house.token(&json!({ "aud": null, "client_id": null, "azp": "app" }));
    assert!(house.scopes(&tenant, &azp).await.is_ok());
}

#[tokio::test]
async fn a_token_that_names_nobody_or_is_bound_in_an_unknown_way_is_refused() {
    let house = House::new().await;
    for changes in [
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": 7 }),
        json!({ "sub": "a".repeat(600) }),
        json!({ "client_id": null }),
        json!({ "cnf": { "x5t#S256": "a" } }),
        json!({ "cnf": { "jkt": "short" } }),
        json!({ "cnf": 7 }),
    ] {
        let refused = house.refusal(&house.token(&changes)).await;
        assert_eq!(refused, InvalidAccessToken::Claims, "{changes}");
    }
}
