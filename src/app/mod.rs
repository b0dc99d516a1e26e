//! The only place that wires: makes every room's context from the configuration.

mod edge;
mod egress;
mod operator;
mod policy;
mod tenants;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::audit::{Recorder, WriterTask};
use crate::authorization_server::{self, SigningKeys, TokenSettings};
use crate::backends::Backend;
use crate::backends::weather::Weather;
use crate::config::{Config, FileTenant, TenantRules};
use crate::identity::oidc::RelyingParty;
use crate::identity::{Accounts, FederatedAccounts};
use crate::jose::{IssuerKeys, KeyCipher, KeyRings, TextCipher, read_key_file};
use crate::mcp::{self, Dispatcher};
use crate::middleware::origin::AllowedOrigins;
use crate::middleware::{authenticate, request_id, scope};
use crate::model::{
    Clock, EncryptionKey, PublicUrl, Random, SystemClock, SystemRandom, Tenant, TenantSlug,
};
use crate::nws::{self, Nws};
use crate::rate_limits::RateLimiter;
use crate::resource_server::{AccessTokens, Possession, Revocations, local_principal};
use crate::router::{self, Readiness};
use crate::server;
use crate::store::{self, ConnectOptions, Location, Store};
use crate::telemetry::Figures;
use crate::tenants::Tenants;
use crate::web::TrustedProxies;

pub use operator::NewClient;
pub use tenants::TenantsTaken;

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
    file_tenants: Vec<FileTenant>,
    rules: TenantRules,
    tenants: Arc<Tenants>,
    key_rings: Arc<KeyRings>,
    signing_keys: Arc<SigningKeys>,
    revocations: Arc<Revocations>,
    dispatcher: Arc<Dispatcher>,
    audit_writer: WriterTask,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    parts: router::Parts,
    unused_client_ttl: Duration,
}

impl Gateway {
    /// Opens the database and makes every room's context. Nothing is bound yet.
    pub async fn open(
        config: &Config,
        public_url: PublicUrl,
        weather: WeatherSource,
    ) -> anyhow::Result<Self> {
        Self::open_beside(config, public_url, weather, Vec::new()).await
    }

    /// The same with `others` behind the gate, after the weather.
    pub async fn open_beside(
        config: &Config,
        public_url: PublicUrl,
        weather: WeatherSource,
        others: Vec<Arc<dyn Backend>>,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let store = open_store(config).await?;
        let default = config.tenants.first().context("no default tenant")?;
        let tenant = Arc::new(default.at(&public_url));
        let key_rings = Arc::new(KeyRings::default());
        let encryption_key = open_key(config, &*store, &tenant.slug, &*random).await?;
        let signing_keys = Arc::new(SigningKeys {
            store: Arc::clone(&store),
            cipher: KeyCipher::new(&encryption_key)?,
            rings: Arc::clone(&key_rings),
            clock: Arc::clone(&clock),
            algorithm: config.keys.algorithm,
            rotate_every: config.keys.rotate_every,
            publish_ahead: config.keys.publish_ahead,
        });
        signing_keys.load(&tenant.slug).await?;
        let rules = config.tenant_rules.clone();
        let tenants = Tenants::open(Arc::clone(&store), rules, Arc::clone(&signing_keys)).await?;
        let tenants = Arc::new(tenants);
        let revocations = Arc::new(Revocations::default());
        revocations.refresh(&*store).await?;
        let figures = Arc::new(Figures::default());
        let limiter = Arc::new(RateLimiter::new(Arc::clone(&figures)));
        let nws = Arc::new(open_nws(config, weather, &clock, &random)?);
        let issuer_keys = Arc::new(egress::open_issuer_keys(config, &clock)?);
        let (audit, writer) = Recorder::new(Arc::clone(&store), Arc::clone(&clock), false);
        let weather: Arc<dyn Backend> = Arc::new(Weather::new(nws, Arc::clone(&figures)));
        let backends = std::iter::once(weather).chain(others).collect();
        let authenticate = authentication(config, (&key_rings, &issuer_keys), &clock, &revocations);
        let tokens = &authenticate.tokens;
        let edge = edge::open(config, &encryption_key, &store, (&clock, &random), tokens).await?;
        let dispatcher = Arc::new(edge::dispatcher(config, backends, &figures, edge));
        let authorization_server = authorization_server::Context {
            store: Arc::clone(&store),
            audit: audit.clone(),
            documents: egress::open_documents(config, &store, &clock)?,
            key_rings: Arc::clone(&key_rings),
            issuer_keys: Arc::clone(&issuer_keys),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            catalogue: config.scopes.catalogue.clone(),
            initial_scopes: config.scopes.initial.clone(),
            accounts: accounts(&store, &clock, &encryption_key)?,
            federated: Arc::new(federated(&store, &clock, &random, &encryption_key)?),
            tokens: token_settings(config),
            limiter: Arc::clone(&limiter),
        };
        let parts = router::Parts {
            request_id: Arc::new(naming(config, &random)),
            limiter,
            tenants: Arc::clone(&tenants),
            origins: Arc::new(AllowedOrigins::new(config.server.allowed_origins.clone())),
            authenticate: Arc::new(authenticate),
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
            file_tenants: config.tenants.clone(),
            rules: config.tenant_rules.clone(),
            tenants,
            key_rings,
            signing_keys,
            revocations,
            dispatcher,
            audit_writer: writer.start(),
            clock,
            random,
            parts,
            unused_client_ttl: config.registration.unused_ttl,
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
        let edge = Arc::clone(self.dispatcher.edge());
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            readiness.drain();
            edge.close();
        });
        server::serve(listener, router::router(&self.parts), stop).await;
        // Nobody is answered any more, so that no event comes after these.
        self.audit_writer.finish().await;
    }

    /// Serves at `listener` until the process is told to stop.
    pub async fn serve(self, listener: TcpListener) -> anyhow::Result<()> {
        let stop = server::stop_signal()?;
        let removal = tokio::spawn(upkeep::remove_expired(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            self.unused_client_ttl,
        ));
        let store = Arc::clone(&self.store);
        let watch = upkeep::watch(
            Arc::clone(&self.tenants),
            Arc::clone(&self.revocations),
            Arc::clone(self.dispatcher.edge()),
            store,
        );
        let refresh = tokio::spawn(watch);
        let hearing = tokio::spawn(edge::hear(Arc::clone(self.dispatcher.edge())));
        let limiter = Arc::clone(&self.parts.limiter);
        let sharing = tokio::spawn(limiter.share(Arc::clone(&self.store) as Arc<_>));
        self.answer(listener, stop).await;
        removal.abort();
        refresh.abort();
        hearing.abort();
        sharing.abort();
        Ok(())
    }

    /// Serves whoever started the process, on standard input and output.
    pub async fn serve_stdio(self) -> anyhow::Result<()> {
        let policy = self.dispatcher.policy();
        let principal = Arc::new(local_principal(&self.tenant, policy.catalogue()));
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        let caller = (self.tenant, principal);
        let served = mcp::stdio::serve(self.dispatcher, caller, input, output).await;
        self.audit_writer.finish().await;
        Ok(served?)
    }
}

