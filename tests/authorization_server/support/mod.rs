//! A server with two tenants of two people each, and what clients send it.

mod answer;
mod browser;
mod database;
mod forms;
mod issuers;
mod log;
mod time;
mod web;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use axum::Extension;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatehouse::audit::{Recorder, WriterTask};
use gatehouse::authorization_server::{
    Context, RemoteDocuments, TokenSettings, metadata_route, routes,
};
use gatehouse::egress::GuardedClient;
use gatehouse::identity::oidc::RelyingParty;
use gatehouse::identity::{Accounts, FederatedAccounts};
use gatehouse::jose::{AccessTokenClaims, KeyRing, KeyRings, TextCipher, generate_signing_key};
use gatehouse::model::{
    Clock, DocumentTrust, EncryptionKey, PasswordHash, RegistrationPolicy, RegistrationSettings,
    Role, Scope, ScopeCatalogue, ScopeDefinition, SigningAlgorithm, SystemRandom, Tenant,
    Timestamp, User, UserId,
};
use gatehouse::rate_limits::RateLimiter;
use gatehouse::store::{self, Store};
use gatehouse::telemetry::{Figures, Meters};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use serde_json::{Value, json};

pub(crate) use answer::Answer;
pub(crate) use browser::Browser;
pub(crate) use forms::{authorization, encode, form};
pub(crate) use time::{TestClock, change, change_at};
pub(crate) use web::{INSIDE, Page, Web};

use database::Database;
use wire::{Place, Wire};

/// The example of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const CALLBACK: &str = "https://client.example.com/callback";
pub(crate) const PASSWORD: &str = "correct horse";

/// The public URLs of the two tenants: an origin, and an origin with a path.
pub(crate) const T1: &str = "https://one.example.com";
pub(crate) const T2: &str = "https://mcp.example.com/t/two";

pub(crate) struct Server {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) key_rings: Arc<KeyRings>,
    pub(crate) store: Arc<dyn Store>,
    _audit: WriterTask,
    wire: Wire,
    database: Database,
}

pub(crate) type Fields<'a> = &'a [(&'a str, &'a str)];

fn scope(name: &str) -> Scope {
    name.parse().unwrap()
}

fn catalogue() -> ScopeCatalogue {
    let define = |name: &str, description: &str| {
        let definition = ScopeDefinition {
            description: description.to_owned(),
            implies: [].into_iter().collect(),
        };
        (scope(name), definition)
    };
    ScopeCatalogue::new(BTreeMap::from([
        define("mcp:tools", "Call tools"),
        define("mcp:resources", "Read resources"),
        define("metrics:read", "Read the gateway’s figures"),
    ]))
}

fn tenant(slug: &str, url: &str) -> Tenant {
    let role = |scopes: &str| Role {
        scopes: scopes.parse().unwrap(),
    };
    let roles = BTreeMap::from([
        (
            "admin".to_owned(),
            role("mcp:tools mcp:resources metrics:read"),
        ),
        ("member".to_owned(), role("mcp:tools mcp:resources")),
    ]);
    Tenant::new(slug.parse().unwrap(), url.parse().unwrap(), roles)
}

fn user(name: &str, role: &str) -> User {
    // The weakest parameters there are: tests sign in often.
    let argon2 = argon2::Argon2::from(argon2::Params::new(8, 1, 1, None).unwrap());
    let hash = argon2
        .hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef")
        .unwrap();
    User::local(
        UserId::new(format!("id-of-{name}")),
        name,
        [role.to_owned()].into(),
        PasswordHash::new(hash.to_string()),
        Timestamp::from_seconds(0),
    )
}

