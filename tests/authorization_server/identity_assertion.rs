//! Clients that come with an identity provider's word about their user (ID-JAG; RFC 7523 §3).

use std::collections::BTreeMap;

use gatehouse::model::{
    AssertionIssuer, Client, ClientId, GrantType, IdentityProvider, KeySource, Secret, Tenant,
    TokenEndpointAuthMethod, User,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::fake_issuer::{FakeIssuer, Key};
use crate::support::{Answer, Server, T1};

const NOW: i64 = 1_800_000_000;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT: (&str, &str) = ("agent", "agent secret");

struct House {
    server: Server,
    issuer: FakeIssuer,
    key: Key,
}

/// An issuer whose word is taken, as an operator would configure it.
fn trusted(issuer: &FakeIssuer, clients: &[&str]) -> AssertionIssuer {
    let roles = BTreeMap::from([("staff".to_owned(), "member".to_owned())]);
    AssertionIssuer {
        keys: KeySource {
            issuer: issuer.url.clone(),
            jwks_uri: None,
        },
        clients: clients.iter().map(ToString::to_string).collect(),
        provider: IdentityProvider {
            name: "assertions:1".to_owned(),
            title: "IdP".to_owned(),
            issuer: issuer.url.clone(),
            client_id: String::new(),
            client_secret: None,
            scopes: None,
            algorithms: Vec::new(),
            groups_claim: "groups".to_owned(),
            subject_claim: "sub".to_owned(),
            roles,
            default_role: None,
            domains: Vec::new(),
            hosted_domain: None,
            allowed_tenants: Vec::new(),
            endpoint_origins: Vec::new(),
            parameters: BTreeMap::new(),
        },
    }
}

fn client(id: &str, grant_types: Vec<GrantType>, scopes: Option<&str>) -> Client {
    Client {
        id: ClientId::new(id),
        name: Some(id.to_owned()),
        uri: None,
        redirect_uris: Vec::new(),
        auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
        secret: Some(Secret::new(format!("{id} secret")).digest()),
        keys: None,
        grant_types,
        scopes: scopes.map(|scopes| scopes.parse().unwrap()),
        refusals: None,
        created_at: gatehouse::model::Timestamp::from_seconds(0),
    }
}

impl House {
    async fn new() -> Self {
        let key = Key::new("k1");
        let issuer = FakeIssuer::start(&[&key]).await;
        let trust = trusted(&issuer, &["agent", "narrow", "reader"]);
        let server = Server::start_changed(move |tenant: Tenant| Tenant {
            identity_assertions: vec![trust.clone()],
            ..tenant
        })
        .await;
        let house = Self {
            server,
            issuer,
            key,
        };
        let bearer = vec![GrantType::JwtBearer];
        for client in [
            client("agent", bearer.clone(), None),
            client("narrow", bearer.clone(), Some("mcp:resources")),
            client("stranger", bearer, None),
            client("reader", vec![GrantType::AuthorizationCode], None),
        ] {
            let tenant = "t1".parse().unwrap();
            house
                .server
                .store
                .register_client(&tenant, &client)
                .await
                .unwrap();
        }
        house
    }

    /// A good assertion but for these claims; null takes one out.
    fn assertion(&self, changes: &Value) -> String {
        self.key
            .sign(&json!({ "typ": "oauth-id-jag+jwt" }), &self.claims(changes))
    }

    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer.url, "sub": "u-1", "aud": T1, "resource": format!("{T1}/mcp"),
            "client_id": "agent", "jti": format!("j-{}", rand()), "iat": NOW, "exp": NOW + 300,
            "scope": "mcp:tools mcp:resources metrics:read", "groups": ["staff"],
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    async fn exchange(&self, assertion: &str, extra: &[(&str, &str)]) -> Answer {
        self.exchange_as(CLIENT, assertion, extra).await
    }

    async fn exchange_as(
        &self,
        (id, secret): (&str, &str),
        assertion: &str,
        extra: &[(&str, &str)],
    ) -> Answer {
        let mut fields = vec![("grant_type", GRANT), ("assertion", assertion)];
        fields.extend_from_slice(extra);
        let credentials = format!("{id}:{secret}").replace(' ', "%20");
        self.server
            .token_with_basic("t1", &credentials, &fields)
            .await
    }

    async fn refused(&self, changes: Value, code: &str) {
        let answer = self.exchange(&self.assertion(&changes), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes}");
        assert_eq!(answer.json()["error"], code, "{changes}");
    }

    async fn user(&self) -> Option<User> {
        let (tenant, issuer) = ("t1".parse().unwrap(), &self.issuer.url);
        let found = self
            .server
            .store
            .find_user_by_identity(&tenant, issuer, "u-1");
        found.await.unwrap()
    }
}

/// A number that no other call gives.
fn rand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst)
}

