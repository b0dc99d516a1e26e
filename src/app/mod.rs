//! The only place that wires: makes every room's context from the configuration.

mod audit;
mod edge;
mod egress;
mod ground;
mod rooms;
mod tenants;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use ground::Ground;

use crate::audit::{Checkpoints, WriterTask};
use crate::backends::Backend;
use crate::backends::weather::Weather;
use crate::config::Config;
use crate::mcp::{self, Dispatcher};
use crate::middleware::origin::AllowedOrigins;
use crate::middleware::scope;
use crate::model::{PublicUrl, Tenant};
use crate::operations::Operations;
use crate::resource_server::local_principal;
use crate::router::{self, Readiness};
use crate::server::{self, Stop};
use crate::store::Store;

pub use ground::local_key_file;
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
    ground: Ground,
    tenant: Arc<Tenant>,
    operations: Arc<Operations>,
    dispatcher: Arc<Dispatcher>,
    audit_writer: WriterTask,
    checkpoints: Arc<Checkpoints>,
    audit_retention: Option<Duration>,
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
        let default = config.tenants.first().context("no default tenant")?;
        let tenant = Arc::new(default.at(&public_url));
        let ground = Ground::open(config, &tenant.slug).await?;
        let figures = &ground.figures;
        let nws = Arc::new(rooms::nws(config, weather, &ground)?);
        let issuer_keys = Arc::new(egress::open_issuer_keys(config, &ground.clock)?);
        let checkpoints = Arc::new(rooms::checkpoints(&ground));
        let (audit, audit_writer) = audit::start(config, &checkpoints);
        let weather: Arc<dyn Backend> = Arc::new(Weather::new(nws, Arc::clone(figures)));
        let backends = std::iter::once(weather).chain(others).collect();
        let authenticate = rooms::authenticate(config, &ground, &issuer_keys, audit.clone());
        let edge = edge::open(config, &ground, &authenticate.tokens).await?;
        let dispatcher = edge::dispatcher(config, backends, figures, edge).await?;
        let dispatcher = Arc::new(dispatcher.recorded_by(audit.clone()));
        let authorization_server =
            rooms::authorization_server(config, &ground, issuer_keys, audit.clone())?;
        let operations = rooms::operations(config, &ground, public_url, &checkpoints, &dispatcher);
        let operations = Arc::new(operations);
        let parts = router::Parts {
            request_id: Arc::new(rooms::request_id(config, &ground)),
            limiter: Arc::clone(&ground.limiter),
            tenants: Arc::clone(&ground.tenants),
            origins: Arc::new(AllowedOrigins::new(config.server.allowed_origins.clone())),
            authenticate: Arc::new(authenticate),
            scope: Arc::new(scope::Context {
                dispatcher: Arc::clone(&dispatcher),
                figures: Arc::clone(figures),
                recorder: audit,
            }),
            dispatcher: Arc::clone(&dispatcher),
            authorization_server: Arc::new(authorization_server),
            admin: Arc::new(rooms::admin(config, &ground, &operations)),
            scim: Arc::new(rooms::scim(&ground)),
            readiness: Arc::new(Readiness::new(Arc::clone(&ground.store))),
        };
        Ok(Self {
            ground,
            tenant,
            operations,
            dispatcher,
            audit_writer,
            checkpoints,
            audit_retention: config.audit.retention,
            parts,
            unused_client_ttl: config.registration.unused_ttl,
        })
    }

    /// The default tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// What operators do.
    #[must_use]
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.ground.store
    }

    /// Answers requests at `listener` until it is to `stop`.
    pub async fn answer(&self, listener: TcpListener, stop: Stop) {
        let readiness = Arc::clone(&self.parts.readiness);
        let edge = Arc::clone(self.dispatcher.edge());
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.announced().await;
            readiness.drain();
            stopping.closed().await;
            edge.close();
        });
        server::serve(listener, router::router(&self.parts), stop).await;
        // Nobody is answered any more, so that no event comes after these.
        self.audit_writer.finish().await;
    }

    /// Serves at `listener`, and operators at `admin`, until it is to `stop`.
    pub async fn serve(self, listener: TcpListener, admin: Option<TcpListener>, stop: Stop) {
        let removal = tokio::spawn(upkeep::remove_expired(
            Arc::clone(&self.ground.store),
            Arc::clone(&self.ground.clock),
            self.unused_client_ttl,
            self.audit_retention
                .map(|retention| (Arc::clone(&self.checkpoints), retention)),
        ));
        let store = Arc::clone(&self.ground.store);
        let watch = upkeep::watch(
            Arc::clone(&self.ground.tenants),
            Arc::clone(&self.ground.revocations),
            Arc::clone(self.dispatcher.edge()),
            store,
        );
        let refresh = tokio::spawn(watch);
        let hearing = tokio::spawn(edge::hear(Arc::clone(self.dispatcher.edge())));
        let limiter = Arc::clone(&self.ground.limiter);
        let sharing = tokio::spawn(limiter.share(Arc::clone(&self.ground.store) as Arc<_>));
        let sampling = tokio::spawn(upkeep::sample(Arc::clone(&self.parts.admin.history)));
        let operators = async {
            if let Some(admin) = admin {
                server::serve(admin, router::admin_router(&self.parts), stop.clone()).await;
            }
        };
        tokio::join!(self.answer(listener, stop.clone()), operators);
        removal.abort();
        sampling.abort();
        refresh.abort();
        hearing.abort();
        sharing.abort();
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
