//! A real gateway process, and a client that does to it what clients and browsers do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:1/callback";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A database that belongs to one test.
pub(crate) struct Database {
    pub(crate) url: String,
    /// Removed with its content when the test ends.
    folder: tempfile::TempDir,
}

/// A running `gatehouse serve`, killed when it goes out of scope.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) url: String,
}

/// A client registered at a gateway, with its user's browser.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// The gateway's public URL.
    base: String,
    /// The replica that is asked, as a load balancer would choose it.
    replica: u16,
    pub(crate) id: String,
    cookies: Vec<String>,
}

/// What the token endpoint answered.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
}

pub(crate) fn gatehouse() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gatehouse.db").display());
        Self { url, folder }
    }

    /// A new, empty database of the server that `GATEHOUSE_TEST_POSTGRES` names.
    pub(crate) async fn postgres() -> Option<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let Some(server) = std::env::var_os("GATEHOUSE_TEST_POSTGRES") else {
            eprintln!("skipped on Postgres: GATEHOUSE_TEST_POSTGRES names no server");
            return None;
        };
        let mut url = Url::parse(server.to_str().unwrap()).unwrap();
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("gateway_{}_{number}", std::process::id());
        let mut admin = <sqlx::PgConnection as sqlx::Connection>::connect(url.as_str())
            .await
            .unwrap();
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
        url.set_path(&name);
        Some(Self {
            url: url.into(),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// Writes a configuration file whose `[server]` section is `server`.
    fn config(&self, server: &str) -> std::path::PathBuf {
        let path = self.folder.path().join("gatehouse.toml");
        let text = format!(
            "[server]\n{server}\n[database]\nurl = \"{}\"\n\
             [weather]\nbase_url = \"http://127.0.0.1:9\"\ncontact = \"tests@example.com\"\n",
            self.url
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Starts a gateway on this database, at any free port.
    pub(crate) fn serve(&self) -> Gateway {
        self.serve_as("listen = \"127.0.0.1:0\"")
    }

    /// Starts a second process of the same gateway.
    pub(crate) fn replica_of(&self, gateway: &Gateway) -> Gateway {
        self.serve_as(&format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"{}\"",
            gateway.url
        ))
    }

    pub(crate) fn serve_as(&self, server: &str) -> Gateway {
        let mut child = gatehouse()
            .arg("--config")
            .arg(self.config(server))
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("no start:\n{}", seen.join("\n"))
            };
            if let Some((_, rest)) = line.split_once("listening on ") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
            seen.push(line);
        };
        // The pipe is read on, so that the process never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Gateway { child, url }
    }

    pub(crate) fn add_user(&self, username: &str, role: &str) {
        let mut child = gatehouse()
            .arg("--config")
            .arg(self.config(""))
            .args([
                "user",
                "add",
                "--username",
                username,
                "--role",
                role,
                "--password-stdin",
            ])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(PASSWORD.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success());
    }
}

impl Gateway {
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        Url::parse(&self.url).unwrap().port().unwrap()
    }

    pub(crate) fn mcp(&self) -> String {
        format!("{}/mcp", self.url)
    }

    /// Ends the process without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end; its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

