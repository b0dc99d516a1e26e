//! What survives a restart, what two replicas agree on, and how the process ends.

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, Tokens};
use crate::process::Database;

/// One copy of each test for SQLite, one for Postgres where a server is named.
macro_rules! on_both_engines {
    ($($name:ident)*) => {
        mod sqlite { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(super::Database::sqlite()).await; }
        )* }
        mod postgres { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(database) = super::Database::postgres().await {
                    super::$name(database).await;
                }
            }
        )* }
    };
}

on_both_engines! {
    a_killed_process_comes_back_with_clients_grants_tokens_and_keys
    b02_two_replicas_redeem_a_code_once
    b13_two_replicas_rotate_a_refresh_token_once
    a_sign_in_begun_at_one_replica_ends_at_another
}

async fn error_of(response: reqwest::Response) -> String {
    let document: Value = response.json().await.unwrap();
    document["error"].as_str().unwrap().to_owned()
}

async fn a_killed_process_comes_back_with_clients_grants_tokens_and_keys(database: Database) {
    let gateway = database.serve();
    database.add_user("ada", "admin");
    let address = gateway.address().to_owned();
    let mut client = Client::register(&gateway).await;
    let first = client.tokens("mcp:tools").await;
    let rotated = Tokens::read(client.refresh(&first.refresh).await).await;
    gateway.kill();

    let gateway = database.serve_as(&format!("listen = \"{address}\""));
    assert_eq!(
        client.list_tools(&first.access).await.status(),
        StatusCode::OK
    );
    let again = Tokens::read(client.refresh(&rotated.refresh).await).await;
    assert_eq!(again.scope, "mcp:tools");
    assert_eq!(
        client.list_tools(&again.access).await.status(),
        StatusCode::OK
    );
    // The browser is still signed in as well.
    assert_eq!(client.tokens("mcp:tools").await.scope, "mcp:tools");
    drop(gateway);
}

async fn b02_two_replicas_redeem_a_code_once(database: Database) {
    let one = database.serve();
    let two = database.replica_of(&one);
    database.add_user("ada", "admin");
    let mut client = Client::register(&one).await;
    let other = client.at(&two);
    let verifier = CodeVerifier::generate(&SystemRandom);
    let code = client.code("mcp:tools", &verifier).await;
    let attempts = (0..50).map(|number| {
        let client = if number % 2 == 0 { &client } else { &other };
        client.exchange(&code, &verifier)
    });
    let responses = futures_util::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = responses
        .into_iter()
        .partition(|response| response.status() == StatusCode::OK);
    assert_eq!(won.len(), 1);
    for response in lost {
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(error_of(response).await, "invalid_grant");
    }
    // OAuth 2.1 §4.1.3: the replays revoked what the first exchange gave.
    for response in won {
        let tokens = Tokens::read(response).await;
        assert_eq!(
            error_of(client.refresh(&tokens.refresh).await).await,
            "invalid_grant"
        );
    }
}

async fn b13_two_replicas_rotate_a_refresh_token_once(database: Database) {
    let one = database.serve();
    let two = database.replica_of(&one);
    database.add_user("ada", "admin");
    let mut client = Client::register(&one).await;
    let other = client.at(&two);
    let tokens = client.tokens("mcp:tools").await;
    let attempts = (0..50).map(|number| {
        let client = if number % 2 == 0 { &client } else { &other };
        client.refresh(&tokens.refresh)
    });
    let mut successors = std::collections::HashSet::new();
    for response in futures_util::future::join_all(attempts).await {
        assert_eq!(response.status(), StatusCode::OK);
        successors.insert(Tokens::read(response).await.refresh);
    }
    assert_eq!(successors.len(), 1, "the family has forked");
}

async fn a_sign_in_begun_at_one_replica_ends_at_another(database: Database) {
    let one = database.serve();
    let two = database.replica_of(&one);
    database.add_user("ada", "admin");
    let mut client = Client::register(&one).await;
    let verifier = CodeVerifier::generate(&SystemRandom);
    let authorize = client.authorization_url("mcp:tools", &verifier);
    client.consent_page(&authorize).await;
    let mut elsewhere = client.at(&two);
    let code = elsewhere.code("mcp:tools", &verifier).await;
    let tokens = Tokens::read(client.exchange(&code, &verifier).await).await;
    assert_eq!(
        elsewhere.list_tools(&tokens.access).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_sigterm_ends_the_process_with_0() {
    let gateway = Database::sqlite().serve();
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn a_health_check_needs_no_more_than_the_program_itself() {
    let database = Database::sqlite();
    let gateway = database.serve();
    let server = format!("listen = \"{}\"", gateway.address());
    let health = |arguments: &[&str]| {
        let output = database.command_with(&server, "", arguments).output();
        let output = output.unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let ready = format!("{}/readyz answers 200\n", gateway.url);
    assert_eq!(health(&["health"]), (Some(0), ready));
    assert_eq!(health(&["health", "--live"]).0, Some(0));

    gateway.kill();
    let (code, said) = health(&["health"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("nobody serves at http://127.0.0.1:"),
        "{said}"
    );
}
