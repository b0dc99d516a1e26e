//! What the admin API takes: nothing unknown (H02), nothing half, and lists in pages.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk::{ACME, Desk, SERVER};
use crate::process::Database;

/// The fields that a refusal names.
fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn h02_a_field_that_nobody_asked_for_is_refused_by_its_name() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    let user = desk.add_user("default", "ada").await;
    let whole = [
        (
            Method::POST,
            "/tenants".to_owned(),
            json!({ "slug": "acme", "public_url": ACME }),
        ),
        (
            Method::POST,
            "/tenants/default/users".to_owned(),
            json!({ "username": "eve", "roles": ["member"], "password": "correct horse" }),
        ),
        (
            Method::PUT,
            format!("/tenants/default/users/{user}/roles"),
            json!({ "roles": ["member"] }),
        ),
        (
            Method::POST,
            "/tenants/default/clients".to_owned(),
            json!({ "name": "Eve's", "scopes": ["mcp:tools"] }),
        ),
        (
            Method::POST,
            "/operators".to_owned(),
            json!({ "name": "eve", "role": "viewer" }),
        ),
    ];
    for (method, path, body) in whole {
        for (field, value) in [
            ("tenant_id", json!("globex")),
            ("is_admin", json!(true)),
            ("client_id", json!("chosen")),
            ("created_at", json!(0)),
            ("id", json!("chosen")),
        ] {
            let mut body = body.clone();
            body[field] = value;
            let (status, problem) = desk.ask(method.clone(), &path, Some(&body)).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} with {field}");
            assert_eq!(fields(&problem), [field], "{problem}");
        }
    }
    for path in ["/tenants", "/tenants/default/users", "/operators"] {
        let (status, problem) = desk
            .ask(Method::GET, &format!("{path}?offset=3"), None)
            .await;
        assert_eq!(
            (status, fields(&problem)),
            (StatusCode::BAD_REQUEST, vec!["offset"])
        );
    }
    let users = desk.get("/tenants/default/users").await;
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    assert_eq!(users["items"][0]["roles"], json!(["admin"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_told_at_once_and_no_password_with_it() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    let body = json!({ "usrname": "eve", "roles": "admin", "password": 12_345_678 });
    let (status, problem) = desk
        .ask(Method::POST, "/tenants/default/users", Some(&body))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        fields(&problem),
        ["password", "roles", "username", "usrname"],
        "{problem}"
    );
    assert!(!problem.to_string().contains("12345678"), "{problem}");

    let wrong_role = json!({ "username": "eve", "roles": ["king"], "password": "correct horse" });
    let short = json!({ "username": "eve", "roles": ["admin"], "password": "short" });
    for (body, field) in [(wrong_role, "roles"), (short, "password")] {
        let (status, problem) = desk
            .ask(Method::POST, "/tenants/default/users", Some(&body))
            .await;
        assert_eq!(
            (status, fields(&problem)),
            (StatusCode::BAD_REQUEST, vec![field])
        );
    }
    let request = desk.request(Method::POST, "/tenants/default/users");
    let refused = request
        .header("content-type", "text/plain")
        .body("{}")
        .send();
    let status = refused.await.unwrap().status();
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let request = desk.request(Method::POST, "/tenants/default/users");
    let long = request
        .header("content-type", "application/json")
        .body(vec![b' '; 300_000]);
    assert_eq!(
        long.send().await.unwrap().status(),
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h09_settings_that_name_files_or_programs_of_this_machine_are_refused() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    for (settings, field) in [
        (
            json!({ "branding": { "logo": "/etc/passwd" } }),
            "branding.logo",
        ),
        (
            json!({ "servers": [{ "name": "x", "command": ["/bin/sh"] }] }),
            "servers[0].command",
        ),
        (
            json!({ "servers": [{ "name": "x", "url": "https://10.0.0.1/mcp", "allow_private": ["10.0.0.0/8"] }] }),
            "servers[0].allow_private",
        ),
        (
            json!({ "servers": [{ "name": "x", "url": "https://example.com/v1", "openapi": "/etc/passwd" }] }),
            "servers[0].openapi",
        ),
        (
            json!({ "servers": [{ "name": "x", "url": "https://example.com/mcp",
                "credentials": { "kind": "bearer", "token": { "env": "PATH" } } }] }),
            "servers[0].credentials.token.env",
        ),
        (
            json!({ "registration": { "policy": "initial_access_token",
                "initial_access_token": { "file": "/etc/passwd" } } }),
            "registration.initial_access_token.file",
        ),
    ] {
        let body = json!({ "slug": "acme", "public_url": ACME, "settings": settings });
        let (status, problem) = desk.ask(Method::POST, "/tenants", Some(&body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        assert!(fields(&problem)[0].starts_with(field), "{problem}");
    }
    let tenants = desk.get("/tenants").await;
    assert_eq!(tenants["items"].as_array().unwrap().len(), 1);
}

async fn pages(database: Database) {
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    let mut names = Vec::new();
    for number in 0..5 {
        // In the order of bytes: capitals first.
        let name = format!("{}{number}", if number % 2 == 0 { "b" } else { "B" });
        desk.add_client("default", &name).await;
        desk.add_user("default", &name).await;
        names.push(name);
    }
    names.sort();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = desk
            .get(&format!("/tenants/default/users?limit=2{cursor}"))
            .await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(
            items
                .iter()
                .map(|user| user["username"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, names);
    let clients = desk.get("/tenants/default/clients?limit=5").await;
    assert_eq!(clients["items"].as_array().unwrap().len(), 5);
    assert!(clients.get("next").is_none());
    for (parameter, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("cursor=*", "cursor"),
    ] {
        let path = format!("/tenants/default/users?{parameter}");
        let (status, problem) = desk.ask(Method::GET, &path, None).await;
        assert_eq!(
            (status, fields(&problem)),
            (StatusCode::BAD_REQUEST, vec![field])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_pages_on_sqlite() {
    pages(Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_pages_on_postgres() {
    if let Some(database) = Database::postgres().await {
        pages(database).await;
    }
}
