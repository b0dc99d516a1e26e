//! Clients that come with an identity provider's word about their user (ID-JAG; RFC 7523 §3).

mod granted;
mod refused;

use std::collections::BTreeMap;

use gatehouse::model::{
    AssertionIssuer, Client, ClientId, GrantType, IdentityProvider, KeySource, Secret, Tenant,
    TokenEndpointAuthMethod, User,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::fake_issuer::{FakeIssuer, Key};
use crate::support::{Answer, Server, T1, change};

pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(super) const CLIENT: (&str, &str) = ("agent", "agent secret");

pub(super) struct House {
    pub(super) server: Server,
    pub(super) issuer: FakeIssuer,
    pub(super) key: Key,
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
    pub(super) async fn new() -> Self {
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
            let change = change(&"t1".parse().unwrap());
            house
                .server
                .store
                .register_client(&change, &client)
                .await
                .unwrap();
        }
        house
    }

    /// A good assertion but for these claims; null takes one out.
    pub(super) fn assertion(&self, changes: &Value) -> String {
        self.key
            .sign(&json!({ "typ": "oauth-id-jag+jwt" }), &self.claims(changes))
    }

    pub(super) fn claims(&self, changes: &Value) -> Value {
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

    pub(super) async fn exchange(&self, assertion: &str, extra: &[(&str, &str)]) -> Answer {
        self.exchange_as(CLIENT, assertion, extra).await
    }

    pub(super) async fn exchange_as(
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

    pub(super) async fn refused(&self, changes: Value, code: &str) {
        let answer = self.exchange(&self.assertion(&changes), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes}");
        assert_eq!(answer.json()["error"], code, "{changes}");
    }

    pub(super) async fn user(&self) -> Option<User> {
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
