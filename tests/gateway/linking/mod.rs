//! People who link their own accounts at a mounted server (credentials of the kind `user`).

mod api;
mod world;

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::Database;
use world::{Somebody, World, origin, sign_in};

/// Waits until what the gateway remembers for a moment is forgotten.
async fn until(what: impl AsyncFn() -> bool) {
    let found = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), found).await;
    found.expect("it never came to be");
}

fn token_of(answer: &Value) -> &str {
    let text = answer["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no result: {answer}"))
}

#[tokio::test]
async fn a_person_links_their_account_and_calls_with_its_token() {
    let world = World::start(Database::sqlite()).await;
    let mut ada = world.ada().await;
    assert_eq!(ada.tools().await, ["docs_connect_account"]);
    let call = json!({ "name": "docs_connect_account", "arguments": {} });
    let told = ada.ask("tools/call", call).await;
    assert!(token_of(&told).contains(ada.page().as_str()), "{told}");

    let there = ada.go().await;
    assert_eq!(there.origin().ascii_serialization(), origin(&world.issuer));
    let asked: Vec<(String, String)> = there.query_pairs().into_owned().collect();
    let has = |name: &str, value: &str| {
        assert!(
            asked.iter().any(|(key, is)| key == name && is == value),
            "{name}: {asked:?}"
        );
    };
    has("response_type", "code");
    has("client_id", "of-the-gateway");
    has("code_challenge_method", "S256");
    has("resource", &world.upstream.url);
    has("scope", "offline_access");
    let back = Somebody::back(&there);
    assert_eq!(ada.client.get(&back).await.status(), StatusCode::SEE_OTHER);
    let page = ada.account().await;
    assert!(page.contains("Connected on"), "{page}");
    assert_eq!(ada.tools().await, ["docs_search"]);
    assert_eq!(token_of(&ada.search().await), "canary-access-1");

    // Nobody else has it, and it rests under a seal.
    world
        .database
        .add_user_with(&world.configuration, "default", ("bob", "member"));
    for seen in world.upstream.seen().iter().chain(&world.issuer.seen()) {
        let whole = format!("{:?}{}", seen.headers, seen.text);
        assert!(!whole.contains(&ada.tokens.access), "g08: {whole}");
    }
    let path = world.database.url.strip_prefix("sqlite://").unwrap();
    for path in [path.to_owned(), format!("{path}-wal")] {
        let bytes = std::fs::read(path).unwrap_or_default();
        for secret in ["canary-access", "canary-refresh", "registered-canary"] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} stands in the database");
        }
    }

    let response = ada.press("disconnect").await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    until(async || ada.search().await["error"].is_object()).await;
    until(async || ada.tools().await == ["docs_connect_account"]).await;
    // RFC 7009 §2.1: the authorization server hears that the tokens are not needed any more.
    let revoked = || {
        let seen = world.issuer.seen().into_iter();
        let found = seen.into_iter().find(|seen| seen.path == "/revoke");
        found.map(|seen| (seen.text.clone(), seen.header("authorization").to_owned()))
    };
    until(async || revoked().is_some()).await;
    let (form, shown) = revoked().unwrap();
    assert_eq!(form, "token=canary-refresh-1&token_type_hint=refresh_token");
    assert!(shown.starts_with("Basic "), "{shown}");
}

#[tokio::test]
async fn one_persons_account_is_nobody_elses() {
    let world = World::start(Database::sqlite()).await;
    world
        .database
        .add_user_with(&world.configuration, "default", ("bob", "member"));
    let mut ada = world.ada().await;
    ada.link().await;
    assert_eq!(ada.tools().await, ["docs_search"]);
    let mut client = Client::register(&world.gateway).await;
    sign_in(&mut client, "bob").await;
    let tokens = client.tokens(world::SCOPES).await;
    let mut bob = Somebody { client, tokens };
    assert_eq!(bob.tools().await, ["docs_connect_account"]);
    assert!(bob.search().await["error"].is_object());
    assert!(bob.account().await.contains("Not connected"));
}

