//! Requests that come too fast, over TCP.

mod callers;
mod oauth;
mod replicas;

use std::net::SocketAddr;

use reqwest::header::{CACHE_CONTROL, HOST, ORIGIN, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{REDIRECT_URI, http};
use crate::process::{Database, Gateway};

pub(super) const ROOT: &str = "http://127.0.0.1:9";
pub(super) const ACME: &str = "http://127.0.0.1:9/t/acme";

/// The tests stand behind a proxy of this machine.
const SERVER: &str = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:9\"\n\
                      trusted_proxies = [\"127.0.0.1\"]";
/// A second tenant with the same limits.
const TENANTS: &str =
    "\n[[tenants]]\nslug = \"acme\"\npublic_url = \"http://127.0.0.1:9/t/acme\"\n";

/// A gateway with these limits, its database, and the whole of its configuration.
pub(super) struct Place {
    pub(super) database: Database,
    pub(super) gateway: Gateway,
    more: String,
}

impl Place {
    pub(super) fn with(limits: &str) -> Self {
        Self::on(Database::sqlite(), limits)
    }

    pub(super) fn on(database: Database, limits: &str) -> Self {
        let more = format!("[rate_limits]\n{limits}\n{TENANTS}");
        let gateway = database.serve_with(SERVER, &more);
        Self {
            database,
            gateway,
            more,
        }
    }

    /// A second process of the same gateway.
    pub(super) fn replica(&self) -> Gateway {
        self.database.serve_with(SERVER, &self.more)
    }

    /// An account, and an access token for it.
    pub(super) fn token(&self, tenant: &str, username: &str) -> String {
        let user = (username, "admin");
        self.database.add_user_with(&self.more, tenant, user);
        self.another_token(tenant, username)
    }

    /// Another access token for the account.
    pub(super) fn another_token(&self, tenant: &str, username: &str) -> String {
        let arguments = ["token", "issue", "--tenant", tenant, "--username", username];
        let mut command = self.database.command_with(SERVER, &self.more, &arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A request to a public URL, from the address that the proxy names.
    pub(super) fn request(&self, method: Method, url: &str, from: &str) -> RequestBuilder {
        request(&self.gateway, method, url).header("x-forwarded-for", from)
    }

    /// Registers a client from there.
    pub(super) async fn register(&self, base: &str, from: &str) -> Response {
        let metadata = json!({
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
        });
        let request = self.request(Method::POST, &format!("{base}/register"), from);
        request.json(&metadata).send().await.unwrap()
    }

    /// Has a tool called.
    pub(super) async fn call(&self, base: &str, token: &str, tool: &str) -> Response {
        call(&self.gateway, base, token, tool).await
    }
}

pub(super) fn request(gateway: &Gateway, method: Method, url: &str) -> RequestBuilder {
    let below = url.strip_prefix(ROOT).unwrap();
    let address: SocketAddr = gateway.address().parse().unwrap();
    let request = http().request(method, format!("http://{address}{below}"));
    request.header(HOST, "127.0.0.1:9")
}

pub(super) async fn call(gateway: &Gateway, base: &str, token: &str, tool: &str) -> Response {
    let message = json!({ "jsonrpc": "2.0", "id": "seven", "method": "tools/call", "params": {
        "name": tool, "arguments": { "metric_name": "rate_refusals" },
    }});
    request(gateway, Method::POST, &format!("{base}/mcp"))
        .bearer_auth(token)
        .header("mcp-protocol-version", "2025-11-25")
        // A page of a client asks, which the browser lets read the answer where that says so.
        .header(ORIGIN, "https://claude.ai")
        .json(&message)
        .send()
        .await
        .unwrap()
}

/// The seconds that a refusal asks to wait.
pub(super) fn wait(response: &Response) -> u64 {
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = response.headers()[RETRY_AFTER].to_str().unwrap();
    wait.parse().unwrap()
}

/// The JSON of a refusal at an endpoint that clients ask, which waits for `seconds` at most.
pub(super) async fn refused(response: Response, seconds: u64) {
    let wait = wait(&response);
    assert!((1..=seconds).contains(&wait), "{wait} s");
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"], "temporarily_unavailable");
    let expected = format!("too many requests: try again in {wait} s");
    assert_eq!(body["error_description"], expected);
}
