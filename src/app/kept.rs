//! What a process keeps for its life, whatever becomes of the configuration; and the rooms that are
//! furnished by the configuration as it is.

use std::sync::Arc;

use super::ground::Ground;
use super::{WeatherSource, audit, edge, egress, rooms, telemetry};
use crate::audit::{Checkpoints, Recorder, WriterTask};
use crate::backends::Backend;
use crate::backends::remote::Mounts;
use crate::backends::weather::Weather;
use crate::config::Config;
use crate::identity::LinkedAccounts;
use crate::jose::IssuerKeys;
use crate::mcp::{Dispatcher, Edge};
use crate::middleware::origin::AllowedOrigins;
use crate::middleware::request_id::InFlight;
use crate::middleware::scope;
use crate::model::PublicUrl;
use crate::operations::Operations;
use crate::router::{self, Readiness};

/// What a process keeps: what is open, under way or remembered.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) ground: Ground,
    /// The address of the default tenant.
    pub(super) public_url: PublicUrl,
    pub(super) built_in: Arc<[Arc<dyn Backend>]>,
    pub(super) mounts: Arc<Mounts>,
    pub(super) linked: Arc<LinkedAccounts>,
    pub(super) edge: Arc<Edge>,
    pub(super) audit: Recorder,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) issuer_keys: Arc<IssuerKeys>,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) readiness: Arc<Readiness>,
}

/// What follows from the configuration alone and from what is kept.
#[derive(Debug)]
pub(super) struct Rooms {
    pub(super) operations: Arc<Operations>,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) parts: router::Parts,
}

impl Kept {
    /// Opens everything, with `others` behind the gate after the weather.
    pub(super) async fn open(
        config: &Config,
        ground: Ground,
        public_url: PublicUrl,
        weather: WeatherSource,
        others: Vec<Arc<dyn Backend>>,
    ) -> anyhow::Result<(Self, WriterTask)> {
        let nws = Arc::new(rooms::nws(config, weather, &ground)?);
        let issuer_keys = Arc::new(egress::open_issuer_keys(config, &ground)?);
        let checkpoints = Arc::new(rooms::checkpoints(&ground));
        let (audit, writer) = audit::start(config, &checkpoints);
        let weather: Arc<dyn Backend> = Arc::new(Weather::new(nws, Arc::clone(&ground.figures)));
        let built_in: Arc<[_]> = std::iter::once(weather).chain(others).collect();
        let tokens = rooms::access_tokens(config, &ground, &issuer_keys);
        let edge = edge::open(config, &ground, &tokens).await?;
        let linked = Arc::new(rooms::linked(&ground)?);
        let mounts = Arc::new(edge::mounts(&built_in, &ground, &linked).await?);
        let in_flight = Arc::default();
        telemetry::observe(&ground, &audit, &in_flight);
        telemetry::observe_mounts(ground.figures.meters(), &mounts);
        let kept = Self {
            readiness: Arc::new(Readiness::new(Arc::clone(&ground.store))),
            ground,
            public_url,
            built_in,
            mounts,
            linked,
            edge,
            audit,
            checkpoints,
            issuer_keys,
            in_flight,
        };
        Ok((kept, writer))
    }

    /// The rooms as `config` wants them.
    pub(super) fn furnish(&self, config: &Config) -> anyhow::Result<Rooms> {
        let Self { ground, audit, .. } = self;
        let dispatcher = Arc::new(edge::dispatcher(config, self));
        let issuer_keys = Arc::clone(&self.issuer_keys);
        let authenticate = rooms::authenticate(config, ground, &issuer_keys, audit.clone());
        let shared = (issuer_keys, &self.linked);
        let authorization_server =
            rooms::authorization_server(config, ground, shared, audit.clone())?;
        let operations = Arc::new(rooms::operations(config, self, &dispatcher));
        let parts = router::Parts {
            telemetry: Arc::new(ground.telemetry.clone()),
            request_id: Arc::new(rooms::request_id(config, ground, &self.in_flight)),
            limiter: Arc::clone(&ground.limiter),
            tenants: Arc::clone(&ground.tenants),
            origins: Arc::new(AllowedOrigins::new(config.server.allowed_origins.clone())),
            authenticate: Arc::new(authenticate),
            scope: Arc::new(scope::Context {
                dispatcher: Arc::clone(&dispatcher),
                figures: Arc::clone(&ground.figures),
                recorder: audit.clone(),
            }),
            dispatcher: Arc::clone(&dispatcher),
            authorization_server: Arc::new(authorization_server),
            admin: Arc::new(rooms::admin(config, (ground, &self.mounts), &operations)),
            scim: Arc::new(rooms::scim(ground)),
            readiness: Arc::clone(&self.readiness),
        };
        Ok(Rooms {
            operations,
            dispatcher,
            parts,
        })
    }
}
