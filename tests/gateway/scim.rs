//! Identity providers that keep people and groups here (RFC 7644), with the requests that Okta and
//! Entra send.

use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::http;
use crate::process::{Database, Gateway};

const TENANTS: &str = r#"
[[tenants]]
slug = "acme"
public_url = "http://127.0.0.1:9/t/acme"
[tenants.scim]
issuer = "https://idp.example.com"
default_role = "member"
[tenants.scim.roles]
"Weather admins" = "admin"
[[tenants]]
slug = "globex"
public_url = "http://localhost:9"
[tenants.scim]
[[tenants]]
slug = "initech"
public_url = "http://127.0.0.1:9/t/initech"
"#;
pub(crate) const ACME: &str = "http://127.0.0.1:9/t/acme";
pub(crate) const GLOBEX: &str = "http://localhost:9";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A tenant's identity provider.
pub(crate) struct Provider<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) base: &'static str,
    pub(crate) token: String,
}

pub(crate) fn start(database: &Database) -> Gateway {
    let server = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"";
    database.serve_with(server, TENANTS)
}

pub(crate) fn command(database: &Database, arguments: &[&str]) -> String {
    let output = database
        .command_with("public_url = \"http://127.0.0.1:9\"", TENANTS, arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl<'a> Provider<'a> {
    pub(crate) fn of(
        database: &Database,
        gateway: &'a Gateway,
        slug: &str,
        base: &'static str,
    ) -> Self {
        let token = command(database, &["scim", "token", "--tenant", slug]);
        Self {
            gateway,
            base,
            token,
        }
    }

    /// Asks, and expects an answer with this status.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        status: u16,
    ) -> Value {
        let url = url::Url::parse(self.base).unwrap();
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let target = format!("{}{}/scim/v2{path}", self.gateway.url, url.path());
        let target = target.replace("//scim", "/scim");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = http()
            .request(method, target)
            .header(HOST, host)
            .bearer_auth(&self.token);
        if let Some(body) = &body {
            let media_type = (CONTENT_TYPE, "application/scim+json; charset=utf-8");
            request = request
                .header(media_type.0, media_type.1)
                .body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (found, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        assert_eq!(found, status, "{path}: {text}");
        if status == 204 {
            return Value::Null;
        }
        assert_eq!(headers[CONTENT_TYPE], "application/scim+json", "{path}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        if status == 201 {
            assert_eq!(
                headers[LOCATION].to_str().unwrap(),
                answer["meta"]["location"]
            );
        }
        if status == 401 {
            assert_eq!(headers[WWW_AUTHENTICATE], "Bearer");
        }
        if status >= 400 {
            let error = "urn:ietf:params:scim:api:messages:2.0:Error";
            assert_eq!(answer["schemas"], json!([error]));
            assert_eq!(answer["status"], status.to_string());
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None, 200).await
    }

    pub(crate) async fn add(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, Some(body), 201).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Value {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.ask("PATCH", path, Some(body), 200).await
    }
}

pub(crate) fn person(name: &str, key: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": name,
        "externalId": key,
        "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "primary": true, "value": name, "type": "work" }],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}

pub(crate) fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

/// The roles of an account, as operators see them.
fn roles(database: &Database, name: &str) -> String {
    let users = command(database, &["user", "list", "--tenant", "acme"]);
    let line = users.lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_keeps_people_and_groups_on_sqlite() {
    okta(&Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_keeps_people_and_groups_on_postgres() {
    if let Some(database) = Database::postgres().await {
        okta(&database).await;
    }
}

async fn okta(database: &Database) {
    let gateway = start(database);
    let okta = Provider::of(database, &gateway, "acme", ACME);
    okta.get("/ServiceProviderConfig").await;
    let path = "/Users?filter=userName%20eq%20%22ada%40example.com%22&startIndex=1&count=100";
    let none = okta.get(path).await;
    assert_eq!(
        (&none["totalResults"], &none["Resources"]),
        (&json!(0), &json!([]))
    );

    let ada = okta.add("/Users", person("ada@example.com", "00u1")).await;
    assert_eq!(ada["emails"][0]["value"], "ada@example.com");
    assert_eq!(ada.get("password"), None);
    let user = format!("/Users/{}", id(&ada));
    assert_eq!(okta.get(&user).await, ada);
    let found = okta.get(&path.replace("ada%40", "ADA%40")).await;
    assert_eq!(found["Resources"], json!([ada]));
    let taken = person("Ada@example.com", "00u2");
    let taken = okta.ask("POST", "/Users", Some(taken), 409).await;
    assert_eq!(taken["scimType"], "uniqueness");
    assert!(roles(database, "ada@example.com").contains("member"));

    // Okta replaces people whole, and disables them without a path.
    let mut whole = person("ada@example.org", "00u1");
    whole["displayName"] = json!("Countess");
    let whole = okta.ask("PUT", &user, Some(whole), 200).await;
    assert_eq!(whole["userName"], "ada@example.org");
    assert_eq!(whole["id"], ada["id"]);

    let members = json!([{ "value": id(&ada), "display": "ada@example.org" }]);
    let group = json!({ "schemas": [GROUP], "displayName": "Weather admins", "members": members });
    let group = okta.add("/Groups", group).await;
    assert!(roles(database, "ada@example.org").contains("admin"));
    let path = format!("/Groups/{}", id(&group));
    let selected = format!("members[value eq \"{}\"]", id(&ada));
    let left = okta.patch(&path, json!([{ "op": "remove", "path": selected }]));
    assert_eq!(left.await["members"], json!([]));
    assert!(!roles(database, "ada@example.org").contains("admin"));
    let value = json!({ "id": id(&group), "displayName": "Weather people" });
    let renamed = okta.patch(&path, json!([{ "op": "replace", "value": value }]));
    assert_eq!(renamed.await["displayName"], "Weather people");

    let access = access_token(database, &gateway, "ada@example.org").await;
    let off = json!([{ "op": "replace", "value": { "active": false } }]);
    assert_eq!(okta.patch(&user, off).await["active"], false);
    refused_in_time(&gateway, &access).await;
    let on = json!([{ "op": "replace", "value": { "active": true } }]);
    assert_eq!(okta.patch(&user, on).await["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn entra_keeps_people_and_groups_on_sqlite() {
    entra(&Database::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entra_keeps_people_and_groups_on_postgres() {
    if let Some(database) = Database::postgres().await {
        entra(&database).await;
    }
}

async fn entra(database: &Database) {
    let gateway = start(database);
    let entra = Provider::of(database, &gateway, "acme", ACME);
    let mut bob = person("bob@example.com", "0a21f0f2");
    bob["active"] = json!("True");
    bob["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
        json!({ "department": "x" });
    let bob = entra.add("/Users", bob).await;
    let user = format!("/Users/{}", id(&bob));
    let operations = json!([
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "bob@example.net" },
        { "op": "Replace", "path": "name.familyName", "value": "Builder" },
        { "op": "Add", "value": { "name.givenName": "Bob", "displayName": "Bob B" } },
        { "op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
          "value": "y" },
    ]);
    let changed = entra.patch(&user, operations).await;
    assert_eq!(changed["emails"][0]["value"], "bob@example.net");
    assert_eq!(changed["name"]["familyName"], "Builder");
    assert_eq!(changed["name"]["givenName"], "Bob");
    assert_eq!(changed["displayName"], "Bob B");

    let path = "/Groups?excludedAttributes=members&filter=displayName+eq+%22Weather+admins%22";
    assert_eq!(entra.get(path).await["totalResults"], 0);
    let group =
        json!({ "schemas": [GROUP], "externalId": "8aa1", "displayName": "Weather admins" });
    let group = entra.add("/Groups", group).await;
    let found = entra.get(path).await;
    assert_eq!(found["Resources"][0].get("members"), None);
    let path = format!("/Groups/{}", id(&group));
    let value = json!([{ "$ref": null, "value": id(&bob) }]);
    let joined = entra.patch(
        &path,
        json!([{ "op": "Add", "path": "members", "value": value }]),
    );
    assert_eq!(joined.await["members"][0]["value"], bob["id"]);
    assert!(roles(database, "bob@example.com").contains("admin"));
    let left = entra.patch(
        &path,
        json!([{ "op": "Remove", "path": "members", "value": value }]),
    );
    assert_eq!(left.await["members"], json!([]));
    assert!(!roles(database, "bob@example.com").contains("admin"));

    let token = access_token(database, &gateway, "bob@example.com").await;
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    assert_eq!(entra.patch(&user, off).await["active"], false);
    refused_in_time(&gateway, &token).await;
    entra.ask("DELETE", &user, None, 204).await;
    entra.ask("GET", &user, None, 404).await;
    entra.ask("DELETE", &path, None, 204).await;
}

/// A token that is taken. One of the second in which a role was lost is not.
async fn access_token(database: &Database, gateway: &Gateway, name: &str) -> String {
    let begun = Instant::now();
    let arguments = ["token", "issue", "--tenant", "acme", "--username", name];
    loop {
        let token = command(
            database,
            &[arguments.as_slice(), &["--scope", "mcp:tools"]].concat(),
        );
        if list_tools(gateway, &token).await == StatusCode::OK {
            return token;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "never taken");
    }
}

async fn list_tools(gateway: &Gateway, token: &str) -> StatusCode {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {} });
    let response = http()
        .post(format!("{}/t/acme/mcp", gateway.url))
        .header(HOST, "127.0.0.1:9")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .bearer_auth(token)
        .json(&message)
        .send()
        .await
        .unwrap();
    response.status()
}

async fn refused_in_time(gateway: &Gateway, token: &str) {
    let begun = Instant::now();
    while list_tools(gateway, token).await != StatusCode::UNAUTHORIZED {
        assert!(begun.elapsed() < Duration::from_secs(5), "still taken");
    }
}