/// How requests are named, and where they come from.
fn naming(config: &Config, random: &Arc<dyn Random>) -> request_id::Context {
    let server = &config.server;
    request_id::Context {
        random: Arc::clone(random),
        proxies: TrustedProxies::new(server.trusted_proxies.clone(), server.forwarded_header),
    }
}

fn authentication(
    config: &Config,
    (key_rings, issuer_keys): (&Arc<KeyRings>, &Arc<IssuerKeys>),
    clock: &Arc<dyn Clock>,
    revocations: &Arc<Revocations>,
) -> authenticate::Context {
    authenticate::Context {
        tokens: Arc::new(AccessTokens::new(
            (Arc::clone(key_rings), Arc::clone(issuer_keys)),
            config.scopes.catalogue.clone(),
            Arc::clone(clock),
            Arc::clone(revocations),
        )),
        possession: Possession::new(Arc::clone(key_rings), Arc::clone(clock)),
        initial_scopes: config.scopes.initial.clone(),
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let options = ConnectOptions {
        migrate_at_start: true,
        ..ConnectOptions::default()
    };
    Ok(store::connect(config.database.url.expose(), &options).await?)
}

/// What the signing keys in the database are encrypted with, and what all else that is sealed
/// follows from.
async fn open_key(
    config: &Config,
    store: &dyn Store,
    tenant: &TenantSlug,
    random: &dyn Random,
) -> anyhow::Result<EncryptionKey> {
    Ok(
        match (&config.keys.encryption_key, local_key_file(config)?) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => {
                // Where the file is lost, a new one would only hide that.
                let is_new = store.list_signing_keys(tenant).await?.is_empty();
                read_key_file(&path, is_new, random)?
            }
            (None, None) => EncryptionKey::generate(random),
        },
    )
}

/// The file beside an embedded database that holds the encryption key, where the configuration
/// has none.
pub fn local_key_file(config: &Config) -> anyhow::Result<Option<PathBuf>> {
    if config.keys.encryption_key.is_some() {
        return Ok(None);
    }
    Ok(match store::locate(config.database.url.expose())? {
        Location::File(mut path) => {
            path.as_mut_os_string().push(".key");
            Some(path)
        }
        Location::Memory | Location::Server => None,
    })
}

/// The people whom this database knows.
fn accounts(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    key: &EncryptionKey,
) -> anyhow::Result<Accounts> {
    let cipher = TextCipher::new(key, "browsers")?;
    Ok(Accounts::new(Arc::clone(store), Arc::clone(clock), cipher))
}

/// The people whom identity providers know.
fn federated(
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    key: &EncryptionKey,
) -> anyhow::Result<FederatedAccounts> {
    Ok(FederatedAccounts {
        store: Arc::clone(store),
        party: RelyingParty::new(Arc::clone(clock))?,
        cipher: TextCipher::new(key, "identity providers")?,
        clock: Arc::clone(clock),
        random: Arc::clone(random),
    })
}

fn token_settings(config: &Config) -> TokenSettings {
    TokenSettings {
        access_ttl: config.tokens.access_ttl,
        refresh_ttl: config.tokens.refresh_ttl,
        refresh_grace: config.tokens.refresh_grace,
    }
}

fn open_nws(
    config: &Config,
    source: WeatherSource,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> anyhow::Result<Nws> {
    if source == WeatherSource::Sample {
        return Ok(Nws::sample(Arc::clone(clock), Arc::clone(random)));
    }
    let settings = nws::Settings {
        alerts_ttl: config.weather.cache_ttl,
        ..nws::Settings::new(config.weather.base_url.clone())
    };
    let client =
        crate::egress::Client::new(&nws::egress_settings(config.weather.contact.as_deref()))?;
    Ok(Nws::live(
        settings,
        client,
        Arc::clone(clock),
        Arc::clone(random),
    ))
}
