//! Introspection (RFC 7662).

use serde_json::{Value, json};

use crate::support::{Answer, CALLBACK, Server, T1, VERIFIER, form};

/// A client with a secret, which may refresh, and tokens of alice's.
struct Confidential {
    id: String,
    secret: String,
}

impl Confidential {
    async fn register(server: &Server, tenant: &str) -> Self {
        let metadata = json!({
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let body = server.register(tenant, &metadata).await.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    async fn tokens(&self, server: &Server) -> Value {
        let code = server.code("t1", &self.id, "alice", &[]).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
        ];
        server.token("t1", &fields).await.json()
    }

    async fn ask(&self, server: &Server, tenant: &str, token: &str) -> Answer {
        let fields = [
            ("client_id", self.id.as_str()),
            ("client_secret", &self.secret),
            ("token", token),
        ];
        server.send(tenant, form("/introspect", &fields)).await
    }

    /// Asks about a token that isn't active, and hears nothing else.
    async fn assert_inactive(&self, server: &Server, tenant: &str, token: &str) {
        let answer = self.ask(server, tenant, token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), json!({ "active": false }));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn a_client_learns_what_its_tokens_are_good_for() {
    let server = Server::start().await;
    let client = Confidential::register(&server, "t1").await;
    let tokens = client.tokens(&server).await;
    let claims = server.claims("t1", &tokens);
    let answer = client
        .ask(&server, "t1", text(&tokens, "access_token"))
        .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let expected = json!({
        "active": true,
        "scope": "mcp:resources mcp:tools",
        "client_id": client.id,
        "sub": "id-of-alice",
        "iss": T1,
        "aud": format!("{T1}/mcp"),
        "exp": 1_800_001_800,
        "iat": 1_800_000_000,
        "jti": claims.jti,
        "token_type": "Bearer",
    });
    assert_eq!(answer.json(), expected);
    let answer = client
        .ask(&server, "t1", text(&tokens, "refresh_token"))
        .await;
    let expected = json!({
        "active": true,
        "scope": "mcp:resources mcp:tools",
        "client_id": client.id,
        "sub": "id-of-alice",
        "iss": T1,
        "aud": format!("{T1}/mcp"),
        "exp": 1_802_592_000,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_token_is_inactive_as_soon_as_it_is_of_no_use() {
    for statement in [
        "UPDATE grants SET revoked_at = 1",
        "DELETE FROM grants",
        "UPDATE users SET disabled = TRUE",
        "DELETE FROM users",
    ] {
        let server = Server::start().await;
        let client = Confidential::register(&server, "t1").await;
        let tokens = client.tokens(&server).await;
        server.sql(statement).await;
        for name in ["access_token", "refresh_token"] {
            client
                .assert_inactive(&server, "t1", text(&tokens, name))
                .await;
        }
    }
}

#[tokio::test]
async fn an_expired_rotated_or_unknown_token_is_inactive() {
    let server = Server::start().await;
    let client = Confidential::register(&server, "t1").await;
    let tokens = client.tokens(&server).await;
    let refresh = text(&tokens, "refresh_token");
    let secret = [("client_secret", client.secret.as_str())];
    let answer = server.refresh("t1", &client.id, refresh, &secret).await;
    assert_eq!(answer.status, 200);
    server.clock.advance(30 * 60);
    let forged = format!("{}x", text(&tokens, "access_token"));
    for token in [
        "unknown",
        "a.b.c",
        forged.as_str(),
        text(&tokens, "access_token"),
        refresh,
    ] {
        client.assert_inactive(&server, "t1", token).await;
    }
}

#[tokio::test]
async fn a_token_of_another_client_or_tenant_is_inactive() {
    let server = Server::start().await;
    let client = Confidential::register(&server, "t1").await;
    let tokens = client.tokens(&server).await;
    for tenant in ["t1", "t2"] {
        let other = Confidential::register(&server, tenant).await;
        for name in ["access_token", "refresh_token"] {
            let token = text(&tokens, name);
            other.assert_inactive(&server, tenant, token).await;
        }
    }
}

#[tokio::test]
async fn b07_whoever_is_not_authenticated_learns_nothing() {
    let server = Server::start().await;
    let client = Confidential::register(&server, "t1").await;
    let tokens = client.tokens(&server).await;
    let token = text(&tokens, "access_token");
    let public = server.public_client("t1").await;
    for fields in [
        vec![("client_id", public.as_str()), ("token", token)],
        vec![("client_id", client.id.as_str()), ("token", token)],
        vec![("token", token)],
        vec![("client_id", "unknown"), ("token", token)],
    ] {
        let answer = server.send("t1", form("/introspect", &fields)).await;
        answer.assert_error(401, "invalid_client");
        assert!(!answer.body.contains(token));
    }
    let nothing = [
        ("client_id", client.id.as_str()),
        ("client_secret", client.secret.as_str()),
    ];
    let answer = server.send("t1", form("/introspect", &nothing)).await;
    answer.assert_error(400, "invalid_request");
}