#[tokio::test]
async fn k09_the_way_back_is_of_one_browser_person_issuer_and_time() {
    let world = World::start(Database::sqlite()).await;
    world
        .database
        .add_user_with(&world.configuration, "default", ("bob", "member"));
    let mut ada = world.ada().await;
    let there = ada.go().await;
    let good = Somebody::back(&there);
    let changed = |name: &str, value: Option<&str>| {
        let mut url = good.clone();
        let pairs: Vec<(String, String)> = good.query_pairs().into_owned().collect();
        let others = pairs.iter().filter(|(key, _)| key != name);
        url.query_pairs_mut().clear().extend_pairs(others);
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    };
    for wrong in [
        changed("state", None),
        changed("state", Some("AAAA")),
        changed("iss", None),
        changed("iss", Some("https://as.example.com")),
    ] {
        let answer = ada.client.get(&wrong).await;
        assert!(answer.status().is_client_error() || answer.status() == StatusCode::BAD_GATEWAY);
    }
    // Another person's browser.
    let mut bob = Client::register(&world.gateway).await;
    sign_in(&mut bob, "bob").await;
    assert_eq!(bob.get(&good).await.status(), StatusCode::BAD_REQUEST);
    let token_requests = |world: &World| {
        let seen = world.issuer.seen();
        seen.iter().filter(|seen| seen.path == "/token").count()
    };
    assert_eq!(token_requests(&world), 0, "no code went anywhere");
    assert_eq!(ada.client.get(&good).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        ada.client.get(&good).await.status(),
        StatusCode::BAD_REQUEST,
        "spent"
    );
    // The same browser with Ada's cookie, in which somebody else has signed in since.
    ada.press("disconnect").await;
    let there = ada.go().await;
    let good = Somebody::back(&there);
    sign_in_anew(&mut ada.client, "bob").await;
    let answer = ada.client.get(&good).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(token_requests(&world), 1);
}

/// Signs Ada out of this browser and another person in.
async fn sign_in_anew(client: &mut Client, username: &str) {
    let page = reqwest::Url::parse(&format!("{}/account", client.base)).unwrap();
    let html = client.get(&page).await.text().await.unwrap();
    let (action, mut fields) = crate::client::form(&html, &page, "sign_out");
    fields.push(("sign_out".to_owned(), "yes".to_owned()));
    let request = client.request(reqwest::Method::POST, &action).form(&fields);
    client.browse(request).await;
    sign_in(client, username).await;
}

#[tokio::test]
async fn k09_a_server_that_names_another_authorization_server_is_not_followed() {
    let secret =
        ", issuer = \"ISSUER\", client_id = \"gw\", client_secret = { env = \"IDP_SECRET\" }";
    let database = Database::sqlite();
    let other = |_: &crate::fake_upstream::FakeUpstream| vec!["https://as.example.com".to_owned()];
    let world = World::start_with(database, secret, other).await;
    let mut ada = world.ada().await;
    let response = ada.press("connect").await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    let page = response.text().await.unwrap();
    assert!(
        page.contains("can’t be trusted") && !page.contains("as.example.com"),
        "{page}"
    );
    assert!(world.issuer.seen().is_empty());
}

#[tokio::test]
async fn a_configured_client_shows_its_secret_to_its_issuer_only() {
    let secret =
        ", issuer = \"ISSUER\", client_id = \"gw\", client_secret = { env = \"IDP_SECRET\" }";
    let named = |issuer: &crate::fake_upstream::FakeUpstream| vec![origin(issuer)];
    let world = World::start_with(Database::sqlite(), secret, named).await;
    let mut ada = world.ada().await;
    ada.link().await;
    let seen = world.issuer.seen();
    assert!(!seen.iter().any(|seen| seen.path == "/register"));
    let asked = seen.iter().find(|seen| seen.path == "/token").unwrap();
    assert!(asked.header("authorization").starts_with("Basic "));
    for seen in world.upstream.seen() {
        let whole = format!("{:?}{}", seen.headers, seen.text);
        assert!(!whole.contains("idp-client-secret-canary") && !whole.contains("Basic "));
    }
}

