//! A client that does to a gateway what clients and their users' browsers do.

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::{AUTHORIZATION, COOKIE, HOST, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::process::{Gateway, PASSWORD};

pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:1/callback";

/// A client registered at a gateway, with its user's browser.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// The gateway's public URL.
    pub(crate) base: String,
    /// The replica that is asked, as a load balancer would choose it.
    replica: u16,
    pub(crate) id: String,
    /// Where the client manages its registration, and with which token (RFC 7592).
    registration: (String, String),
    cookies: Vec<String>,
}

/// What the token endpoint answered.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) scope: String,
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
        Self::register_at(gateway, &gateway.url).await
    }

    /// Registers a public client at the tenant whose public URL is `base`.
    pub(crate) async fn register_at(gateway: &Gateway, base: &str) -> Self {
        let nobody = Self {
            http: http(),
            base: base.to_owned(),
            replica: gateway.port(),
            id: String::new(),
            registration: (String::new(), String::new()),
            cookies: Vec::new(),
        };
        let metadata = json!({
            "client_name": "Test client",
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        let response = nobody
            .post("/register")
            .json(&metadata)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let document: Value = response.json().await.unwrap();
        let text = |name: &str| document[name].as_str().unwrap().to_owned();
        Self {
            id: text("client_id"),
            registration: (
                text("registration_client_uri"),
                text("registration_access_token"),
            ),
            ..nobody
        }
    }

    /// The same client and browser, at the tenant whose public URL is `base`.
    pub(crate) fn moved_to(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// Puts everything that the other browser has into this one's jar as well.
    pub(crate) fn take_cookies_of(&mut self, other: &Self) {
        self.cookies.clone_from(&other.cookies);
    }

    /// Opens a page in the browser.
    pub(crate) async fn get(&mut self, url: &Url) -> Response {
        self.browse(self.request(Method::GET, url)).await
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
        let base = Url::parse(&self.base).unwrap();
        let host = &base[url::Position::BeforeHost..url::Position::AfterPort];
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
        self.approve(&authorize).await
    }

    /// Signs in where needed, and approves; the code.
    pub(crate) async fn approve(&mut self, authorize: &Url) -> String {
        let page = self.consent_page(authorize).await;
        let (action, mut fields) = form(&page, authorize, "decision");
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
        self.try_exchange(code, verifier).await.unwrap()
    }

    pub(crate) async fn try_exchange(
        &self,
        code: &str,
        verifier: &CodeVerifier,
    ) -> reqwest::Result<Response> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &self.id),
            ("code_verifier", verifier.expose()),
        ];
        self.post("/token").form(&fields).send().await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Response {
        self.try_refresh(token).await.unwrap()
    }

    pub(crate) async fn try_refresh(&self, token: &str) -> reqwest::Result<Response> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", &self.id),
        ];
        self.post("/token").form(&fields).send().await
    }

    pub(crate) async fn delete_registration(&self) -> Response {
        let (uri, token) = &self.registration;
        let request = self.request(Method::DELETE, &Url::parse(uri).unwrap());
        request.bearer_auth(token).send().await.unwrap()
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
        self.try_call(token, message).await.unwrap()
    }

    pub(crate) async fn try_call(&self, token: &str, message: &Value) -> reqwest::Result<Response> {
        let request = self.post("/mcp");
        let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header("mcp-protocol-version", "2025-11-25");
        request.json(message).send().await
    }

    pub(crate) async fn browse(&mut self, request: RequestBuilder) -> Response {
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
pub(crate) fn form(html: &str, page: &Url, field: &str) -> (Url, Vec<(String, String)>) {
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
