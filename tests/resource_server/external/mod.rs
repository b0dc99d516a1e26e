//! A tenant with an external authorization server: which of its tokens are taken, and when its keys
//! are asked for.

mod claims;
mod keys;
mod mapping;

use std::collections::BTreeMap;
use std::sync::Arc;

use gatehouse::model::{
    Authorization, ExternalAuthorization, ExternalTokenType, KeySource, Role, Tenant,
};
use gatehouse::resource_server::InvalidAccessToken;
use serde_json::{Value, json};

use crate::fake_issuer::{FakeIssuer, Key};
use crate::support::{World, set};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const AUDIENCE: &str = "https://api.example.com";

pub(crate) struct House {
    pub(crate) world: World,
    pub(crate) issuer: FakeIssuer,
    pub(crate) key: Key,
}

impl House {
    pub(crate) async fn new() -> Self {
        let key = Key::new("k1");
        Self {
            world: World::new(),
            issuer: FakeIssuer::start(&[&key]).await,
            key,
        }
    }

    pub(crate) fn external(&self) -> ExternalAuthorization {
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

    pub(crate) fn tenant(&self, external: ExternalAuthorization) -> Tenant {
        let role = Role {
            scopes: set("everything"),
        };
        Tenant {
            authorization: Authorization::External(Arc::new(external)),
            roles: BTreeMap::from([("admin".to_owned(), role)]),
            ..self.world.tenant.clone()
        }
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url, "sub": "ada", "aud": AUDIENCE, "client_id": "app",
            "iat": NOW, "exp": NOW + 600, "jti": "1", "scope": "mcp:tools weather:other",
        })
    }

    /// A good token but for these claims; null takes one out.
    pub(crate) fn token(&self, changes: &Value) -> String {
        self.key
            .sign(&json!({ "typ": "at+jwt" }), &self.changed(changes))
    }

    pub(crate) fn changed(&self, changes: &Value) -> Value {
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

    pub(crate) async fn scopes(
        &self,
        tenant: &Tenant,
        token: &str,
    ) -> Result<String, InvalidAccessToken> {
        let principal = self.world.tokens.authenticate(tenant, token).await?;
        Ok(principal.scopes.to_string())
    }

    pub(crate) async fn refusal(&self, token: &str) -> InvalidAccessToken {
        let tenant = self.tenant(self.external());
        self.scopes(&tenant, token).await.unwrap_err()
    }
}
