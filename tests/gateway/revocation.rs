//! Access that ends, ends everywhere within seconds (B01, B12, B24), without a question to the
//! database for each request: the replicas that refuse never took part in ending it.

use std::time::{Duration, Instant};

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::client::{Client, Tokens, form};
use crate::process::{Database, Gateway};

/// The bound that the documentation states.
const BOUND: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn b24_access_that_ends_is_refused_within_seconds_on_sqlite() {
    let database = Database::sqlite().without_limits();
    let gateway = database.serve();
    every_end(&database, &gateway, &gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b24_access_that_ends_is_refused_within_seconds_at_the_other_replica_on_postgres() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let database = database.without_limits();
    let one = database.serve();
    let two = database.replica_of(&one);
    every_end(&database, &one, &two).await;
}

/// Ends access at `one` or by command, each time in another way, and looks at `two`.
async fn every_end(database: &Database, one: &Gateway, two: &Gateway) {
    database.add_user("ada", "admin");
    let mut unharmed = Client::register(one).await;
    let unharmed_tokens = unharmed.tokens("mcp:tools").await;
    let asked = unharmed.at(two);

    let mut client = Client::register(one).await;
    for kind in ["access", "refresh"] {
        let tokens = client.tokens("mcp:tools").await;
        let token = match kind {
            "access" => &tokens.access,
            _ => &tokens.refresh,
        };
        assert_taken(&asked, &tokens).await;
        revoke(&client, token).await;
        assert_refused(&asked, &tokens, kind).await;
    }

    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = client.code("mcp:tools", &verifier).await;
    let tokens = Tokens::read(client.exchange(&code, &verifier).await).await;
    assert_taken(&asked, &tokens).await;
    let replay = client.exchange(&code, &verifier).await;
    assert_eq!(replay.status(), StatusCode::BAD_REQUEST);
    assert_refused(&asked, &tokens, "replayed code").await;

    let tokens = client.tokens("mcp:tools").await;
    assert_taken(&asked, &tokens).await;
    withdraw(&mut client).await;
    assert_refused(&asked, &tokens, "account page").await;

    let tokens = client.tokens("mcp:tools").await;
    assert_taken(&asked, &tokens).await;
    let removed = client.delete_registration().await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    assert_refused(&asked, &tokens, "registration deleted").await;

    let mut client = Client::register(one).await;
    let tokens = client.tokens("mcp:tools").await;
    assert_taken(&asked, &tokens).await;
    run(database, &["client", "remove", "--id", &client.id]);
    assert_refused(&asked, &tokens, "client removed").await;

    let service = service(database, one).await;
    assert_eq!(asked.list_tools(&service.1).await.status(), StatusCode::OK);
    run(database, &["client", "remove", "--id", &service.0]);
    refused_in_time(&asked, &service.1, "service removed").await;

    assert_taken(&asked, &unharmed_tokens).await;
    run(database, &["user", "disable", "--username", "ada"]);
    assert_refused(&asked, &unharmed_tokens, "user disabled").await;
    let refresh = unharmed.refresh(&unharmed_tokens.refresh).await;
    assert_eq!(refresh.status(), StatusCode::BAD_REQUEST);
    run(database, &["user", "enable", "--username", "ada"]);
    let refresh = unharmed.refresh(&unharmed_tokens.refresh).await;
    assert_eq!(refresh.status(), StatusCode::OK);
}

async fn assert_taken(client: &Client, tokens: &Tokens) {
    let response = client.list_tools(&tokens.access).await;
    assert_eq!(response.status(), StatusCode::OK);
}

async fn assert_refused(client: &Client, tokens: &Tokens, how: &str) {
    refused_in_time(client, &tokens.access, how).await;
}

async fn refused_in_time(client: &Client, token: &str, how: &str) {
    let begun = Instant::now();
    loop {
        let response = client.list_tools(token).await;
        if response.status() == StatusCode::UNAUTHORIZED {
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["error"], "invalid_token");
            return;
        }
        assert!(begun.elapsed() < BOUND, "still taken: {how}");
    }
}

async fn revoke(client: &Client, token: &str) {
    let fields = [("token", token), ("client_id", &client.id)];
    let response = client.post("/revoke").form(&fields).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

/// Takes back what the person allowed the client, on the page that lists it.
async fn withdraw(client: &mut Client) {
    let account = Url::parse(&format!("{}/account", client.base)).unwrap();
    let page = client.browse(client.request(Method::GET, &account)).await;
    let page = page.text().await.unwrap();
    let (action, mut fields) = form(&page, &account, "revoke");
    fields.push(("revoke".to_owned(), client.id.clone()));
    let request = client.request(Method::POST, &action).form(&fields);
    let response = client.browse(request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}

fn run(database: &Database, arguments: &[&str]) {
    let status = database.command(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?}");
}

/// A client that acts for itself, and a token of it.
async fn service(database: &Database, gateway: &Gateway) -> (String, String) {
    let arguments = ["client", "add", "--name", "Service", "--scope", "mcp:tools"];
    let output = database.command(&arguments).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let (id, secret) = line.trim().split_once('\t').unwrap();
    let response = crate::client::http()
        .post(format!("{}/token", gateway.url))
        .basic_auth(id, Some(secret))
        .form(&json!({ "grant_type": "client_credentials" }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body: Value = response.json().await.unwrap();
    (
        id.to_owned(),
        body["access_token"].as_str().unwrap().to_owned(),
    )
}