impl Client {
    /// Registers a public client.
    pub(crate) async fn register(gateway: &Gateway) -> Self {
        let http = http();
        let metadata = json!({
            "client_name": "Test client",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        let response = http
            .post(format!("{}/register", gateway.url))
            .json(&metadata)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let document: Value = response.json().await.unwrap();
        let id = document["client_id"].as_str().unwrap().to_owned();
        let base = gateway.url.clone();
        Self {
            http,
            base,
            replica: gateway.port(),
            id,
            cookies: Vec::new(),
        }
    }

    /// The same client and browser, whose requests now reach `replica`.
    pub(crate) fn at(&self, replica: &Gateway) -> Self {
        Self {
            replica: replica.port(),
            ..self.clone()
        }
    }

    /// A request to a public URL, sent to the chosen replica.
    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let mut target = url.clone();
        target.set_port(Some(self.replica)).unwrap();
        let host = self.base.strip_prefix("http://").unwrap();
        self.http.request(method, target).header(HOST, host)
    }

    /// A request to a path below the gateway's public URL.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(
            Method::POST,
            &Url::parse(&format!("{}{path}", self.base)).unwrap(),
        )
    }

    /// The URL of an authorization request.
    pub(crate) fn authorization_url(&self, scope: &str, verifier: &CodeVerifier) -> Url {
        let resource = format!("{}/mcp", self.base);
        let mut url = Url::parse(&format!("{}/authorize", self.base)).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("state", "xyz"),
            ("code_challenge", &verifier.challenge()),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ]);
        url
    }

    /// Signs in and approves; the code.
    pub(crate) async fn code(&mut self, scope: &str, verifier: &CodeVerifier) -> String {
        let authorize = self.authorization_url(scope, verifier);
        let page = self.consent_page(&authorize).await;
        let (action, mut fields) = form(&page, &authorize, "decision");
        fields.push(("decision".to_owned(), "approve".to_owned()));
        let response = self
            .browse(self.request(Method::POST, &action).form(&fields))
            .await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let back = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        let find = |name: &str| {
            back.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        assert_eq!(find("state").as_deref(), Some("xyz"));
        assert_eq!(find("iss").as_deref(), Some(self.base.as_str()));
        find("code").unwrap()
    }

    /// Signs in where needed; the consent page.
    pub(crate) async fn consent_page(&mut self, authorize: &Url) -> String {
        let response = self.browse(self.request(Method::GET, authorize)).await;
        if response.status() == StatusCode::OK {
            return response.text().await.unwrap();
        }
        let login = location(&response, authorize);
        let page = self
            .browse(self.request(Method::GET, &login))
            .await
            .text()
            .await
            .unwrap();
        let (action, mut fields) = form(&page, &login, "password");
        fields.push(("username".to_owned(), "ada".to_owned()));
        fields.push(("password".to_owned(), PASSWORD.to_owned()));
        let response = self
            .browse(self.request(Method::POST, &action).form(&fields))
            .await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let back = location(&response, &login);
        self.browse(self.request(Method::GET, &back))
            .await
            .text()
            .await
            .unwrap()
    }

    /// Signs in, approves, and exchanges the code.
    pub(crate) async fn tokens(&mut self, scope: &str) -> Tokens {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = self.code(scope, &verifier).await;
        let response = self.exchange(&code, &verifier).await;
        assert_eq!(response.status(), StatusCode::OK);
        Tokens::read(response).await
    }

    pub(crate) async fn exchange(&self, code: &str, verifier: &CodeVerifier) -> Response {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &self.id),
            ("code_verifier", verifier.expose()),
        ];
        self.post("/token").form(&fields).send().await.unwrap()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Response {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.id),
        ];
        self.post("/token").form(&fields).send().await.unwrap()
    }

    /// Lists the tools with this token.
    pub(crate) async fn list_tools(&self, token: &str) -> Response {
        self.call(
            token,
            &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
        )
        .await
    }

    /// Sends a message of the 2025-11-25 revision.
    pub(crate) async fn call(&self, token: &str, message: &Value) -> Response {
        self.post("/mcp")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("mcp-protocol-version", "2025-11-25")
            .json(message)
            .send()
            .await
            .unwrap()
    }

    async fn browse(&mut self, request: RequestBuilder) -> Response {
        let response = request
            .header(COOKIE, self.cookies.join("; "))
            .send()
            .await
            .unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, _) = pair.split_once('=').unwrap();
            self.cookies
                .retain(|kept| !kept.starts_with(&format!("{name}=")));
            self.cookies.push(pair.to_owned());
        }
        response
    }
}

impl Tokens {
    pub(crate) async fn read(response: Response) -> Self {
        let document: Value = response.json().await.unwrap();
        let text = |name: &str| document[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            scope: text("scope"),
        }
    }
}

fn location(response: &Response, page: &Url) -> Url {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    page.join(response.headers()[LOCATION].to_str().unwrap())
        .unwrap()
}

/// Where the form with this field goes, and its hidden fields.
fn form(html: &str, page: &Url, field: &str) -> (Url, Vec<(String, String)>) {
    let wanted = format!("name=\"{field}\"");
    let form = html
        .split("<form")
        .find(|form| form.contains(&wanted))
        .unwrap();
    let opening = form.split('>').next().unwrap();
    let action = page
        .join(&attribute(opening, "action").unwrap_or_default())
        .unwrap();
    let hidden = form
        .split("<input")
        .filter_map(|rest| rest.split('>').next())
        .filter(|input| attribute(input, "type").as_deref() == Some("hidden"))
        .map(|input| {
            (
                attribute(input, "name").unwrap(),
                attribute(input, "value").unwrap(),
            )
        })
        .collect();
    (action, hidden)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag
        .split_once(&format!(" {name}=\""))?
        .1
        .split('"')
        .next()?;
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}
