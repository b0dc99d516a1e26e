//! Tokens that are bound to a key (RFC 9449): a client, its key, and whoever stole a token.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatehouse::model::{CodeVerifier, Digest, Random as _};
use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, REDIRECT_URI};
use crate::process::{Database, Gateway};

struct Prover {
    pair: EcdsaKeyPair,
    /// The newest nonce that the gateway gave out.
    nonce: Option<String>,
}

/// A request to be proven: its path, and the token that it carries.
type Proven<'a> = (&'a str, Option<&'a str>);

type Fields<'a> = &'a [(&'a str, &'a str)];

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Prover {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { pair, nonce: None }
    }

    fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "crv": "P-256", "kty": "EC",
                "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }

    fn thumbprint(&self) -> String {
        encode(Digest::of(self.jwk().to_string().as_bytes()).as_bytes())
    }

    fn proof(&self, client: &Client, (path, token): Proven<'_>) -> String {
        let mut id = [0; 12];
        gatehouse::model::SystemRandom.fill(&mut id);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut claims = json!({
            "jti": encode(id), "htm": "POST", "htu": format!("{}{path}", client.base),
            "iat": now.as_secs(),
        });
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        if let Some(token) = token {
            claims["ath"] = encode(Digest::of(token.as_bytes()).as_bytes()).into();
        }
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() });
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes());
        format!("{message}.{}", encode(signature.unwrap()))
    }

    fn remember(&mut self, response: &Response) {
        let nonce = response.headers().get("dpop-nonce").unwrap();
        self.nonce = Some(nonce.to_str().unwrap().to_owned());
    }

    /// Posts a form with a proof, with the nonce that is asked for.
    async fn post(&mut self, client: &Client, path: &str, fields: Fields<'_>) -> Response {
        if self.nonce.is_none() {
            let proof = self.proof(client, (path, None));
            let response = post(client, path, (fields, Some(&proof))).await;
            self.remember(&response);
            assert_eq!(error(response).await, is(400, "use_dpop_nonce"));
        }
        let proof = self.proof(client, (path, None));
        let response = post(client, path, (fields, Some(&proof))).await;
        self.remember(&response);
        response
    }

    /// Lists the tools with a bound token.
    async fn list_tools(&mut self, client: &Client, token: &str) -> Response {
        let proof = self.proof(client, ("/mcp", Some(token)));
        let response = list_tools(client, &format!("DPoP {token}"), Some(&proof)).await;
        self.remember(&response);
        response
    }
}

async fn post(
    client: &Client,
    path: &str,
    (fields, proof): (Fields<'_>, Option<&str>),
) -> Response {
    let request = client.post(path).form(fields);
    let request = match proof {
        Some(proof) => request.header("dpop", proof),
        None => request,
    };
    request.send().await.unwrap()
}

async fn list_tools(client: &Client, authorization: &str, proof: Option<&str>) -> Response {
    let mut request = client
        .post("/mcp")
        .header(AUTHORIZATION, authorization)
        .header("mcp-protocol-version", "2025-11-25")
        .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    request.send().await.unwrap()
}

async fn start() -> (Database, Gateway, Client) {
    let database = Database::sqlite();
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let client = Client::register(&gateway).await;
    (database, gateway, client)
}

/// The fields of the exchange of a new code.
async fn new_code(client: &mut Client) -> Vec<(&'static str, String)> {
    let verifier = CodeVerifier::generate(&gatehouse::model::SystemRandom);
    let code = client.code("mcp:tools", &verifier).await;
    exchange(client, code, &verifier)
}

fn exchange(client: &Client, code: String, verifier: &CodeVerifier) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "authorization_code".to_owned()),
        ("client_id", client.id.clone()),
        ("code", code),
        ("redirect_uri", REDIRECT_URI.to_owned()),
        ("code_verifier", verifier.expose().to_owned()),
    ]
}

fn borrowed<'a>(fields: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let pairs = fields.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

/// Tokens that are bound to the key of `prover`.
async fn bound_tokens(client: &mut Client, prover: &mut Prover) -> Value {
    let fields = new_code(client).await;
    let response = prover.post(client, "/token", &borrowed(&fields)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let tokens: Value = response.json().await.unwrap();
    assert_eq!(tokens["token_type"], "DPoP");
    tokens
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

async fn error(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"].as_str().unwrap().to_owned())
}

fn is(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[tokio::test]
async fn a_bound_token_serves_the_holder_of_its_key_and_nobody_else() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let tokens = bound_tokens(&mut client, &mut prover).await;
    let token = text(&tokens, "access_token");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap());
    let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    assert_eq!(claims["cnf"], json!({ "jkt": prover.thumbprint() }));
    let response = prover.list_tools(&client, token).await;
    assert_eq!(response.status(), StatusCode::OK);

    // RFC 9449 §7.2: stolen and presented as a bearer token.
    let response = list_tools(&client, &format!("Bearer {token}"), None).await;
    let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.starts_with("DPoP error=\"invalid_token\""),
        "{challenge}"
    );
    assert!(challenge.contains("algs=\"ES256 "), "{challenge}");
    assert_eq!(error(response).await, is(401, "invalid_token"));
    // With the thief's own key.
    let mut thief = Prover::new();
    thief.nonce.clone_from(&prover.nonce);
    let response = thief.list_tools(&client, token).await;
    assert_eq!(error(response).await, is(401, "invalid_token"));
    // Without a proof, and with proofs of something else.
    let bound = format!("DPoP {token}");
    for proof in [
        None,
        Some(prover.proof(&client, ("/mcp", None))),
        Some(prover.proof(&client, ("/mcp", Some("other")))),
        Some(prover.proof(&client, ("/token", Some(token)))),
        Some("garbage".to_owned()),
    ] {
        let response = list_tools(&client, &bound, proof.as_deref()).await;
        assert_eq!(
            error(response).await,
            is(401, "invalid_dpop_proof"),
            "{proof:?}"
        );
    }
}

