//! Metadata and keys (catalogue E02, E04, E05).

use serde_json::json;

use crate::support::{Server, T1, T2};

#[tokio::test]
async fn e02_the_issuer_is_the_tenants_public_url_to_the_byte() {
    let server = Server::start().await;
    for (tenant, issuer) in [("t1", T1), ("t2", T2)] {
        let document = server.get(tenant, "/metadata").await.json();
        assert_eq!(document["issuer"], issuer);
        for (member, path) in [
            ("authorization_endpoint", "/authorize"),
            ("token_endpoint", "/token"),
            ("registration_endpoint", "/register"),
            ("pushed_authorization_request_endpoint", "/par"),
            ("revocation_endpoint", "/revoke"),
            ("introspection_endpoint", "/introspect"),
            ("jwks_uri", "/jwks"),
        ] {
            assert_eq!(document[member], format!("{issuer}{path}"));
        }
    }
}

#[tokio::test]
async fn e04_the_metadata_names_what_the_endpoints_do() {
    let server = Server::start().await;
    let document = server.get("t1", "/metadata").await.json();
    for (member, value) in [
        ("code_challenge_methods_supported", json!(["S256"])),
        ("response_types_supported", json!(["code"])),
        (
            "grant_types_supported",
            json!(["authorization_code", "refresh_token", "client_credentials"]),
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!([
                "none",
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt"
            ]),
        ),
        (
            "revocation_endpoint_auth_methods_supported",
            json!([
                "none",
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt"
            ]),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!([
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt"
            ]),
        ),
        ("require_pushed_authorization_requests", json!(false)),
        (
            "authorization_response_iss_parameter_supported",
            json!(true),
        ),
        (
            "scopes_supported",
            json!([
                "mcp:resources",
                "mcp:tools",
                "metrics:read",
                "offline_access"
            ]),
        ),
    ] {
        assert_eq!(document[member], value, "{member}");
    }
    assert_eq!(document["client_id_metadata_document_supported"], true);
    let algorithms = json!(["ES256", "RS256", "PS256", "Ed25519", "EdDSA"]);
    for endpoint in ["token", "revocation", "introspection"] {
        let member = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
        assert_eq!(document[&member], algorithms, "{member}");
    }
}

#[tokio::test]
async fn e05_only_public_keys_are_published() {
    let server = Server::start().await;
    let first = server.get("t1", "/jwks").await.json();
    let keys = first["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let members: Vec<&String> = keys[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["kty", "crv", "x", "y", "use", "alg", "kid"]);
    assert_eq!(keys[0]["use"], "sig");
    assert_eq!(keys[0]["alg"], "ES256");
    let other = server.get("t2", "/jwks").await.json();
    assert_ne!(other["keys"][0]["kid"], keys[0]["kid"]);
}
