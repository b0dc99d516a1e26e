//! Several tenants in one process: by host and by path, each for itself.

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Tokens, http};
use crate::process::{Database, Gateway};

/// A second tenant by path, and a third by host.
const TENANTS: &str = r##"
[[tenants]]
slug = "acme"
public_url = "http://127.0.0.1:9/t/acme"
[tenants.registration]
policy = "open"
[tenants.branding]
name = "Acme & Sons"
colour = "#a01030"
logo = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="
[[tenants]]
slug = "globex"
public_url = "http://localhost:9"
[tenants.registration]
policy = "closed"
"##;
const ROOT: &str = "http://127.0.0.1:9";
const ACME: &str = "http://127.0.0.1:9/t/acme";
const GLOBEX: &str = "http://localhost:9";

fn start(database: &Database) -> Gateway {
    let server = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"";
    database.serve_with(server, TENANTS)
}

/// Asks the gateway for an address that it is known by.
pub(crate) async fn get(gateway: &Gateway, url: &str) -> Response {
    let url = url::Url::parse(url).unwrap();
    let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let below = &url[url::Position::BeforePath..];
    let request = http().get(format!("{}{below}", gateway.url));
    request.header(HOST, host).send().await.unwrap()
}

async fn document(gateway: &Gateway, url: &str) -> Value {
    let response = get(gateway, url).await;
    assert_eq!(response.status(), StatusCode::OK, "{url}");
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn e02_each_tenant_names_its_own_issuer_and_resource_everywhere() {
    let database = Database::sqlite();
    let gateway = start(&database);
    for (base, origin, path) in [
        (ROOT, ROOT, ""),
        (ACME, ROOT, "/t/acme"),
        (GLOBEX, GLOBEX, ""),
    ] {
        for address in [
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}/.well-known/openid-configuration{path}"),
            format!("{base}/.well-known/openid-configuration"),
        ] {
            let metadata = document(&gateway, &address).await;
            assert_eq!(metadata["issuer"], base, "{address}");
            assert_eq!(metadata["jwks_uri"], format!("{base}/jwks"));
        }
        let metadata = format!("{origin}/.well-known/oauth-protected-resource{path}/mcp");
        let resource = document(&gateway, &metadata).await;
        assert_eq!(resource["resource"], format!("{base}/mcp"));
        assert_eq!(resource["authorization_servers"], json!([base]));
        let refused = get(&gateway, &format!("{base}/mcp")).await;
        let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(
            challenge.contains(&format!("\"{metadata}\"")),
            "{challenge}"
        );
    }
    let mut keys = Vec::new();
    for base in [ROOT, ACME, GLOBEX] {
        let jwks = document(&gateway, &format!("{base}/jwks")).await;
        keys.push(jwks["keys"][0]["kid"].as_str().unwrap().to_owned());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    let address = format!("{GLOBEX}/.well-known/openid-configuration");
    let closed = document(&gateway, &address).await;
    assert_eq!(closed.get("registration_endpoint"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_b18_f04_what_one_tenant_gave_is_nothing_at_another() {
    let database = Database::sqlite();
    let gateway = start(&database);
    for tenant in ["default", "acme"] {
        database.add_user_to(tenant, ("ada", "admin"));
    }
    let mut root = Client::register_at(&gateway, ROOT).await;
    let mut acme = Client::register_at(&gateway, ACME).await;
    let (first, second) = (
        root.tokens("mcp:tools").await,
        acme.tokens("mcp:tools").await,
    );

    // Tokens: each at its own tenant and nowhere else.
    assert_eq!(
        root.list_tools(&first.access).await.status(),
        StatusCode::OK
    );
    assert_eq!(
        acme.list_tools(&second.access).await.status(),
        StatusCode::OK
    );
    for (client, token) in [(&root, &second), (&acme, &first)] {
        let refused = client.list_tools(&token.access).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    }
    // A client, its refresh token, a code and a sign-in of acme, at the root.
    let stranger = acme.moved_to(ROOT);
    let refused = stranger.refresh(&second.refresh).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = acme.code("mcp:tools", &verifier).await;
    assert_ne!(
        stranger.exchange(&code, &verifier).await.status(),
        StatusCode::OK
    );
    let mut with_cookies = root.clone();
    with_cookies.take_cookies_of(&acme);
    let authorize = with_cookies.authorization_url("mcp:tools", &verifier);
    let page = with_cookies.get(&authorize).await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER, "not signed in here");
    // None of that harmed them where they belong.
    let exchanged = acme.exchange(&code, &verifier).await;
    assert_eq!(exchanged.status(), StatusCode::OK);
    let again = acme.refresh(&second.refresh).await;
    Tokens::read(again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_branding_is_on_its_pages_and_on_no_other() {
    let database = Database::sqlite();
    let gateway = start(&database);
    for page in ["/account", "/authorize?client_id=nobody"] {
        let response = get(&gateway, &format!("{ACME}{page}")).await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY].clone();
        let policy = policy.to_str().unwrap();
        assert!(
            policy.contains("img-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let html = response.text().await.unwrap();
        for part in [
            "Acme &#38; Sons</span>",
            "--accent:#a01030",
            "/t/acme/logo\"",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let response = get(&gateway, &format!("{ROOT}{page}")).await;
        let policy = response.headers()[CONTENT_SECURITY_POLICY].clone();
        assert!(!policy.to_str().unwrap().contains("img-src"));
        let html = response.text().await.unwrap();
        assert!(html.contains("Gatehouse</span>") && !html.contains("Acme"));
    }
    let logo = get(&gateway, &format!("{ACME}/logo")).await;
    assert_eq!(logo.headers()[CONTENT_TYPE], "image/svg+xml");
    assert_eq!(logo.headers()["x-content-type-options"], "nosniff");
    let policy = logo.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("sandbox"), "{policy}");
    let none = get(&gateway, &format!("{ROOT}/logo")).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let resource = format!("{ROOT}/.well-known/oauth-protected-resource/t/acme/mcp");
    let named = document(&gateway, &resource).await;
    assert_eq!(named["resource_name"], "Acme & Sons");
}
