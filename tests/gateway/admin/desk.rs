//! An operator at a gateway's admin API.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::client::http;
use crate::process::{Database, Gateway};

pub(crate) const ROOT: &str = "http://127.0.0.1:9";
pub(crate) const ACME: &str = "http://127.0.0.1:9/t/acme";
pub(crate) const GLOBEX: &str = "http://127.0.0.1:9/t/globex";
pub(crate) const SERVER: &str = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"\n\
                                 admin_listen = \"127.0.0.1:0\"";

/// An operator with their token.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) base: String,
    pub(crate) token: String,
}

/// Adds an operator by command; answers with their token.
pub(crate) fn add_operator(database: &Database, arguments: &[&str]) -> String {
    let command = [&["operator", "add"], arguments].concat();
    let output = database.command(&command).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Desk {
    /// A new operator with that role, at that gateway.
    pub(crate) fn open(database: &Database, gateway: &Gateway, arguments: &[&str]) -> Self {
        let token = add_operator(database, arguments);
        Self {
            base: gateway.admin.clone().unwrap(),
            token,
        }
    }

    /// An admin of everything.
    pub(crate) fn admin(database: &Database, gateway: &Gateway) -> Self {
        Self::open(database, gateway, &["root", "--role", "admin"])
    }

    /// The same operator with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            base: self.base.clone(),
            token: token.to_owned(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = http().request(method, format!("{}/admin/v1{path}", self.base));
        request.bearer_auth(&self.token)
    }

    /// Asks; answers with the status and the document, `Null` where there is none.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        let status = response.status();
        let text = response.text().await.unwrap();
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        };
        (status, value)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {value}");
        value
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, value) = self.ask(Method::POST, path, Some(&body)).await;
        assert!(status.is_success(), "{path}: {status} {value}");
        value
    }

    /// Does something without a body.
    pub(crate) async fn act(&self, method: Method, path: &str) {
        let (status, value) = self.ask(method, path, None).await;
        assert!(status.is_success(), "{path}: {status} {value}");
    }

    pub(crate) async fn add_tenant(&self, slug: &str, public_url: &str) {
        let tenant = json!({ "slug": slug, "public_url": public_url });
        let added = self.post("/tenants", tenant).await;
        assert_eq!(added["resource"], format!("{public_url}/mcp"));
    }

    /// Adds an account; answers with its identifier.
    pub(crate) async fn add_user(&self, tenant: &str, username: &str) -> String {
        let user = json!({
            "username": username,
            "roles": ["admin"],
            "password": crate::process::PASSWORD,
        });
        let added = self.post(&format!("/tenants/{tenant}/users"), user).await;
        added["id"].as_str().unwrap().to_owned()
    }

    /// Adds a public client; answers with its identifier.
    pub(crate) async fn add_client(&self, tenant: &str, name: &str) -> String {
        let client = json!({
            "name": name,
            "redirect_uris": [crate::client::REDIRECT_URI],
            "public": true,
        });
        let path = format!("/tenants/{tenant}/clients");
        let added = self.post(&path, client).await;
        added["client"]["id"].as_str().unwrap().to_owned()
    }
}
