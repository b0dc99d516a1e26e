//! A fake identity provider that says whatever a test wants it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

/// A provider on a port of its own; it ends when this is dropped.
pub(crate) struct FakeIdp {
    pub(crate) url: String,
    shared: Arc<Mutex<Script>>,
    server: JoinHandle<()>,
}

/// What the provider says, and what it was asked.
pub(crate) struct Script {
    url: String,
    keys: Vec<EcdsaKeyPair>,
    /// The key that signs, and those that are published.
    pub(crate) signs: usize,
    pub(crate) published: Vec<usize>,
    /// Laid over the metadata.
    pub(crate) metadata: Value,
    /// Laid over the header and the claims of ID tokens; null takes one out.
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// What the browser brings back, in place of a code.
    pub(crate) answer: Vec<(&'static str, String)>,
    /// Paths that answer with another status and this text.
    pub(crate) broken: HashMap<&'static str, (StatusCode, &'static str)>,
    /// Paths that never answer.
    pub(crate) silent: Vec<&'static str>,
    /// What a refresh says; none where no refresh token is given.
    pub(crate) refresh: Option<Refresh>,
    pub(crate) seen: Vec<(String, String, String)>,
    nonces: HashMap<String, String>,
    count: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    Renew,
    Refuse,
}

pub(crate) const CLIENT: &str = "gatehouse-at-idp";
pub(crate) const SECRET: &str = "idp-client-secret-canary";

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_secs()).unwrap()
}

fn overlay(mut base: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().into_iter().flatten() {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

impl FakeIdp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let pair = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let shared = Arc::new(Mutex::new(Script {
            url: url.clone(),
            keys: vec![pair(), pair(), pair()],
            signs: 0,
            published: vec![0],
            metadata: json!({}),
            header: json!({}),
            claims: json!({}),
            answer: Vec::new(),
            broken: HashMap::new(),
            silent: Vec::new(),
            refresh: None,
            seen: Vec::new(),
            nonces: HashMap::new(),
            count: 0,
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            shared,
            server,
        }
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.lock().unwrap()
    }

    /// How often a path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        let script = self.script();
        script.seen.iter().filter(|(seen, ..)| seen == path).count()
    }

    /// A signed token of these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.script().sign(header, claims)
    }

    /// Keys of one provider in a configuration.
    pub(crate) fn configuration(&self) -> String {
        format!(
            "issuer = \"{}\"\nclient_id = \"{CLIENT}\"\nclient_secret = {{ env = \"IDP_SECRET\" }}\n\
             algorithms = [\"ES256\"]\n",
            self.url
        )
    }
}

impl Drop for FakeIdp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Script {
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let base = json!({ "alg": "ES256", "kid": format!("key-{}", self.signs) });
        let header = overlay(base, header);
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.keys[self.signs].sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", encode(signature.unwrap()))
    }

    fn id_token(&self, nonce: Option<&str>) -> String {
        let base = json!({
            "iss": self.url, "aud": CLIENT, "sub": "subject-1", "sid": "session-1",
            "iat": now(), "exp": now() + 300, "nonce": nonce, "groups": ["staff"],
            "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace",
            "preferred_username": "ada",
        });
        let claims = overlay(base, &self.claims);
        let claims = overlay(claims.clone(), &json!({ "nonce": claims["nonce"] }));
        self.sign(&self.header, &claims)
    }

    fn metadata(&self) -> Value {
        let url = &self.url;
        let base = json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/jwks"),
            "scopes_supported": ["openid", "profile", "email", "groups"],
        });
        overlay(base, &self.metadata)
    }

    fn jwks(&self) -> Value {
        let jwk = |number: &usize| {
            let point = self.keys[*number].public_key().as_ref().to_vec();
            json!({ "kty": "EC", "crv": "P-256", "kid": format!("key-{number}"), "use": "sig",
                    "x": encode(&point[1..33]), "y": encode(&point[33..]) })
        };
        json!({ "keys": self.published.iter().map(jwk).collect::<Vec<_>>() })
    }

    fn authorize(&mut self, query: &HashMap<String, String>) -> Response {
        self.count += 1;
        let code = format!("code-{}", self.count);
        self.nonces.insert(code.clone(), query["nonce"].clone());
        let mut answer = self.answer.clone();
        if answer.is_empty() {
            answer.push(("code", code));
        }
        answer.push(("state", query["state"].clone()));
        let answer = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(answer)
            .finish();
        Redirect::to(&format!("{}?{answer}", query["redirect_uri"])).into_response()
    }

    fn token(&mut self, fields: &HashMap<String, String>) -> Response {
        let refused = || {
            let body = json!({ "error": "invalid_grant" });
            (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
        };
        let id_token = if fields["grant_type"] == "refresh_token" {
            if self.refresh != Some(Refresh::Renew) {
                return refused();
            }
            self.id_token(None)
        } else {
            let Some(nonce) = self.nonces.get(&fields["code"]) else {
                return refused();
            };
            self.id_token(Some(nonce))
        };
        self.count += 1;
        let mut tokens = json!({ "access_token": "idp-access-token", "token_type": "Bearer",
                                 "id_token": id_token });
        if self.refresh.is_some() {
            tokens["refresh_token"] = format!("idp-refresh-token-canary-{}", self.count).into();
        }
        axum::Json(tokens).into_response()
    }
}

async fn answer(State(shared): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = parts.uri.query().unwrap_or_default();
    let parameters: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .chain(form_urlencoded::parse(&body))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let authorization = parts.headers.get("authorization");
    let authorization = authorization.map_or("", |value| value.to_str().unwrap());
    let silent = {
        let mut script = shared.lock().unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        script
            .seen
            .push((path.clone(), body, authorization.to_owned()));
        script.silent.contains(&path.as_str())
    };
    if silent {
        return std::future::pending().await;
    }
    let mut script = shared.lock().unwrap();
    if let Some((status, text)) = script.broken.get(path.as_str()) {
        return (*status, [("location", "http://127.0.0.1:9/")], *text).into_response();
    }
    if path.ends_with("/.well-known/openid-configuration") {
        return axum::Json(script.metadata()).into_response();
    }
    match path.as_str() {
        "/jwks" => axum::Json(script.jwks()).into_response(),
        "/authorize" => script.authorize(&parameters),
        "/token" => script.token(&parameters),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