const OPEN: RegistrationSettings = RegistrationSettings {
    policy: RegistrationPolicy::Open,
    max_clients: 1000,
};

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_at([("t1", T1), ("t2", T2)]).await
    }

    /// A server that can reach `web`.
    pub(crate) async fn start_on(web: &Web) -> Self {
        let tenants = [("t1", T1), ("t2", T2)];
        Self::start_with(tenants, (web.client(), DocumentTrust::Any), OPEN, |it| it).await
    }

    /// A server that can reach `web` and believes only some of what is there.
    pub(crate) async fn start_trusting(web: &Web, trust: DocumentTrust) -> Self {
        let tenants = [("t1", T1), ("t2", T2)];
        Self::start_with(tenants, (web.client(), trust), OPEN, |it| it).await
    }

    pub(crate) async fn start_at(tenants: [(&'static str, &'static str); 2]) -> Self {
        let web = (Web::nowhere(), DocumentTrust::Any);
        Self::start_with(tenants, web, OPEN, |it| it).await
    }

    /// A server that lets clients register as `policy` says, `max_clients` of them.
    pub(crate) async fn start_registering(policy: RegistrationPolicy, max_clients: u32) -> Self {
        let registration = RegistrationSettings {
            policy,
            max_clients,
        };
        let web = (Web::nowhere(), DocumentTrust::Any);
        Self::start_with([("t1", T1), ("t2", T2)], web, registration, |it| it).await
    }

    async fn start_with(
        tenants: [(&'static str, &'static str); 2],
        (web, trust): (GuardedClient, DocumentTrust),
        registration: RegistrationSettings,
        adjust: impl Fn(Tenant) -> Tenant,
    ) -> Self {
        let database = Database::create().await;
        let options = store::ConnectOptions {
            migrate_at_start: true,
            ..store::ConnectOptions::default()
        };
        let store = store::connect(&database.url, &options).await.unwrap();
        let clock = Arc::new(TestClock::new());
        let key_rings = Arc::new(KeyRings::default());
        let encryption_key = EncryptionKey::generate(&SystemRandom);
        let audit_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let (audit, writer) = Recorder::new(Arc::clone(&store), audit_clock, false);
        let context = Arc::new(Context {
            store: Arc::clone(&store),
            audit,
            documents: RemoteDocuments::new(Arc::clone(&store), Arc::clone(&clock) as _, web),
            key_rings: Arc::clone(&key_rings),
            issuer_keys: Arc::new(issuers::keys(Arc::clone(&clock) as Arc<dyn Clock>)),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random: Arc::new(SystemRandom),
            catalogue: catalogue(),
            initial_scopes: "mcp:tools".parse().unwrap(),
            accounts: Accounts::new(
                Arc::clone(&store),
                Arc::clone(&clock) as Arc<dyn Clock>,
                TextCipher::new(&encryption_key, "browsers").unwrap(),
            ),
            federated: Arc::new(FederatedAccounts {
                store: Arc::clone(&store),
                party: RelyingParty::new(Arc::clone(&clock) as Arc<dyn Clock>, &Meters::default())
                    .unwrap(),
                cipher: TextCipher::new(&encryption_key, "identity providers").unwrap(),
                clock: Arc::clone(&clock) as Arc<dyn Clock>,
                random: Arc::new(SystemRandom),
            }),
            limiter: Arc::new(RateLimiter::new(Arc::new(Figures::default()))),
            tokens: TokenSettings {
                access_ttl: Duration::from_mins(30),
                refresh_ttl: Duration::from_hours(720),
                refresh_grace: Duration::from_secs(30),
            },
            meters: Meters::default(),
        });
        let mut places = Vec::new();
        for (slug, url) in tenants {
            let tenant = adjust(Tenant {
                client_documents: trust.clone(),
                registration: registration.clone(),
                ..tenant(slug, url)
            });
            store
                .add_user(&change(&tenant.slug), &user("alice", "admin"))
                .await
                .unwrap();
            store
                .add_user(&change(&tenant.slug), &user("bob", "member"))
                .await
                .unwrap();
            let key = generate_signing_key(SigningAlgorithm::Es256, clock.now()).unwrap();
            key_rings.set(tenant.slug.clone(), KeyRing::new(&[key]).unwrap());
            let router = routes(Arc::clone(&context))
                .merged()
                .route("/metadata", metadata_route(Arc::clone(&context)))
                .layer(Extension(Arc::new(tenant)));
            places.push(Place {
                slug,
                url: url.parse().unwrap(),
                router,
            });
        }
        Self {
            clock,
            key_rings,
            store,
            _audit: writer.start(),
            wire: Wire::listen(places).await,
            database,
        }
    }

    pub(crate) async fn send(&self, tenant: &str, request: Request<Body>) -> Answer {
        self.wire.send(tenant, request).await
    }

    pub(crate) async fn get(&self, tenant: &str, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.send(tenant, request).await
    }

    pub(crate) async fn register(&self, tenant: &str, metadata: &Value) -> Answer {
        let request = Request::post("/register")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(metadata.to_string()))
            .unwrap();
        self.send(tenant, request).await
    }

    /// Registers a public client that may refresh, and returns its identifier.
    pub(crate) async fn public_client(&self, tenant: &str) -> String {
        let metadata = json!({
            "client_name": "Example",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let answer = self.register(tenant, &metadata).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn token(&self, tenant: &str, fields: Fields<'_>) -> Answer {
        self.send(tenant, form("/token", fields)).await
    }

    pub(crate) async fn token_with_basic(
        &self,
        tenant: &str,
        credentials: &str,
        fields: Fields<'_>,
    ) -> Answer {
        let encoded = STANDARD.encode(credentials);
        let mut request = form("/token", fields);
        let value = format!("Basic {encoded}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, value);
        self.send(tenant, request).await
    }

    pub(crate) fn browser(&self, tenant: &'static str) -> Browser<'_> {
        Browser::new(self, tenant)
    }

    /// A code that `username` gave to `client`.
    pub(crate) async fn code(
        &self,
        tenant: &'static str,
        client: &str,
        username: &str,
        extra: Fields<'_>,
    ) -> String {
        let mut browser = self.browser(tenant);
        let page = browser
            .consent_page(username, &authorization(client, extra))
            .await;
        let answer = browser.submit(&page, &[("decision", "approve")]).await;
        answer.redirect_parameter("code").unwrap()
    }

    /// The answer to the exchange of a new code.
    pub(crate) async fn tokens(&self, tenant: &'static str, client: &str, username: &str) -> Value {
        let code = self.code(tenant, client, username, &[]).await;
        let answer = self.redeem(tenant, client, &code).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }

    pub(crate) async fn redeem(&self, tenant: &str, client: &str, code: &str) -> Answer {
        self.token(
            tenant,
            &[
                ("grant_type", "authorization_code"),
                ("client_id", client),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    }

    pub(crate) async fn refresh(
        &self,
        tenant: &str,
        client: &str,
        token: &str,
        extra: Fields<'_>,
    ) -> Answer {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("client_id", client),
            ("refresh_token", token),
        ];
        fields.extend_from_slice(extra);
        self.token(tenant, &fields).await
    }

    pub(crate) fn claims(&self, tenant: &str, token: &Value) -> AccessTokenClaims {
        let ring = self.key_rings.get(&tenant.parse().unwrap()).unwrap();
        ring.verify(token["access_token"].as_str().unwrap())
            .unwrap()
    }

    /// Runs a statement behind the server's back.
    pub(crate) async fn sql(&self, statement: &'static str) {
        self.database.execute(statement).await;
    }

    /// Figures that change with every change of state.
    pub(crate) async fn state(&self) -> String {
        self.database.text(
            "SELECT (SELECT count(*) FROM clients) || ' ' || (SELECT count(*) FROM consents) || ' ' ||
                    (SELECT count(*) FROM login_sessions) || ' ' ||
                    (SELECT count(*) || ' ' || count(revoked_at) FROM grants) || ' ' ||
                    (SELECT count(*) || ' ' || count(redeemed_at) FROM authorization_codes) ||
                    ' ' || (SELECT count(*) || ' ' || count(consumed_at) FROM refresh_tokens)",
        )
        .await
    }
}
