//! A changed configuration, taken up while serving: as a whole or not at all.

use std::fs;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, http};
use crate::process::{Database, Gateway, Lines};

pub(crate) const TAKEN: &str = "the configuration was taken up";
pub(crate) const REFUSED: &str = "the configuration was not taken up: the one before goes on";

/// The log's next line about a configuration, which has this message.
pub(crate) fn next(lines: &mut Lines, message: &str) -> Value {
    let line = lines
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap_or_default())
        .find(|line| line["message"] == TAKEN || line["message"] == REFUSED)
        .unwrap();
    assert_eq!(line["message"], message, "{line}");
    line
}

fn rewrite(file: &Path, change: impl FnOnce(String) -> String) {
    let text = change(fs::read_to_string(file).unwrap());
    // Written beside and put in place, as editors do.
    let beside = file.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, file).unwrap();
}

async fn status(gateway: &Gateway, path: &str) -> StatusCode {
    let url = format!("{}{path}", gateway.url);
    http().get(url).send().await.unwrap().status()
}

async fn reloads(gateway: &Gateway, outcome: &str) -> bool {
    let url = format!("{}/metrics", gateway.admin.as_ref().unwrap());
    let text = http().get(url).send().await.unwrap().text().await.unwrap();
    text.contains(&format!(
        "gatehouse_config_reloads_total{{gatehouse_outcome=\"{outcome}\"}} 1"
    ))
}

/// A tenant below the address of the gateway.
fn tenant(gateway: &Gateway, slug: &str) -> String {
    format!(
        "\n[[tenants]]\nslug = \"{slug}\"\npublic_url = \"{}/t/{slug}\"\n",
        gateway.url
    )
}

#[tokio::test]
async fn what_is_written_into_the_file_is_taken_up_by_itself() {
    let database = Database::sqlite();
    database.add_user("ada", "admin");
    let (gateway, mut lines, file) = database.serve_file("");
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let path = "/t/acme/.well-known/oauth-authorization-server";
    assert_eq!(status(&gateway, path).await, StatusCode::NOT_FOUND);

    let acme = tenant(&gateway, "acme");
    rewrite(&file, |text| {
        text + "[tools.get_forecast]\nvisibility = \"hidden\"\nscopes = [\"metrics:read\"]\n"
            + &acme
    });
    next(&mut lines, TAKEN);
    assert_eq!(status(&gateway, path).await, StatusCode::OK);
    // Tokens from before go on, by the rules of now.
    let listed = client.list_tools(&token).await;
    assert_eq!(listed.status(), StatusCode::OK);
    let listed = listed.text().await.unwrap();
    assert!(listed.contains("get_alerts"), "{listed}");
    assert!(!listed.contains("\"get_forecast\""), "{listed}");
    assert!(reloads(&gateway, "accepted").await);

    rewrite(&file, |text| text.replace(&acme, ""));
    next(&mut lines, TAKEN);
    assert_eq!(status(&gateway, path).await, StatusCode::NOT_FOUND);
    assert_eq!(gateway.terminate(), Some(0));
}

#[tokio::test]
async fn r35_a_file_with_mistakes_leaves_the_one_before_in_use_and_names_them_all() {
    let database = Database::sqlite();
    database.add_user("ada", "admin");
    let (gateway, mut lines, file) = database.serve_file("");
    let mut client = Client::register(&gateway).await;
    let token = client.tokens("mcp:tools").await.access;
    let acme = tenant(&gateway, "acme");
    rewrite(&file, |text| {
        text + "[tokens]\naccess_ttl = \"never\"\n[surprise]\nkey = 1\n" + &acme
    });
    let line = next(&mut lines, REFUSED);
    let error = line["error"].as_str().unwrap();
    assert!(
        error.contains("tokens.access_ttl") && error.contains("surprise"),
        "{error}"
    );
    assert_eq!(client.list_tools(&token).await.status(), StatusCode::OK);
    let path = "/t/acme/.well-known/oauth-authorization-server";
    assert_eq!(status(&gateway, path).await, StatusCode::NOT_FOUND);
    assert!(reloads(&gateway, "refused").await);

    // It is said once, and once more when somebody asks.
    gateway.signal("-HUP");
    next(&mut lines, REFUSED);
    rewrite(&file, |text| {
        text.replace("access_ttl = \"never\"", "access_ttl = \"5m\"")
            .replace("[surprise]\nkey = 1\n", "")
    });
    next(&mut lines, TAKEN);
    assert_eq!(status(&gateway, path).await, StatusCode::OK);
}

#[tokio::test]
async fn what_holds_for_the_life_of_a_process_is_refused_by_name() {
    let database = Database::sqlite();
    let (gateway, mut lines, file) = database.serve_file("");
    rewrite(&file, |text| {
        text.replace(
            "listen = \"127.0.0.1:0\"\nadmin",
            "listen = \"127.0.0.1:1\"\nadmin",
        ) + "[audit]\narguments = true\n"
    });
    let line = next(&mut lines, REFUSED);
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("server.listen, audit"), "{error}");
    assert_eq!(status(&gateway, "/livez").await, StatusCode::OK);
}

#[tokio::test]
async fn a_tenant_that_an_operator_added_is_not_taken_over() {
    let database = Database::sqlite();
    let (gateway, mut lines, file) = database.serve_file("");
    let url = format!("{}/t/acme", gateway.url);
    let added = database
        .command(&["tenant", "add", "acme", "--public-url", &url])
        .output()
        .unwrap();
    assert!(added.status.success(), "{added:?}");
    let acme = tenant(&gateway, "acme");
    rewrite(&file, |text| text + &acme);
    let line = next(&mut lines, REFUSED);
    assert!(line["error"].as_str().unwrap().contains("acme"), "{line}");
}

#[tokio::test]
async fn a_configmap_that_is_exchanged_and_a_secret_that_changes_are_taken_up() {
    let database = Database::sqlite();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    fs::write(&secret, "first-initial-access-token").unwrap();
    let registration = format!(
        "[registration]\npolicy = \"initial_access_token\"\n\
         initial_access_token = {{ file = \"{}\" }}\n",
        secret.display()
    );
    let (gateway, mut lines, file) = database.serve_file(&registration);
    let register = |token: &'static str| {
        let metadata = serde_json::json!({ "redirect_uris": ["http://127.0.0.1:1/callback"] });
        let url = format!("{}/register", gateway.url);
        let request = http().post(url).bearer_auth(token).json(&metadata);
        async { request.send().await.unwrap().status() }
    };
    let (first, second) = ("first-initial-access-token", "second-initial-access-token");
    assert_eq!(register(first).await, StatusCode::CREATED);
    fs::write(&secret, second).unwrap();
    next(&mut lines, TAKEN);
    assert_eq!(register(first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(register(second).await, StatusCode::CREATED);

    // Kubernetes puts a link to another folder in the place of the one before.
    let text = fs::read_to_string(&file).unwrap();
    let one = folder.path().join("one.toml");
    fs::write(&one, &text).unwrap();
    let link = file.with_extension("link");
    std::os::unix::fs::symlink(&one, &link).unwrap();
    fs::rename(&link, &file).unwrap();
    let two = folder.path().join("two.toml");
    fs::write(
        &two,
        text.replace(&registration, "[registration]\npolicy = \"closed\"\n"),
    )
    .unwrap();
    std::os::unix::fs::symlink(&two, &link).unwrap();
    fs::rename(&link, &file).unwrap();
    next(&mut lines, TAKEN);
    assert_eq!(register(second).await, StatusCode::FORBIDDEN);
}
