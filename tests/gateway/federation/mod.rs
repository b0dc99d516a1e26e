//! Signing in at an identity provider, black-box: a fake provider, the gateway as a process, and a
//! person's browser between them.

mod groups;
mod hostile;
mod idp;
mod logout;
mod refresh;
mod sign_in;

use gatehouse::model::{CodeVerifier, SystemRandom};
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};
use url::Url;

pub(crate) use self::idp::FakeIdp;
use crate::client::{Client, Tokens, form};
use crate::process::{Database, Gateway};

/// A gateway whose people sign in at a fake provider.
pub(crate) struct World {
    pub(crate) idp: FakeIdp,
    pub(crate) database: Database,
    pub(crate) gateway: Gateway,
    pub(crate) client: Client,
}

/// What came of walking through the pages.
pub(crate) enum Outcome {
    /// The client got a code, or an error, with the browser.
    Back(Url),
    /// The person reads this.
    Page(StatusCode, String),
}

const SCOPES: &str = "mcp:tools metrics:read";

/// What a tenant says that sends people to `idp`; staff are members, weather-admins admins.
pub(crate) fn tenant(idp: &FakeIdp, more: &str) -> String {
    format!(
        "[[tenants]]\nslug = \"default\"\n[tenants.sign_in]\nkind = \"oidc\"\n\
         support_contact = \"help@example.com\"\n{}{more}\
         [tenants.sign_in.roles]\nstaff = \"member\"\nweather-admins = \"admin\"\n",
        idp.configuration()
    )
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// With `more` among the keys of the provider.
    pub(crate) async fn start_with(more: &str) -> Self {
        let idp = FakeIdp::start().await;
        let config = tenant(&idp, more);
        Self::start_as(idp, &config).await
    }

    pub(crate) async fn start_as(idp: FakeIdp, config: &str) -> Self {
        let database = Database::sqlite();
        let gateway = database.serve_with("listen = \"127.0.0.1:0\"", config);
        let client = Client::register(&gateway).await;
        Self {
            idp,
            database,
            gateway,
            client,
        }
    }

    /// The page that a person sees first.
    pub(crate) async fn approval(&mut self, verifier: &CodeVerifier) -> (Url, String) {
        let authorize = self.client.authorization_url(SCOPES, verifier);
        let response = self.client.get(&authorize).await;
        let login = location(&response, &authorize);
        let page = self.client.get(&login).await;
        assert_eq!(page.status(), StatusCode::OK);
        (login, page.text().await.unwrap())
    }

    /// Approves and chooses the provider; where the browser is sent, or what it shows.
    pub(crate) async fn approve(&mut self, (login, page): (&Url, &str)) -> Response {
        let (action, mut fields) = form(page, login, "provider");
        fields.push(("provider".to_owned(), "sso".to_owned()));
        let request = self.client.request(Method::POST, &action).form(&fields);
        self.client.browse(request).await
    }

    /// Approves, signs in at the provider, and stops before the way back.
    pub(crate) async fn until_callback(&mut self, verifier: &CodeVerifier) -> Url {
        let (login, page) = self.approval(verifier).await;
        let response = self.approve((&login, &page)).await;
        let there = location(&response, &login);
        assert_eq!(there.origin(), Url::parse(&self.idp.url).unwrap().origin());
        at_provider(&there).await
    }

    /// Follows the way back from the provider.
    pub(crate) async fn finish(&mut self, callback: &Url) -> Outcome {
        outcome(self.client.get(callback).await, callback).await
    }

    pub(crate) async fn sign_in(&mut self, verifier: &CodeVerifier) -> Outcome {
        let callback = self.until_callback(verifier).await;
        self.finish(&callback).await
    }

    /// Signs in and exchanges the code.
    pub(crate) async fn tokens(&mut self) -> Tokens {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = self.sign_in(&verifier).await.code();
        let response = self.client.exchange(&code, &verifier).await;
        assert_eq!(response.status(), StatusCode::OK);
        Tokens::read(response).await
    }

    /// Signs in, which is refused; the status and the page.
    pub(crate) async fn refused(&mut self) -> (StatusCode, String) {
        let verifier = CodeVerifier::generate(&SystemRandom);
        match self.sign_in(&verifier).await {
            Outcome::Page(status, page) => (status, page),
            Outcome::Back(url) => panic!("sent to {url}"),
        }
    }

    /// No code was made and nobody was added.
    pub(crate) async fn assert_nothing_happened(&self) {
        for query in [
            "SELECT count(*) FROM authorization_codes",
            "SELECT count(*) FROM login_sessions",
            "SELECT count(*) FROM users",
        ] {
            assert_eq!(self.database.count(query).await, 0, "{query}");
        }
    }
}

impl Outcome {
    pub(crate) fn code(&self) -> String {
        self.parameter("code").unwrap()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let Self::Back(url) = self else {
            let Self::Page(status, page) = self else {
                unreachable!()
            };
            panic!("{status}: {page}");
        };
        let mut pairs = url.query_pairs();
        let found = pairs.find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }
}

/// Signs in at the provider, which asks nothing; the way back.
pub(crate) async fn at_provider(there: &Url) -> Url {
    let response = crate::client::http()
        .get(there.clone())
        .send()
        .await
        .unwrap();
    Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap()
}

pub(crate) async fn outcome(response: Response, page: &Url) -> Outcome {
    if response.status() == StatusCode::SEE_OTHER {
        return Outcome::Back(location(&response, page));
    }
    Outcome::Page(response.status(), response.text().await.unwrap())
}

pub(crate) fn location(response: &Response, page: &Url) -> Url {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let target = response.headers()[LOCATION].to_str().unwrap();
    page.join(target).unwrap()
}

pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

/// The same address with another value of a parameter; none takes it out.
pub(crate) fn with(url: &Url, name: &str, value: Option<&str>) -> Url {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear();
    let kept = pairs.iter().filter(|(key, _)| key != name);
    changed.query_pairs_mut().extend_pairs(kept);
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed
}
