//! The only place that wires: makes every room's context from the configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::authorization_server::{self, RemoteDocuments, TokenSettings};
use crate::backends::weather::Weather;
use crate::config::Config;
use crate::egress::{self, GuardSettings, GuardedClient, SystemLookup};
use crate::identity::{self, Accounts};
use crate::jose::{self, AccessTokenClaims, KeyRing, KeyRings};
use crate::mcp::{self, Dispatcher, ServerInfo};
use crate::middleware::origin::AllowedOrigins;
use crate::middleware::tenant::Tenants;
use crate::middleware::{authenticate, scope};
use crate::model::{
    ClientId, Clock, PublicUrl, Random, ScopeSet, Secret, SystemClock, SystemRandom, Tenant,
    TenantSlug, User, UserId,
};
use crate::nws::{self, Nws};
use crate::resource_server::{AccessTokens, Policy, local_principal};
use crate::router::{self, Readiness};
use crate::server;
use crate::store::{self, ConnectOptions, Store};
use crate::telemetry::Figures;

/// Where the weather comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeatherSource {
    /// The National Weather Service.
    Live,
    /// The sample that is part of the program.
    Sample,
}

/// A gateway that is wired up.
#[derive(Debug)]
pub struct Gateway {
    store: Arc<dyn Store>,
    tenant: Arc<Tenant>,
    key_rings: Arc<KeyRings>,
    dispatcher: Arc<Dispatcher>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    parts: router::Parts,
}

/// How often what has ended is removed from the database.
const REMOVAL_INTERVAL: Duration = Duration::from_mins(10);

impl Gateway {
    /// Opens the database and makes every room's context. Nothing is bound yet.
    pub async fn open(
        config: &Config,
        public_url: PublicUrl,
        weather: WeatherSource,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let options = ConnectOptions {
            migrate_at_start: true,
            ..ConnectOptions::default()
        };
        let store = store::connect(config.database.url.expose(), &options).await?;
        let tenant = Arc::new(Tenant {
            client_documents: config.metadata_documents.trust.clone(),
            ..Tenant::new(TenantSlug::default(), public_url, config.roles.clone())
        });
        let key_rings = Arc::new(KeyRings::default());
        load_keys(&*store, &*clock, &tenant.slug, &key_rings).await?;
        let figures = Arc::new(Figures::default());
        let nws = Arc::new(open_nws(config, weather, &clock, &random)?);
        let catalogue = config.scopes.catalogue.clone();
        let policy = Policy::new(
            catalogue.clone(),
            config.tools.clone().into_iter().collect(),
        );
        let dispatcher = Arc::new(Dispatcher::new(
            vec![Arc::new(Weather::new(nws, Arc::clone(&figures)))],
            Arc::new(policy),
            Arc::clone(&figures),
            &ServerInfo {
                name: "gatehouse".to_owned(),
                title: "Gatehouse".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
        ));
        let tokens = AccessTokens::new(
            Arc::clone(&key_rings),
            catalogue.clone(),
            Arc::clone(&clock),
        );
        let authorization_server = authorization_server::Context {
            store: Arc::clone(&store),
            documents: open_documents(config, &store, &clock)?,
            key_rings: Arc::clone(&key_rings),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            catalogue,
            initial_scopes: config.scopes.initial.clone(),
            accounts: Accounts::new(Arc::clone(&store)),
            tokens: TokenSettings {
                access_ttl: config.tokens.access_ttl,
                refresh_ttl: config.tokens.refresh_ttl,
                refresh_grace: config.tokens.refresh_grace,
            },
        };
        let parts = router::Parts {
            random: Arc::clone(&random),
            tenants: Arc::new(Tenants::new(vec![Arc::clone(&tenant)])),
            origins: Arc::new(AllowedOrigins::new(config.server.allowed_origins.clone())),
            authenticate: Arc::new(authenticate::Context {
                tokens,
                initial_scopes: config.scopes.initial.clone(),
            }),
            scope: Arc::new(scope::Context {
                dispatcher: Arc::clone(&dispatcher),
                figures,
            }),
            dispatcher: Arc::clone(&dispatcher),
            authorization_server: Arc::new(authorization_server),
            readiness: Arc::new(Readiness::new(Arc::clone(&store))),
        };
        Ok(Self {
            store,
            tenant,
            key_rings,
            dispatcher,
            clock,
            random,
            parts,
        })
    }

    /// The default tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Answers requests at `listener` until `stop` is cancelled.
    pub async fn answer(&self, listener: TcpListener, stop: CancellationToken) {
        let readiness = Arc::clone(&self.parts.readiness);
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            readiness.drain();
        });
        server::serve(listener, router::router(&self.parts), stop).await;
    }

    /// Adds a local account to the default tenant.
    pub async fn add_user(
        &self,
        username: &str,
        role: &str,
        password: &Secret,
    ) -> anyhow::Result<()> {
        let user = User {
            id: UserId::new(new_identifier(&*self.random)),
            username: username.to_owned(),
            role: role.to_owned(),
            password: identity::hash_password(password, &*self.random)?,
            disabled: false,
            created_at: self.clock.now(),
        };
        self.store.add_user(&self.tenant.slug, &user).await?;
        Ok(())
    }

    /// An access token for trying things out, signed for `user` without a grant.
    pub fn issue_token(
        &self,
        user: &User,
        scopes: ScopeSet,
        ttl: Duration,
    ) -> anyhow::Result<Secret> {
        let now = self.clock.now();
        let ring = self
            .key_rings
            .get(&self.tenant.slug)
            .context("there is no signing key")?;
        let claims = AccessTokenClaims {
            iss: self.tenant.issuer().to_owned(),
            sub: user.id.clone(),
            aud: self.tenant.resource.as_str().to_owned(),
            exp: now.after(ttl),
            iat: now,
            nbf: None,
            jti: new_identifier(&*self.random),
            client_id: ClientId::new("gatehouse-cli"),
            scope: scopes,
            grant_id: None,
        };
        Ok(ring.sign(&claims)?)
    }

    /// Serves at `listener` until the process is told to stop.
    pub async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        let stop = server::stop_signal()?;
        let removal = tokio::spawn(remove_expired(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
        ));
        self.answer(listener, stop).await;
        removal.abort();
        Ok(())
    }

    /// Serves whoever started the process, on standard input and output.
    pub async fn serve_stdio(self) -> anyhow::Result<()> {
        let policy = self.dispatcher.policy();
        let principal = Arc::new(local_principal(&self.tenant, policy.catalogue()));
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        mcp::stdio::serve(self.dispatcher, principal, input, output).await?;
        Ok(())
    }
}

