//! An issuer on this machine: metadata, keys and whatever tokens a test wants signed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The issuer; it answers until the test ends.
pub(crate) struct FakeIssuer {
    /// Its issuer identifier.
    pub(crate) url: String,
    state: Arc<Published>,
}

/// A key pair.
pub(crate) struct Key {
    pub(crate) id: String,
    pair: EcdsaKeyPair,
}

#[derive(Default)]
struct Published {
    metadata: Mutex<Value>,
    keys: Mutex<Vec<Value>>,
    is_down: Mutex<bool>,
    key_requests: AtomicUsize,
}

impl Key {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256",
            "x": encode(&point[1..33]), "y": encode(&point[33..]),
        })
    }

    /// A token with this header over that of the key, and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(header, &claims.to_string())
    }

    /// The same where the claims are text, whatever it is.
    pub(crate) fn sign_text(&self, header: &Value, claims: &str) -> String {
        let mut whole = json!({ "alg": "ES256", "kid": self.id });
        for (name, value) in header.as_object().unwrap() {
            if value.is_null() {
                whole.as_object_mut().unwrap().remove(name);
            } else {
                whole[name] = value.clone();
            }
        }
        let message = format!("{}.{}", encode(whole.to_string()), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", encode(signature.unwrap()))
    }
}

impl FakeIssuer {
    /// An issuer that publishes these keys.
    pub(crate) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Published::default());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(key_set))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let issuer = Self { url, state };
        issuer.say("issuer", &json!(issuer.url));
        issuer.say("jwks_uri", &json!(format!("{}/keys", issuer.url)));
        issuer.publish(keys);
        issuer
    }

    /// Changes its metadata.
    pub(crate) fn say(&self, member: &str, value: &Value) {
        self.state.metadata.lock().unwrap()[member] = value.clone();
    }

    /// Publishes these keys and no others.
    pub(crate) fn publish(&self, keys: &[&Key]) {
        *self.state.keys.lock().unwrap() = keys.iter().map(|key| key.jwk()).collect();
    }

    /// Makes it answer every request with 500, or no more.
    pub(crate) fn break_down(&self, is_down: bool) {
        *self.state.is_down.lock().unwrap() = is_down;
    }

    /// How often its keys were asked for.
    pub(crate) fn key_requests(&self) -> usize {
        self.state.key_requests.load(Ordering::SeqCst)
    }
}

async fn metadata(State(state): State<Arc<Published>>) -> Response {
    if *state.is_down.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    Json(state.metadata.lock().unwrap().clone()).into_response()
}

async fn key_set(State(state): State<Arc<Published>>) -> Response {
    state.key_requests.fetch_add(1, Ordering::SeqCst);
    if *state.is_down.lock().unwrap() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let keys = state.keys.lock().unwrap().clone();
    Json(json!({ "keys": keys })).into_response()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
