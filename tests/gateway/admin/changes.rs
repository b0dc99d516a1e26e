//! What operators change is so at every replica within seconds, without a restart.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::desk::{ACME, Desk, SERVER};
use super::walk::until_known;
use crate::client::{Client, Tokens};
use crate::process::{Database, Gateway};
use crate::tenants::get;

/// The bound that the documentation states for access that ends.
const BOUND: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(20);

/// Asks until it holds.
async fn until(what: &str, deadline: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(
            begun.elapsed() < deadline,
            "not within {deadline:?}: {what}"
        );
    }
}

async fn metadata(gateway: &Gateway) -> Value {
    let url = format!("{ACME}/.well-known/openid-configuration");
    get(gateway, &url).await.json().await.unwrap()
}

async fn refused(what: &str, client: &Client, tokens: &Tokens) {
    until(what, BOUND, async || {
        client.list_tools(&tokens.access).await.status() == StatusCode::UNAUTHORIZED
    })
    .await;
    let refreshed = client.refresh(&tokens.refresh).await;
    assert_eq!(refreshed.status(), StatusCode::BAD_REQUEST, "{what}");
}

async fn taken(client: &Client, tokens: &Tokens) {
    assert_eq!(
        client.list_tools(&tokens.access).await.status(),
        StatusCode::OK
    );
}

/// Changes everything at `one`, and looks at `two`.
async fn all_changes(database: &Database, one: &Gateway, two: &Gateway) {
    let desk = Desk::admin(database, one);
    desk.add_tenant("acme", ACME).await;
    until_known(one, ACME).await;
    until_known(two, ACME).await;

    assert!(metadata(two).await.get("registration_endpoint").is_some());
    let user = desk.add_user("acme", "ada").await;
    let mut client = Client::register_at(one, ACME).await;
    end_in_every_way(&desk, &user, &mut client, two).await;

    let closed = json!({ "settings": { "registration": { "policy": "closed" } } });
    let (status, replaced) = desk.ask(Method::PUT, "/tenants/acme", Some(&closed)).await;
    assert_eq!(status, StatusCode::OK, "{replaced}");
    assert_eq!(replaced["settings"]["registration"]["policy"], "closed");
    until("registration is closed", DEADLINE, async || {
        metadata(two).await.get("registration_endpoint").is_none()
    })
    .await;

    let rotated = desk.post("/tenants/acme/keys/rotate", Value::Null).await;
    assert_eq!(rotated["begun"], true);
    let keys = desk.get("/tenants/acme/keys").await;
    assert_eq!(keys["items"][0]["state"], "next");
    assert_eq!(keys["items"][1]["state"], "active");
    until("the new key is published", DEADLINE, async || {
        let jwks: Value = get(two, &format!("{ACME}/jwks"))
            .await
            .json()
            .await
            .unwrap();
        jwks["keys"].as_array().unwrap().len() == 2
    })
    .await;

    desk.act(Method::DELETE, "/tenants/acme").await;
    until("the tenant is gone", DEADLINE, async || {
        let answer = get(two, &format!("{ACME}/mcp")).await;
        answer.status() == StatusCode::NOT_FOUND
    })
    .await;
    let (status, _) = desk.ask(Method::GET, "/tenants/acme", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

async fn end_in_every_way(desk: &Desk, user: &str, client: &mut Client, two: &Gateway) {
    let tokens = client.tokens("mcp:tools").await;
    let asked = client.at(two);
    taken(&asked, &tokens).await;
    let path = format!("/tenants/acme/grants?user={user}&client={}", client.id);
    let grants = desk.get(&path).await;
    assert_eq!(grants["items"].as_array().unwrap().len(), 1, "{grants}");
    let grant = grants["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/tenants/acme/grants/{grant}");
    desk.act(Method::DELETE, &path).await;
    refused("a revoked grant", &asked, &tokens).await;
    assert!(desk.get(&path).await["revoked_at"].is_string());

    let tokens = client.tokens("mcp:tools").await;
    taken(&asked, &tokens).await;
    desk.act(
        Method::POST,
        &format!("/tenants/acme/users/{user}/sign-out"),
    )
    .await;
    refused("someone signed out everywhere", &asked, &tokens).await;
    let account = format!("{ACME}/account").parse().unwrap();
    let page = client.get(&account).await.text().await.unwrap();
    assert!(
        page.contains("name=\"password\""),
        "the browser is still signed in"
    );

    let tokens = client.tokens("mcp:tools").await;
    desk.act(Method::POST, &format!("/tenants/acme/users/{user}/disable"))
        .await;
    refused("someone disabled", &asked, &tokens).await;
    desk.act(Method::POST, &format!("/tenants/acme/users/{user}/enable"))
        .await;

    let roles = json!({ "roles": ["member"] });
    let path = format!("/tenants/acme/users/{user}/roles");
    let (status, _) = desk.ask(Method::PUT, &path, Some(&roles)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let path = format!("/tenants/acme/users/{user}");
    assert_eq!(desk.get(&path).await["roles"], json!(["member"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_change_holds_without_a_restart_on_sqlite() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    all_changes(&database, &gateway, &gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_change_holds_at_the_other_replica_on_postgres() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let one = database.serve_with(SERVER, "");
    let two = database.serve_with(SERVER, "");
    all_changes(&database, &one, &two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_and_the_api_see_the_same_and_refuse_the_same() {
    let database = Database::sqlite();
    let gateway = database.serve_with(SERVER, "");
    let desk = Desk::admin(&database, &gateway);
    desk.add_tenant("acme", ACME).await;
    desk.add_user("acme", "ada").await;
    let run = |arguments: &[&str]| {
        let output = database
            .command_with(SERVER, "", arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, users) = run(&["user", "list", "--tenant", "acme"]);
    assert_eq!(code, Some(0));
    assert!(users.starts_with("ada\tadmin\t"), "{users}");
    for (arguments, method, path, body, text) in [
        (
            &[
                "user",
                "add",
                "--username",
                "a b",
                "--role",
                "admin",
                "--password-stdin",
            ][..],
            Method::POST,
            "/tenants/default/users",
            json!({ "username": "a b", "roles": ["admin"], "password": "correct horse" }),
            "a user name has 1 to 128 bytes",
        ),
        (
            &["client", "add", "--name", "x"],
            Method::POST,
            "/tenants/default/clients",
            json!({ "name": "x" }),
            "needs at least one scope",
        ),
        (
            &[
                "tenant",
                "add",
                "acme",
                "--public-url",
                "http://127.0.0.1:9/t/other",
            ],
            Method::POST,
            "/tenants",
            json!({ "slug": "acme", "public_url": "http://127.0.0.1:9/t/other" }),
            "there is a tenant acme already",
        ),
        (
            &["tenant", "remove", "default", "--yes"],
            Method::DELETE,
            "/tenants/default",
            Value::Null,
            "can't be removed",
        ),
    ] {
        let (code, said) = run(arguments);
        assert!(matches!(code, Some(1 | 64)), "{arguments:?}: {code:?}");
        assert!(said.contains(text), "{said}");
        let body = (!body.is_null()).then_some(body);
        let (status, problem) = desk.ask(method, path, body.as_ref()).await;
        assert!(status.is_client_error(), "{path}: {status}");
        assert!(
            problem["detail"].as_str().unwrap().contains(text),
            "{problem}"
        );
    }
}
