//! A mounted server where each person has an account, its authorization server, the gateway as a
//! process, and people at browsers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::client::{Client, Tokens, form};
use crate::fake_upstream::{FakeUpstream, Reply, Seen, modern};
use crate::process::{Database, Gateway, PASSWORD};

pub(super) const SCOPES: &str = "mcp:tools mcp:resources mcp:prompts";

/// What the authorization server has given, and what it does next.
#[derive(Default)]
pub(super) struct Issued {
    /// How many tokens, by which they are numbered.
    count: u32,
    /// The access tokens that the server takes.
    good: BTreeSet<String>,
    /// The refresh tokens that were used.
    used: BTreeSet<String>,
    /// How long the first token of an account lasts.
    pub(super) lifetime: u32,
    /// What is answered to a renewal in the place of tokens.
    pub(super) refusal: Option<(u16, &'static str)>,
    /// How often tokens were renewed.
    pub(super) renewals: u32,
}

impl Issued {
    /// No token counts any more that was given so far.
    pub(super) fn forget(&mut self) {
        self.good.clear();
    }
}

pub(super) struct World {
    pub(super) upstream: FakeUpstream,
    pub(super) issuer: FakeUpstream,
    pub(super) issued: Arc<Mutex<Issued>>,
    pub(super) database: Database,
    pub(super) gateway: Gateway,
    pub(super) configuration: String,
}

/// A person with a client and a browser, both signed in.
pub(super) struct Somebody {
    pub(super) client: Client,
    pub(super) tokens: Tokens,
}

/// The origin of a fake.
pub(super) fn origin(fake: &FakeUpstream) -> String {
    fake.url.strip_suffix("/mcp").unwrap().to_owned()
}

/// The authorization server: RFC 8414, RFC 7591, and a token endpoint that rotates.
fn authorization_server(seen: &Seen, issued: &Mutex<Issued>) -> Reply {
    let own = format!("http://{}", seen.header("host"));
    match seen.path.as_str() {
        "/.well-known/oauth-authorization-server" => {
            let metadata = json!({
                "issuer": own,
                "authorization_endpoint": format!("{own}/authorize"),
                "token_endpoint": format!("{own}/token"),
                "registration_endpoint": format!("{own}/register"),
                "revocation_endpoint": format!("{own}/revoke"),
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
                "scopes_supported": ["read", "offline_access"],
            });
            Reply::Json(200, metadata.to_string())
        }
        "/register" => {
            let client =
                json!({ "client_id": "of-the-gateway", "client_secret": "registered-canary" });
            Reply::Json(201, client.to_string())
        }
        "/revoke" => Reply::Status(200, Vec::new()),
        "/token" => token(&seen.text, &mut issued.lock().unwrap()),
        _ => Reply::Status(404, Vec::new()),
    }
}

fn token(text: &str, issued: &mut Issued) -> Reply {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let refused = |status, error: &str| Reply::Json(status, json!({ "error": error }).to_string());
    let is_renewal = field("grant_type") == "refresh_token";
    if is_renewal {
        if let Some((status, error)) = issued.refusal {
            return refused(status, error);
        }
        if !issued.used.insert(field("refresh_token").to_owned()) {
            return refused(400, "invalid_grant");
        }
        issued.renewals += 1;
    } else if !field("code").starts_with("code-of-") || field("code_verifier").len() != 43 {
        return refused(400, "invalid_grant");
    }
    assert!(field("resource").ends_with("/mcp"), "{text}");
    issued.count += 1;
    let number = issued.count;
    let access = format!("canary-access-{number}");
    issued.good.insert(access.clone());
    let lifetime = if is_renewal { 3600 } else { issued.lifetime };
    let tokens = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": lifetime,
        "refresh_token": format!("canary-refresh-{number}"),
    });
    Reply::Json(200, tokens.to_string())
}

/// The server: nothing without a token that counts, and where to get one.
fn protected(seen: &Seen, issued: &Mutex<Issued>, issuers: &[String]) -> Reply {
    let server = format!("http://{}/mcp", seen.header("host"));
    if seen
        .path
        .starts_with("/.well-known/oauth-protected-resource")
    {
        let metadata = json!({ "resource": server, "authorization_servers": issuers });
        return Reply::Json(200, metadata.to_string());
    }
    let shown = seen.header("authorization").strip_prefix("Bearer ");
    let is_good = shown.is_some_and(|token| issued.lock().unwrap().good.contains(token));
    if !is_good {
        return Reply::Status(401, vec![("www-authenticate", "Bearer".to_owned())]);
    }
    let lists = json!({ "tools": [{ "name": "search", "inputSchema": { "type": "object" } }] });
    // Where it is an API.
    match seen.path.as_str() {
        "/mcp/search" => return Reply::Json(200, json!({ "token": shown }).to_string()),
        "/mcp/closed" => return Reply::Status(403, Vec::new()),
        _ => {}
    }
    let content = json!({ "content": [{ "type": "text", "text": shown }] });
    modern(seen, &lists).unwrap_or_else(|| seen.result(&content.to_string()))
}

impl World {
    pub(super) async fn start(database: Database) -> Self {
        Self::start_with(database, "", |issuer| vec![origin(issuer)]).await
    }