#[tokio::test]
async fn a_proof_for_a_call_needs_a_nonce_and_is_good_once() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let tokens = bound_tokens(&mut client, &mut prover).await;
    let token = text(&tokens, "access_token");
    let bound = format!("DPoP {token}");
    let proof = prover.proof(&client, ("/mcp", Some(token)));
    let response = list_tools(&client, &bound, Some(&proof)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = list_tools(&client, &bound, Some(&proof)).await;
    assert_eq!(error(response).await, is(401, "invalid_dpop_proof"));

    for nonce in [None, Some("made up".to_owned())] {
        prover.nonce = nonce;
        let response = prover.list_tools(&client, token).await;
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(
            challenge.starts_with("DPoP error=\"use_dpop_nonce\""),
            "{challenge}"
        );
        assert_eq!(error(response).await, is(401, "use_dpop_nonce"));
        // The refusal brought a nonce that does.
        assert_eq!(
            prover.list_tools(&client, token).await.status(),
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_proof_for_the_token_endpoint_is_good_once() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let tokens = bound_tokens(&mut client, &mut prover).await;
    let proof = prover.proof(&client, ("/token", None));
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", &client.id),
        ("refresh_token", text(&tokens, "refresh_token")),
    ];
    let response = post(&client, "/token", (&fields, Some(&proof))).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = post(&client, "/token", (&fields, Some(&proof))).await;
    assert_eq!(error(response).await, is(400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn the_refresh_token_of_a_public_client_is_bound_to_its_key() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let tokens = bound_tokens(&mut client, &mut prover).await;
    let id = client.id.clone();
    let refresh = |token| [("grant_type", "refresh_token"), ("client_id", &*id), token];
    let fields = refresh(("refresh_token", text(&tokens, "refresh_token")));
    let response = post(&client, "/token", (&fields, None)).await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    let response = Prover::new().post(&client, "/token", &fields).await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    // None of that cost the client anything, and the successor is bound as well.
    let response = prover.post(&client, "/token", &fields).await;
    let next: Value = response.json().await.unwrap();
    assert_eq!(next["token_type"], "DPoP");
    let fields = refresh(("refresh_token", text(&next, "refresh_token")));
    let response = post(&client, "/token", (&fields, None)).await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    let response = prover.post(&client, "/token", &fields).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_bearer_token_is_none_for_the_other_scheme() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let bound = bound_tokens(&mut client, &mut prover).await;
    assert_eq!(
        prover
            .list_tools(&client, text(&bound, "access_token"))
            .await
            .status(),
        StatusCode::OK
    );
    let tokens = client.tokens("mcp:tools").await;
    let response = prover.list_tools(&client, &tokens.access).await;
    let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.starts_with("Bearer error=\"invalid_token\""),
        "{challenge}"
    );
    assert_eq!(error(response).await, is(401, "invalid_token"));
}

#[tokio::test]
async fn a_code_that_is_bound_to_a_key_is_exchanged_by_its_holder_only() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let verifier = CodeVerifier::generate(&gatehouse::model::SystemRandom);
    let mut url = client.authorization_url("mcp:tools", &verifier);
    url.query_pairs_mut()
        .append_pair("dpop_jkt", &prover.thumbprint());
    let code = client.approve(&url).await;
    let fields = exchange(&client, code, &verifier);
    let response = post(&client, "/token", (&borrowed(&fields), None)).await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    let response = Prover::new()
        .post(&client, "/token", &borrowed(&fields))
        .await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    let response = prover.post(&client, "/token", &borrowed(&fields)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_is_pushed_with_a_proof_is_bound_to_its_key() {
    let (_database, _gateway, mut client) = start().await;
    let mut prover = Prover::new();
    let verifier = CodeVerifier::generate(&gatehouse::model::SystemRandom);
    let url = client.authorization_url("mcp:tools", &verifier);
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut fields: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
    let response = prover.post(&client, "/par", &fields).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let pushed: Value = response.json().await.unwrap();
    let mut reference = url.clone();
    reference.query_pairs_mut().clear().extend_pairs([
        ("client_id", &*client.id),
        ("request_uri", text(&pushed, "request_uri")),
    ]);
    let code = client.approve(&reference).await;
    let exchange = exchange(&client, code, &verifier);
    let response = post(&client, "/token", (&borrowed(&exchange), None)).await;
    assert_eq!(error(response).await, is(400, "invalid_grant"));
    let response = prover.post(&client, "/token", &borrowed(&exchange)).await;
    assert_eq!(response.status(), StatusCode::OK);

    // RFC 9449 §10.1: both ways to name a key, and two keys.
    let other = Prover::new().thumbprint();
    fields.push(("dpop_jkt", &other));
    let response = prover.post(&client, "/par", &fields).await;
    assert_eq!(error(response).await, is(400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn the_metadata_of_both_servers_says_which_proofs_they_take() {
    let (_database, gateway, client) = start().await;
    for name in ["oauth-authorization-server", "oauth-protected-resource"] {
        let url = format!("{}/.well-known/{name}", gateway.url)
            .parse()
            .unwrap();
        let request = client.request(reqwest::Method::GET, &url);
        let document: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            document["dpop_signing_alg_values_supported"],
            json!(["ES256", "RS256", "PS256", "Ed25519", "EdDSA"])
        );
    }
}