#[tokio::test]
async fn a_client_gets_a_token_for_the_person_that_it_brings_the_word_of() {
    let house = House::new().await;
    let answer = house.exchange(&house.assertion(&json!({})), &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let token = answer.json();
    assert_eq!(token["scope"], "mcp:resources mcp:tools");
    assert_eq!(token.get("refresh_token"), None);
    let claims = house.server.claims("t1", &token);
    let user = house.user().await.unwrap();
    assert_eq!(claims.sub, user.id);
    assert_eq!(claims.client_id.as_str(), "agent");
    assert_eq!(claims.aud, format!("{T1}/mcp"));
    assert!(user.roles.contains("member") && user.roles.len() == 1);

    // The grant is there to be seen and taken back, until the token has ended.
    let (tenant, store) = ("t1".parse().unwrap(), &house.server.store);
    let at = |seconds| gatehouse::model::Timestamp::from_seconds(NOW + seconds);
    let live = store.list_grants(&tenant, &user.id, at(0)).await.unwrap();
    assert_eq!(Some(&live[0].grant.id), claims.grant_id.as_ref());
    let later = store
        .list_grants(&tenant, &user.id, at(1800))
        .await
        .unwrap();
    assert!(later.is_empty());
    let withdrawn = store.withdraw_consent(&tenant, &user.id, &claims.client_id, at(1));
    assert!(withdrawn.await.unwrap());

    // The same person again is the same account.
    let again = house.exchange(&house.assertion(&json!({})), &[]).await;
    assert_eq!(house.server.claims("t1", &again.json()).sub, user.id);
}

#[tokio::test]
async fn scopes_are_what_everyone_allows() {
    let house = House::new().await;
    let good = house.assertion(&json!({}));
    let answer = house
        .exchange(&good, &[("scope", "mcp:tools metrics:read x")])
        .await;
    assert_eq!(answer.json()["scope"], "mcp:tools");
    let good = house.assertion(&json!({ "scope": "mcp:resources" }));
    let answer = house.exchange(&good, &[]).await;
    assert_eq!(answer.json()["scope"], "mcp:resources");
    let good = house.assertion(&json!({ "client_id": "narrow" }));
    let narrow = ("narrow", "narrow secret");
    let answer = house.exchange_as(narrow, &good, &[]).await;
    assert_eq!(answer.json()["scope"], "mcp:resources");
    let silent = house.assertion(&json!({ "scope": null }));
    let answer = house.exchange(&silent, &[("scope", "mcp:tools")]).await;
    assert_eq!(answer.json()["scope"], "mcp:tools");
    for (assertion, asked) in [
        (json!({ "scope": "mcp:tools" }), "mcp:resources"),
        (json!({ "scope": "" }), "mcp:tools"),
        (json!({ "scope": "metrics:read" }), "metrics:read"),
    ] {
        let answer = house
            .exchange(&house.assertion(&assertion), &[("scope", asked)])
            .await;
        assert_eq!(answer.json()["error"], "invalid_grant", "{assertion}");
    }
}

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
        String::new(),
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
    let answer = house.exchange_as(CLIENT, "", &[("assertion", "a")]).await;
    assert_eq!(answer.json()["error"], "invalid_request");
    let wrong = house.assertion(&json!({}));
    let answer = house
        .exchange(&wrong, &[("resource", "https://other.example/mcp")])
        .await;
    assert_eq!(answer.json()["error"], "invalid_target");
}

#[tokio::test]
async fn a_disabled_person_stays_out_and_groups_that_are_gone_take_their_roles() {
    let house = House::new().await;
    house.exchange(&house.assertion(&json!({})), &[]).await;
    let user = house.user().await.unwrap();
    // No groups in it: what was last said counts.
    let silent = house
        .exchange(&house.assertion(&json!({ "groups": null })), &[])
        .await;
    assert_eq!(silent.status, StatusCode::OK, "{}", silent.body);
    // An older word than the last one changes nothing.
    house.server.clock.advance(10);
    let newer = json!({ "iat": NOW + 10, "groups": ["left"] });
    house.refused(newer, "invalid_grant").await;
    house
        .refused(json!({ "iat": NOW, "groups": ["staff"] }), "invalid_grant")
        .await;
    let back = json!({ "iat": NOW + 10, "groups": ["staff"] });
    let back = house.exchange(&house.assertion(&back), &[]).await;
    assert_eq!(back.status, StatusCode::OK);
    let tenant = "t1".parse().unwrap();
    let disabled = house
        .server
        .store
        .set_user_disabled(&tenant, &user.username, true);
    assert!(disabled.await.unwrap());
    house
        .refused(json!({ "iat": NOW + 10 }), "invalid_grant")
        .await;
}

#[tokio::test]
async fn an_issuer_out_of_reach_is_nobodys_fault() {
    let house = House::new().await;
    house.issuer.break_down(true);
    let assertion = house.assertion(&json!({}));
    let answer = house.exchange(&assertion, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    house.issuer.break_down(false);
    house.server.clock.advance(31);
    let answer = house.exchange(&assertion, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn the_grant_is_advertised_where_someones_word_is_taken() {
    let house = House::new().await;
    let metadata = house.server.get("t1", "/metadata").await.json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&json!(GRANT)));
    let profiles = &metadata["authorization_grant_profiles_supported"];
    assert_eq!(
        *profiles,
        json!(["urn:ietf:params:oauth:grant-profile:id-jag"])
    );
    let plain = Server::start().await;
    let metadata = plain.get("t1", "/metadata").await.json();
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(!grants.contains(&json!(GRANT)));
    assert_eq!(metadata.get("authorization_grant_profiles_supported"), None);
    let client = plain.public_client("t1").await;
    let fields = [
        ("grant_type", GRANT),
        ("client_id", &client),
        ("assertion", "a"),
    ];
    let answer = plain.token("t1", &fields).await;
    assert_eq!(answer.json()["error"], "unsupported_grant_type");
}
