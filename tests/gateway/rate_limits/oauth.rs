//! Budgets of the authorization server: registration, sign-in, tokens.

use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};

use super::{ACME, Place, ROOT, call, refused, request, wait};
use crate::client::{Client, Tokens};
use crate::process::Database;

const CLIENTS: &str = "SELECT count(*) FROM clients";

#[tokio::test]
async fn c02_a_flood_of_registrations_from_one_address_is_refused() {
    let place = Place::with("register = \"3/h\"\nregister_per_tenant = \"5/h\"");
    for _ in 0..3 {
        let registered = place.register(ROOT, "192.0.2.1").await;
        assert_eq!(registered.status(), StatusCode::CREATED);
    }
    for _ in 0..3 {
        refused(place.register(ROOT, "192.0.2.1").await, 20 * 60).await;
    }
    assert_eq!(place.database.count(CLIENTS).await, 3);
    // Others register, as many as the tenant takes from everywhere.
    for from in ["192.0.2.2", "2001:db8:0:1::1"] {
        let registered = place.register(ROOT, from).await;
        assert_eq!(registered.status(), StatusCode::CREATED);
    }
    refused(place.register(ROOT, "192.0.2.3").await, 12 * 60).await;
    assert_eq!(place.database.count(CLIENTS).await, 5);
    let elsewhere = place.register(ACME, "192.0.2.1").await;
    assert_eq!(elsewhere.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn c02_whoever_has_an_ipv6_network_is_one_address() {
    let place = Place::with("register = \"2/h\"");
    for number in 1..=2 {
        let from = format!("2001:db8:0:7::{number}");
        let registered = place.register(ROOT, &from).await;
        assert_eq!(registered.status(), StatusCode::CREATED);
    }
    refused(place.register(ROOT, "2001:db8:0:7:ffff::3").await, 30 * 60).await;
    let neighbour = place.register(ROOT, "2001:db8:0:8::1").await;
    assert_eq!(neighbour.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn m01_an_invented_address_is_no_way_around_a_limit() {
    let database = Database::sqlite();
    let gateway = database.serve_with(
        "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"",
        "[rate_limits]\nregister = \"3/h\"",
    );
    for number in 1..=6 {
        let metadata = serde_json::json!({ "redirect_uris": ["https://client.example.com/cb"] });
        let address = format!("192.0.2.{number}");
        let response = request(&gateway, Method::POST, &format!("{ROOT}/register"))
            .header("x-forwarded-for", &address)
            .header("forwarded", format!("for={address}"))
            .header("x-real-ip", &address)
            .header("cf-connecting-ip", &address)
            .json(&metadata)
            .send()
            .await
            .unwrap();
        if number <= 3 {
            assert_eq!(response.status(), StatusCode::CREATED);
        } else {
            refused(response, 20 * 60).await;
        }
    }
    // And behind a proxy, only what the proxy itself wrote counts.
    let place = Place::with("register = \"3/h\"");
    for number in 1..=6 {
        let from = format!("192.0.2.{number}, 198.51.100.7");
        let response = place.register(ROOT, &from).await;
        if number <= 3 {
            assert_eq!(response.status(), StatusCode::CREATED);
        } else {
            refused(response, 20 * 60).await;
        }
    }
}

#[tokio::test]
async fn the_audit_log_names_the_address_that_the_proxy_does() {
    let place = Place::with("");
    let registered = place.register(ROOT, "192.0.2.44").await;
    assert_eq!(registered.status(), StatusCode::CREATED);
    let logged = "SELECT (SELECT count(*) FROM audit_log WHERE address = '192.0.2.44') +
                         (SELECT count(*) FROM audit_pending WHERE address = '192.0.2.44')";
    assert_eq!(place.database.count(logged).await, 1);
}

#[tokio::test]
async fn whoever_opens_too_many_pages_gets_a_page_about_it() {
    let place = Place::with("authorize = \"4/h\"");
    let open = |path: &str, from: &str| {
        let request = place.request(Method::GET, &format!("{ROOT}{path}"), from);
        async move { request.send().await.unwrap() }
    };
    for path in ["/authorize", "/login", "/account", "/authorize?client_id=x"] {
        let response = open(path, "192.0.2.1").await;
        assert_ne!(response.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    for path in ["/authorize", "/login", "/account", "/login/callback"] {
        let response = open(path, "192.0.2.1").await;
        assert!((1..=15 * 60).contains(&wait(&response)), "{path}");
        assert!(!response.headers().contains_key(LOCATION));
        let kind = response.headers()[CONTENT_TYPE].to_str().unwrap();
        assert!(kind.starts_with("text/html"), "{kind}");
        let page = response.text().await.unwrap();
        assert!(page.contains("Too many requests"), "{page}");
    }
    // A client hears of it in its own way, and metadata is no part of it.
    let pushed = place.request(Method::POST, &format!("{ROOT}/par"), "192.0.2.1");
    refused(pushed.send().await.unwrap(), 15 * 60).await;
    let metadata = open("/.well-known/oauth-authorization-server", "192.0.2.1").await;
    assert_eq!(metadata.status(), StatusCode::OK);
    let other = open("/login", "192.0.2.2").await;
    assert_ne!(other.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_vendors_shared_address_is_not_punished_at_the_token_endpoint() {
    let place = Place::with(
        "register = \"2/h\"\nauthorize = \"2/h\"\ntoken = \"2/h\"\nper_address = \"100/h\"",
    );
    let ask = |path: &'static str, from: &str| {
        let request = place.request(Method::POST, &format!("{ROOT}{path}"), from);
        let request = request.form(&[("grant_type", "refresh_token")]);
        async move { request.send().await.unwrap() }
    };
    for path in ["/token", "/revoke"] {
        assert!(ask(path, "192.0.2.1").await.status().is_client_error());
    }
    for path in ["/token", "/revoke", "/introspect"] {
        refused(ask(path, "192.0.2.1").await, 30 * 60).await;
    }
    for _ in 0..200 {
        let shared = ask("/token", "160.79.104.10").await;
        assert_eq!(shared.status(), StatusCode::UNAUTHORIZED);
    }
    for _ in 0..5 {
        let shared = place.register(ROOT, "160.79.104.10").await;
        assert_eq!(shared.status(), StatusCode::CREATED);
    }
}

#[tokio::test]
async fn one_persons_tokens_are_limited_and_nothing_is_spent_for_a_refusal() {
    let limits = "[rate_limits]\ntoken_per_principal = \"3/m\"\nshared_addresses = [\"127.0.0.1\"]";
    let database = Database::sqlite();
    let gateway = database.serve_with("listen = \"127.0.0.1:0\"", limits);
    database.add_user("ada", "admin");
    let begun = Instant::now();
    let mut client = Client::register(&gateway).await;
    let mut tokens = client.tokens("mcp:tools").await;
    for _ in 0..2 {
        tokens = Tokens::read(client.refresh(&tokens.refresh).await).await;
    }
    let spent = "SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NOT NULL";
    assert_eq!(database.count(spent).await, 2);
    let response = client.refresh(&tokens.refresh).await;
    assert!(begun.elapsed().as_secs() < 20, "too slow a machine to say");
    refused(response, 20).await;
    assert_eq!(database.count(spent).await, 2);
    // Neither is a code: the grant is still there, as it was.
    assert_eq!(
        database
            .count("SELECT count(*) FROM grants WHERE revoked_at IS NOT NULL")
            .await,
        0
    );
    let listed = client.list_tools(&tokens.access).await;
    assert_eq!(listed.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_proves_itself_has_a_budget_and_one_that_is_only_named_has_none() {
    let place = Place::with("per_client = \"3/h\"");
    let registered = place
        .request(Method::POST, &format!("{ROOT}/register"), "192.0.2.1")
        .json(&serde_json::json!({ "redirect_uris": ["https://client.example.com/cb"] }))
        .send()
        .await
        .unwrap();
    let client: serde_json::Value = registered.json().await.unwrap();
    let (id, secret) = (
        client["client_id"].as_str().unwrap(),
        client["client_secret"].as_str(),
    );
    let introspect = |secret: &str| {
        let url = format!("{ROOT}/introspect");
        let request = place.request(Method::POST, &url, "192.0.2.1");
        let request = request.basic_auth(id, Some(secret)).form(&[("token", "x")]);
        async move { request.send().await.unwrap() }
    };
    for _ in 0..9 {
        let guessed = introspect("guessed").await;
        assert_eq!(guessed.status(), StatusCode::UNAUTHORIZED);
    }
    for _ in 0..3 {
        let asked = introspect(secret.unwrap()).await;
        assert_eq!(asked.status(), StatusCode::OK);
    }
    refused(introspect(secret.unwrap()).await, 20 * 60).await;
}

#[tokio::test]
async fn every_address_below_a_tenant_counts_and_probes_do_not() {
    let place = Place::with("per_address = \"4/h\"");
    let ask = |path: &str| {
        let request = place.request(Method::GET, &format!("{ROOT}{path}"), "192.0.2.1");
        async move { request.send().await.unwrap() }
    };
    let paths = [
        "/jwks",
        "/.well-known/oauth-protected-resource",
        "/login",
        "/mcp",
    ];
    for path in paths {
        assert_ne!(
            ask(path).await.status(),
            StatusCode::TOO_MANY_REQUESTS,
            "{path}"
        );
    }
    for path in paths {
        assert!(wait(&ask(path).await) > 0, "{path}");
    }
    for path in ["/livez", "/readyz", "/mcp/health"] {
        assert_eq!(ask(path).await.status(), StatusCode::OK, "{path}");
    }
    // From elsewhere a token is as good as before, from there it isn't even looked at.
    let token = place.token("default", "ada");
    let open = call(&place.gateway, ROOT, &token, "get_internal_metric").await;
    assert_eq!(open.status(), StatusCode::OK);
    let request = place.request(Method::POST, &format!("{ROOT}/mcp"), "192.0.2.1");
    let closed = request.bearer_auth(&token).send().await.unwrap();
    assert!(wait(&closed) > 0);
}