#[tokio::test]
async fn of_many_callers_at_two_replicas_one_renews_the_token() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let world = World::start(database.without_limits()).await;
    let mut ada = world.ada().await;
    // It is too short to be used at all.
    world.issued.lock().unwrap().lifetime = 10;
    ada.link().await;
    let replica = world.replica();
    let there = ada.client.at(&replica);
    let clients = [&ada.client, &there];
    let calls = (0..20).map(|number| {
        let params = json!({ "name": "docs_search" });
        let client = clients[number % 2];
        let ada = &ada;
        async move { ada.ask_at(client, "tools/call", params).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    for answer in answers {
        assert_eq!(token_of(&answer), "canary-access-2");
    }
    assert_eq!(world.issued.lock().unwrap().renewals, 1);
}

#[tokio::test]
async fn a_passing_failure_keeps_an_account_and_a_terminal_one_ends_it() {
    let world = World::start(Database::sqlite()).await;
    let mut ada = world.ada().await;
    world.issued.lock().unwrap().lifetime = 10;
    ada.link().await;
    for refusal in [
        (503, "temporarily_unavailable"),
        (400, "slow_down"),
        (404, ""),
    ] {
        world.issued.lock().unwrap().refusal = Some(refusal);
        assert!(ada.search().await["error"].is_object());
    }
    world.issued.lock().unwrap().refusal = None;
    until(async || ada.search().await["result"].is_object()).await;

    ada.press("disconnect").await;
    ada.link().await;
    world.issued.lock().unwrap().refusal = Some((400, "invalid_grant"));
    until(async || ada.search().await["error"].is_object()).await;
    assert!(ada.account().await.contains("Connect again"));
    until(async || ada.tools().await == ["docs_connect_account"]).await;
    let renewals = world.issuer.seen().len();
    ada.tools().await;
    assert_eq!(world.issuer.seen().len(), renewals, "it is not asked again");
    world.issued.lock().unwrap().refusal = None;
    world.issued.lock().unwrap().lifetime = 3600;
    ada.link().await;
    until(async || ada.tools().await == ["docs_search"]).await;
}

#[tokio::test]
async fn a_client_that_opens_pages_is_asked_to_and_the_call_goes_on() {
    let world = World::start(Database::sqlite()).await;
    let mut ada = world.ada().await;
    let call = |more: Value| {
        let mut params = json!({
            "name": "docs_connect_account", "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "url": {} } },
            },
        });
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
    };
    let send = async |ada: &Somebody, message: Value| -> Value {
        let request = ada.client.post("/mcp").bearer_auth(&ada.tokens.access);
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "docs_connect_account");
        let response = request.json(&message).send().await.unwrap();
        let text = response.text().await.unwrap();
        let data = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("data: {"));
        let text = data.map_or(text.clone(), |rest| format!("{{{rest}"));
        serde_json::from_str(&text).unwrap()
    };
    assert_eq!(ada.tools().await, ["docs_connect_account"]);
    let asked = send(&ada, call(json!({}))).await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    let question = &result["inputRequests"]["connect-account"]["params"];
    assert_eq!(question["mode"], "url");
    assert_eq!(question["url"], ada.page().as_str());
    let answers = |action: &str| {
        call(json!({
            "requestState": result["requestState"],
            "inputResponses": { "connect-account": { "action": action } },
        }))
    };
    let declined = send(&ada, answers("decline")).await;
    assert!(declined["error"].is_object(), "{declined}");
    // The person says that they go, and comes back linked while the call waits.
    let before = Somebody {
        client: ada.client.clone(),
        tokens: ada.tokens.clone(),
    };
    let (answered, ()) = tokio::join!(send(&before, answers("accept")), ada.link());
    assert!(token_of(&answered).contains("is connected"), "{answered}");
    assert_eq!(ada.tools().await, ["docs_search"]);
}
