//! Operators come, end and go; of their tokens the database has digests only.

use std::time::Instant;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::desk::{ACME, Desk, SERVER, add_operator};
use crate::process::Database;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_told_once_and_stored_as_a_digest() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    let new = json!({ "name": "ada", "role": "viewer", "expires_in": "90d" });
    let added = desk.post("/operators", new).await;
    let token = added["token"].as_str().unwrap();
    assert!(
        token.starts_with("gatehouse_op_") && token.len() > 50,
        "{token}"
    );
    let ada = desk.with_token(token);
    let me = ada.get("/self").await;
    assert_eq!(me["name"], "ada");
    assert!(me["expires_at"].is_string());
    assert!(!desk.get("/operators").await.to_string().contains(token));
    for token in [token, &desk.token] {
        let path = database.url.strip_prefix("sqlite://").unwrap();
        for file in [path.to_owned(), format!("{path}-wal")] {
            let bytes = std::fs::read(file).unwrap_or_default();
            let needle = token.as_bytes();
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
    desk.act(Method::DELETE, "/operators/ada").await;
    let (status, _) = ada.ask(Method::GET, "/self", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_when_its_time_is_over() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let brief = ["brief", "--role", "viewer", "--expires-in", "2s"];
    let desk = Desk::open(&database, &gateway, &brief);
    let begun = Instant::now();
    while desk.ask(Method::GET, "/self", None).await.0 != StatusCode::UNAUTHORIZED {
        assert!(begun.elapsed().as_secs() < 10, "the token is still good");
    }
}

async fn end_with_the_tenant(database: Database) {
    let gateway = database.serve_with(SERVER, "");
    let root = Desk::admin(&database, &gateway);
    root.add_tenant("acme", ACME).await;
    let restricted = ["acme-admin", "--role", "admin", "--tenant", "acme"];
    let acme = Desk::open(&database, &gateway, &restricted);
    assert_eq!(acme.get("/tenants/acme").await["slug"], "acme");
    root.act(Method::DELETE, "/tenants/acme").await;
    root.add_tenant("acme", ACME).await;
    let (status, _) = acme.ask(Method::GET, "/tenants/acme", None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_of_a_tenant_end_with_it_on_sqlite() {
    end_with_the_tenant(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_of_a_tenant_end_with_it_on_postgres() {
    if let Some(database) = Database::postgres().await {
        end_with_the_tenant(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_and_removes_operators() {
    let database = Database::sqlite();
    drop(add_operator(&database, &["ada", "--role", "operator"]));
    let run = |arguments: &[&str]| {
        let output = database.command(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, listed) = run(&["operator", "list"]);
    assert_eq!(code, Some(0));
    assert!(
        listed.starts_with("ada\toperator\t*\t") && listed.ends_with("\t-\n"),
        "{listed}"
    );
    let (code, said) = run(&["operator", "add", "ada", "--role", "viewer"]);
    assert_eq!(
        (code, said.contains("there is an operator ada already")),
        (Some(1), true),
        "{said}"
    );
    assert_eq!(
        run(&["operator", "add", "A", "--role", "viewer"]).0,
        Some(64)
    );
    assert_eq!(run(&["operator", "remove", "ada"]).0, Some(0));
    let (code, said) = run(&["operator", "remove", "ada"]);
    assert_eq!(
        (code, said.contains("there is no operator \"ada\"")),
        (Some(1), true),
        "{said}"
    );
}
