//! Clients that authenticate by a signed assertion (RFC 7523; catalogue C07).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatehouse::model::{
    Client, ClientId, ClientKeys, GrantType, Timestamp, TokenEndpointAuthMethod,
};
use serde_json::{Value, json};

use crate::support::{Answer, CALLBACK, Page, Server, T1, VERIFIER, Web, change, form};

const NOW: i64 = 1_800_000_000;
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

enum Signer {
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn es256() -> Signer {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Signer::Es256(Box::new(pair))
}

impl Signer {
    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256",
                        "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Self::EdDsa(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) })
            }
            // RFC 8017, appendix A.1.1: a modulus of 2,048 bits begins at the tenth byte.
            Self::Rsa(pair) => {
                json!({ "kty": "RSA", "n": encode(&pair.public_key().as_ref()[9..265]),
                        "e": "AQAB" })
            }
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let pss: &dyn RsaEncoding = &RSA_PSS_SHA256;
                let encoding = if alg == "PS256" {
                    pss
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    fn assertion(&self, header: &Value, claims: &Value) -> String {
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let signature = self.sign(header["alg"].as_str().unwrap(), message.as_bytes());
        format!("{message}.{}", encode(signature))
    }
}

fn claims(client: &str, jti: &str) -> Value {
    json!({ "iss": client, "sub": client, "aud": T1, "iat": NOW, "exp": NOW + 60, "jti": jti })
}

#[test]
fn a_key_set_is_utf_8_throughout() {
    let set = |other: &[u8]| {
        let key = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","other":""#;
        let bytes = [key.as_bytes(), other, b"\"}]}"].concat();
        gatehouse::jose::JwkSet::parse(&bytes).is_ok()
    };
    assert!(set(b"text"));
    assert!(!set(b"\xff"));
}

async fn register(server: &Server, extra: Value) -> Answer {
    let mut metadata = json!({
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
    });
    for (name, value) in extra.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    server.register("t1", &metadata).await
}

/// The answer to a request with an assertion; a good one gets as far as the code that is none.
async fn present(server: &Server, assertion: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", "none"),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    server.token("t1", &fields).await
}

#[tokio::test]
async fn a_client_that_signs_may_act_for_itself_where_the_operator_lets_it() {
    let server = Server::start().await;
    let signer = es256();
    let client = Client {
        id: ClientId::new("nightly"),
        name: None,
        uri: None,
        redirect_uris: vec![],
        auth_method: TokenEndpointAuthMethod::PrivateKeyJwt,
        secret: None,
        keys: Some(ClientKeys::Inline(
            json!({ "keys": [signer.jwk("one")] }).to_string(),
        )),
        grant_types: vec![GrantType::ClientCredentials],
        scopes: Some("mcp:tools".parse().unwrap()),
        refusals: None,
        created_at: Timestamp::from_seconds(NOW),
    };
    let tenant = "t1".parse().unwrap();
    let by = change(&tenant);
    let registered = server.store.register_client(&by, &client);
    registered.await.unwrap();
    let header = json!({ "alg": "ES256", "kid": "one" });
    let assertion = |jti| signer.assertion(&header, &claims("nightly", jti));
    let (first, second) = (assertion("first"), assertion("second"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", first.as_str()),
    ];
    let answer = server.token("t1", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["scope"], "mcp:tools");
    // Nobody but the client has a say in such a token: it is good until it ends.
    let fields = [
        ("token", body["access_token"].as_str().unwrap()),
        ("client_assertion_type", TYPE),
        ("client_assertion", second.as_str()),
    ];
    let answer = server.send("t1", form("/introspect", &fields)).await;
    assert_eq!(answer.json()["active"], true, "{}", answer.body);
}

#[tokio::test]
async fn a_registered_client_signs_with_any_of_the_algorithms() {
    let server = Server::start().await;
    let rsa = || Signer::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
    let ed = Ed25519KeyPair::generate().unwrap();
    for (alg, signer) in [
        ("ES256", es256()),
        ("EdDSA", Signer::EdDsa(Box::new(ed))),
        ("RS256", rsa()),
        ("PS256", rsa()),
    ] {
        let jwks = json!({ "keys": [signer.jwk("one")] });
        let answer = register(&server, json!({ "jwks": jwks })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let registered = answer.json();
        assert_eq!(registered["jwks"], jwks);
        assert!(registered.get("client_secret").is_none());
        let id = registered["client_id"].as_str().unwrap();
        let code = server.code("t1", id, "alice", &[]).await;
        let header = json!({ "alg": alg, "kid": "one", "typ": "JWT" });
        let assertion = signer.assertion(&header, &claims(id, "first"));
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
            ("client_assertion_type", TYPE),
            ("client_assertion", &assertion),
        ];
        let answer = server.token("t1", &fields).await;
        assert_eq!(answer.status, 200, "{alg}: {}", answer.body);
        // RFC 7523 §3: the same assertion is good once.
        present(&server, &assertion)
            .await
            .assert_error(401, "invalid_client");
        let again = signer.assertion(&header, &claims(id, "second"));
        present(&server, &again)
            .await
            .assert_error(400, "invalid_grant");
        // Without an assertion it is nobody.
        let bare = [("grant_type", "authorization_code"), ("client_id", id)];
        let answer = server.token("t1", &bare).await;
        answer.assert_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn an_assertion_for_someone_else_or_for_ever_is_refused() {
    let server = Server::start().await;
    let signer = es256();
    let jwks = json!({ "keys": [signer.jwk("one")] });
    let registered = register(&server, json!({ "jwks": jwks })).await.json();
    let id = registered["client_id"].as_str().unwrap();
    let header = json!({ "alg": "ES256", "kid": "one" });
    for (member, value) in [
        ("iss", json!("someone")),
        ("sub", json!("someone")),
        ("aud", json!("https://mcp.example.com/t/two")),
        ("aud", json!(format!("{T1}/"))),
        ("aud", Value::Null),
        ("exp", json!(NOW - 31)),
        ("exp", json!(NOW + 3600)),
        ("exp", json!("tomorrow")),
        ("iat", json!(NOW + 60)),
        ("nbf", json!(NOW + 60)),
        ("jti", json!("")),
        ("jti", Value::Null),
    ] {
        let mut claims = claims(id, "jti");
        claims[member] = value;
        let answer = present(&server, &signer.assertion(&header, &claims)).await;
        answer.assert_error(401, "invalid_client");
    }
    for header in [
        json!({ "alg": "none", "kid": "one" }),
        json!({ "alg": "HS256", "kid": "one" }),
        json!({ "alg": "RS256", "kid": "one" }),
        json!({ "alg": "ES256", "kid": "other" }),
        json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" }),
        json!({ "alg": "ES256", "kid": "one", "crit": ["b64"] }),
    ] {
        let answer = present(&server, &signer.assertion(&header, &claims(id, "jti"))).await;
        answer.assert_error(401, "invalid_client");
    }
    let forged = es256().assertion(&header, &claims(id, "jti"));
    present(&server, &forged)
        .await
        .assert_error(401, "invalid_client");
    // None of them has spent the identifier, and several audiences will do.
    let mut several = claims(id, "jti");
    several["aud"] = json!(["https://other.example.com", format!("{T1}/token")]);
    present(&server, &signer.assertion(&header, &several))
        .await
        .assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn c07_keys_are_public_and_in_one_place() {
    let server = Server::start().await;
    let state = server.state().await;
    let jwk = es256().jwk("one");
    let with = |member: &str| {
        let mut jwk = jwk.clone();
        jwk[member] = "AQAB".into();
        json!({ "keys": [jwk] })
    };
    for extra in [
        json!({}),
        json!({ "jwks": { "keys": [jwk] }, "jwks_uri": "https://client.example.com/jwks" }),
        json!({ "jwks_uri": "http://client.example.com/jwks" }),
        json!({ "jwks": { "keys": [] } }),
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AQAB" }] } }),
        json!({ "jwks": with("d") }),
        json!({ "jwks": with("k") }),
        json!({ "jwks": with("qi") }),
    ] {
        let answer = register(&server, extra).await;
        answer.assert_error(400, "invalid_client_metadata");
    }
    assert_eq!(server.state().await, state);
}

#[tokio::test]
async fn f10_a_new_key_at_the_jwks_uri_is_found_once_per_cooldown() {
    let web = Web::start().await;
    let (url, keys) = (
        web.url("app.example.com", "/client.json"),
        web.url("app.example.com", "/jwks.json"),
    );
    let document = json!({
        "client_id": url,
        "client_name": "Assistant",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": keys,
    });
    web.serve("/client.json", Page::json(&document));
    let (first, second) = (es256(), es256());
    let publish = |jwk: Value| web.serve("/jwks.json", Page::json(&json!({ "keys": [jwk] })));
    publish(first.jwk("first"));
    let server = Server::start_on(&web).await;
    let sign = |signer: &Signer, kid: &str, jti: &str| {
        signer.assertion(&json!({ "alg": "ES256", "kid": kid }), &claims(&url, jti))
    };
    let answer = present(&server, &sign(&first, "first", "1")).await;
    answer.assert_error(400, "invalid_grant");
    assert_eq!(web.connections(), 2);
    publish(second.jwk("second"));
    for jti in ["2", "3", "4"] {
        let answer = present(&server, &sign(&second, "second", jti)).await;
        answer.assert_error(401, "invalid_client");
    }
    assert_eq!(web.connections(), 2);
    server.clock.advance(30);
    let answer = present(&server, &sign(&second, "second", "5")).await;
    answer.assert_error(400, "invalid_grant");
    assert_eq!(web.connections(), 3);
}
