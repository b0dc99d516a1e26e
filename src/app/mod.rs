//! The only place that wires: makes every room's context from the configuration.

mod audit;
mod edge;
mod egress;
mod ground;
mod kept;
mod reload;
mod rooms;
mod telemetry;
mod tenants;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::task::JoinHandle;

use ground::Ground;
use kept::{Kept, Rooms};

use crate::audit::WriterTask;
use crate::backends::Backend;
use crate::config::Config;
use crate::mcp;
use crate::middleware::way::Next;
use crate::model::{PublicUrl, Tenant};
use crate::operations::Operations;
use crate::resource_server::local_principal;
use crate::router;
use crate::server::{self, Live, Stop};
use crate::store::Store;

pub use ground::local_key_file;
pub use reload::{Source, hangup};
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
    kept: Kept,
    rooms: Rooms,
    tenant: Arc<Tenant>,
    audit_writer: WriterTask,
    audit_retention: Option<Duration>,
    drain: Duration,
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
        let (kept, audit_writer) = Kept::open(config, ground, public_url, weather, others).await?;
        let rooms = kept.furnish(config)?;
        Ok(Self {
            kept,
            rooms,
            tenant,
            audit_writer,
            audit_retention: config.audit.retention,
            drain: config.server.drain,
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
        &self.rooms.operations
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.kept.ground.store
    }

    /// Makes the tenants of the configuration those of the database that come from it, and loads
    /// the default one.
    pub async fn apply_tenants(&self) -> anyhow::Result<()> {
        let tenants = &self.rooms.operations.file_tenants;
        self.kept.apply_tenants(tenants).await?;
        self.kept.ground.tenants.load(&self.tenant.slug).await?;
        Ok(())
    }

    /// Answers requests at `listener` until it is to `stop`.
    pub async fn answer(&self, listener: TcpListener, stop: Stop) {
        self.answer_live(listener, stop, self.live()).await;
    }

    /// Every route with its stations.
    pub fn router(&self) -> Next {
        router::router(&self.rooms.parts)
    }

    fn live(&self) -> Live {
        Live::new(self.router())
    }

    async fn answer_live(&self, listener: TcpListener, stop: Stop, live: Live) {
        let readiness = Arc::clone(&self.kept.readiness);
        let edge = Arc::clone(&self.kept.edge);
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.announced().await;
            readiness.drain();
            stopping.closed().await;
            edge.close();
        });
        server::serve(listener, live, (stop, self.drain)).await;
        // Nobody is answered any more, so that no event comes after these.
        self.audit_writer.finish().await;
        self.kept.ground.telemetry.finish().await;
    }

    /// Serves at one listener, and operators at the other, until it is to `stop`. What becomes of
    /// the configuration is taken up as its source has it.
    pub async fn serve(
        self,
        (listener, admin): (TcpListener, Option<TcpListener>),
        (source, hangup): (Source, Option<Signal>),
        stop: Stop,
    ) {
        let live = self.live();
        let admin_live = Live::new(router::admin_router(&self.rooms.parts));
        let tasks = self.spawn_upkeep();
        let reloading = reload::Reloading {
            kept: self.kept.clone(),
            live: live.clone(),
            admin: admin_live.clone(),
        };
        let reloading = tokio::spawn(reloading.follow(source, hangup));
        let operators = async {
            if let Some(admin) = admin {
                server::serve(admin, admin_live, (stop.clone(), self.drain)).await;
            }
        };
        tokio::join!(self.answer_live(listener, stop.clone(), live), operators);
        reloading.abort();
        for task in tasks {
            task.abort();
        }
    }

    /// What a serving process does by itself.
    fn spawn_upkeep(&self) -> Vec<JoinHandle<()>> {
        let Kept {
            ground,
            edge,
            mounts,
            ..
        } = &self.kept;
        let retention = self.audit_retention;
        let removal = upkeep::remove_expired(
            Arc::clone(&ground.store),
            Arc::clone(&ground.clock),
            self.unused_client_ttl,
            retention.map(|retention| (Arc::clone(&self.kept.checkpoints), retention)),
        );
        let watch = upkeep::watch(
            Arc::clone(&ground.tenants),
            Arc::clone(&ground.revocations),
            Arc::clone(edge),
            Arc::clone(mounts),
            Arc::clone(&ground.store),
        );
        let limiter = Arc::clone(&ground.limiter);
        let sharing = limiter.share(Arc::clone(&ground.store) as Arc<_>);
        vec![
            tokio::spawn(removal),
            tokio::spawn(watch),
            tokio::spawn(edge::hear(Arc::clone(edge))),
            tokio::spawn(sharing),
            tokio::spawn(upkeep::sample(Arc::clone(&ground.history))),
        ]
    }

    /// Serves whoever started the process, on standard input and output.
    pub async fn serve_stdio(self) -> anyhow::Result<()> {
        let policy = self.rooms.dispatcher.policy();
        let principal = Arc::new(local_principal(&self.tenant, policy.catalogue()));
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        let caller = (self.tenant, principal);
        let served = mcp::stdio::serve(self.rooms.dispatcher, caller, input, output).await;
        self.audit_writer.finish().await;
        Ok(served?)
    }
}