    /// `more` among the credentials, in which ISSUER stands for the authorization server; the
    /// server says `named` are its authorization servers.
    pub(super) async fn start_with(
        database: Database,
        more: &str,
        named: impl Fn(&FakeUpstream) -> Vec<String>,
    ) -> Self {
        Self::start_as(database, (more, ""), named).await
    }

    /// The server is the API that this document describes.
    pub(super) async fn start_api(database: Database, document: &Path) -> Self {
        let openapi = format!("openapi = \"{}\"\n", document.display());
        let named = |issuer: &FakeUpstream| vec![origin(issuer)];
        Self::start_as(database, ("", &openapi), named).await
    }

    async fn start_as(
        database: Database,
        (more, of_server): (&str, &str),
        named: impl Fn(&FakeUpstream) -> Vec<String>,
    ) -> Self {
        let issued = Arc::new(Mutex::new(Issued {
            lifetime: 3600,
            ..Issued::default()
        }));
        let state = Arc::clone(&issued);
        let granting = FakeUpstream::start(move |seen| authorization_server(seen, &state)).await;
        let (state, issuers) = (Arc::clone(&issued), named(&granting));
        let upstream = FakeUpstream::start(move |seen| protected(seen, &state, &issuers)).await;
        let configuration = format!(
            "[[tenants]]\nslug = \"default\"\n[[tenants.servers]]\nname = \"docs\"\nurl = \"{}\"\n\
             {of_server}allow_private = [\"127.0.0.0/8\"]\ncredentials = {{ kind = \"user\"{} }}\n",
            upstream.url,
            more.replace("ISSUER", &origin(&granting))
        );
        let gateway = database.serve_with("listen = \"127.0.0.1:0\"", &configuration);
        database.add_user_with(&configuration, "default", ("ada", "member"));
        Self {
            upstream,
            issuer: granting,
            issued,
            database,
            gateway,
            configuration,
        }
    }

    /// A second process of the gateway.
    pub(super) fn replica(&self) -> Gateway {
        let server = format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"{}\"",
            self.gateway.url
        );
        self.database.serve_with(&server, &self.configuration)
    }

    /// Ada, with tokens of the gateway.
    pub(super) async fn ada(&self) -> Somebody {
        let mut client = Client::register(&self.gateway).await;
        let tokens = client.tokens(SCOPES).await;
        Somebody { client, tokens }
    }
}

impl Somebody {
    pub(super) fn page(&self) -> Url {
        Url::parse(&format!("{}/account", self.client.base)).unwrap()
    }

    pub(super) async fn account(&mut self) -> String {
        let page = self.page();
        self.client.get(&page).await.text().await.unwrap()
    }

    /// Presses a button of the account page.
    pub(super) async fn press(&mut self, button: &str) -> Response {
        let page = self.page();
        let html = self.account().await;
        let (action, mut fields) = form(&html, &page, button);
        fields.push((button.to_owned(), "docs".to_owned()));
        let request = self.client.request(Method::POST, &action).form(&fields);
        self.client.browse(request).await
    }

    /// Chooses to connect; where the browser is sent.
    pub(super) async fn go(&mut self) -> Url {
        let response = self.press("connect").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        response.headers()[LOCATION]
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The way back from there, with a code.
    pub(super) fn back(there: &Url) -> Url {
        let find = |name: &str| {
            let mut pairs = there.query_pairs();
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        let mut back = Url::parse(&find("redirect_uri")).unwrap();
        back.query_pairs_mut()
            .append_pair("code", "code-of-ada")
            .append_pair("state", &find("state"))
            .append_pair("iss", &there.origin().ascii_serialization());
        back
    }

    pub(super) async fn link(&mut self) {
        let there = self.go().await;
        let back = Self::back(&there);
        let response = self.client.get(&back).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
    }

    /// What a call of MCP comes to.
    pub(super) async fn ask(&self, method: &str, params: Value) -> Value {
        self.ask_at(&self.client, method, params).await
    }

    pub(super) async fn ask_at(&self, client: &Client, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = client.call(&self.tokens.access, &message).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        // An answer that takes its time comes on a stream.
        let last = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("data: "));
        let message = serde_json::from_str(last.unwrap_or(&text));
        message.unwrap_or_else(|_| panic!("{status}: {text}"))
    }

    pub(super) async fn search(&self) -> Value {
        self.ask("tools/call", json!({ "name": "docs_search" }))
            .await
    }

    /// The tools of the server.
    pub(super) async fn tools(&self) -> Vec<String> {
        let answer = self.ask("tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().unwrap();
        let names = tools.iter().map(|tool| tool["name"].as_str().unwrap());
        names
            .filter(|name| name.starts_with("docs_"))
            .map(str::to_owned)
            .collect()
    }
}

/// Signs another person in, in a browser of their own.
pub(super) async fn sign_in(client: &mut Client, username: &str) {
    let page = Url::parse(&format!("{}/account", client.base)).unwrap();
    let html = client.get(&page).await.text().await.unwrap();
    let (action, mut fields) = form(&html, &page, "password");
    fields.push(("username".to_owned(), username.to_owned()));
    fields.push(("password".to_owned(), PASSWORD.to_owned()));
    let request = client.request(Method::POST, &action).form(&fields);
    let response = client.browse(request).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}