/// Loads the tenant's signing keys; makes the first one where there is none.
async fn load_keys(
    store: &dyn Store,
    clock: &dyn Clock,
    tenant: &TenantSlug,
    key_rings: &KeyRings,
) -> anyhow::Result<()> {
    let mut keys = store.list_signing_keys(tenant).await?;
    if keys.is_empty() {
        let candidate = jose::generate_signing_key(clock.now())?;
        keys = store.ensure_signing_key(tenant, &candidate).await?;
    }
    key_rings.set(tenant.clone(), KeyRing::new(&keys)?);
    Ok(())
}

fn open_documents(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<RemoteDocuments> {
    let documents = &config.metadata_documents;
    let settings = GuardSettings {
        allow_private: documents.allow_private.clone(),
        allow_ports: documents.allow_ports.clone(),
        root_certificates: documents.root_certificates.clone(),
        max_body: documents.max_size,
        ..GuardSettings::default()
    };
    let client = GuardedClient::new(&settings, Arc::new(SystemLookup))?;
    let (store, clock) = (Arc::clone(store), Arc::clone(clock));
    Ok(RemoteDocuments::new(store, clock, client))
}

fn open_nws(
    config: &Config,
    source: WeatherSource,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Nws> {
    if source == WeatherSource::Sample {
        return Ok(Nws::sample(Arc::clone(clock)));
    }
    let settings = nws::Settings {
        alerts_ttl: config.weather.cache_ttl,
        ..nws::Settings::new(config.weather.base_url.clone())
    };
    let client = egress::Client::new(&nws::egress_settings(config.weather.contact.as_deref()))?;
    Ok(Nws::live(
        settings,
        client,
        Arc::clone(clock),
        Arc::clone(random),
    ))
}

async fn remove_expired(store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let mut interval = tokio::time::interval(REMOVAL_INTERVAL);
    loop {
        interval.tick().await;
        match store.remove_expired(clock.now()).await {
            Ok(rows) => tracing::debug!(rows, "removed what has ended"),
            Err(error) => tracing::warn!(%error, "could not remove what has ended"),
        }
    }
}

/// A name that nobody else has.
fn new_identifier(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}
