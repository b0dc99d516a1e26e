//! Taking up a changed configuration while serving: at SIGHUP, and when a file of it changes.
//!
//! All of it or nothing: where there is a mistake, the one before goes on, and the log says so.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::kept::Kept;
use crate::config::{self, Config, DEFAULT_FILE, Environment, Problems};
use crate::model::Digest;
use crate::router;
use crate::server::Live;
use crate::telemetry::Counted;

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file that was named.
    pub path: Option<PathBuf>,
    /// The environment of the process, which does not change.
    pub environment: Environment,
    /// What was read from both.
    pub config: Config,
    /// What its files held then.
    fingerprint: Digest,
}

/// What a changed configuration is put into.
#[derive(Debug)]
pub(super) struct Reloading {
    pub(super) kept: Kept,
    pub(super) live: Live,
    pub(super) admin: Live,
}

/// How often the files are looked at. They are read, since neither links that are exchanged (as
/// Kubernetes does) nor file systems of networks tell of a change.
const INTERVAL: Duration = Duration::from_secs(2);

impl Reloading {
    /// Takes up what becomes of the configuration, for as long as the process serves.
    pub(super) async fn follow(self, mut source: Source, mut hangup: Option<Signal>) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = Looks::new(source.fingerprint);
        loop {
            let told = tokio::select! {
                () = heard(hangup.as_mut()) => true,
                _ = interval.tick() => false,
            };
            let now = source.fingerprint();
            if !looks.have_settled_anew(now) && !told {
                continue;
            }
            let files = source.config.sources.files.clone();
            self.reload(&mut source).await;
            // Another configuration may name other files.
            let is_same = source.config.sources.files == files;
            looks = Looks::new(if is_same { now } else { source.fingerprint() });
        }
    }

    async fn reload(&self, source: &mut Source) {
        let outcome = match self.take(source).await {
            Ok(config) => {
                tracing::info!("the configuration was taken up");
                source.config = config;
                "accepted"
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "the configuration was not taken up: the one before goes on"
                );
                "refused"
            }
        };
        let meters = self.kept.ground.figures.meters();
        meters.count(Counted::Reloads, outcome);
    }

    /// Nothing is different before everything is known to be good.
    async fn take(&self, source: &Source) -> anyhow::Result<Config> {
        let config = config::load(source.path.as_deref(), &source.environment)?;
        let fixed = source.config.fixed_keys_that_differ(&config);
        if !fixed.is_empty() {
            let keys = fixed.join(", ");
            bail!("what is different holds from the next start on only: {keys}");
        }
        let tenants = &self.kept.ground.tenants;
        let checked = tenants.check_against(&config.tenant_rules).await;
        if let Err((tenant, error)) = checked {
            let whose = format!("the tenant {tenant}, which an operator added");
            return Err(error).context(whose);
        }
        let rooms = self.kept.furnish(&config)?;
        self.kept.apply_tenants(&config.tenants).await?;
        tenants.follow(config.tenant_rules.clone()).await;
        self.live.set(router::router(&rooms.parts));
        self.admin.set(router::admin_router(&rooms.parts));
        Ok(config)
    }
}

/// What the files looked like.
struct Looks {
    taken: Digest,
    before: Digest,
}

impl Looks {
    const fn new(taken: Digest) -> Self {
        let before = taken;
        Self { taken, before }
    }

    /// Whoever writes a file may not be at its end: it has to look alike twice.
    fn have_settled_anew(&mut self, now: Digest) -> bool {
        let settled = std::mem::replace(&mut self.before, now) == now;
        settled && now != self.taken
    }
}

impl Source {
    /// Reads the configuration.
    pub fn load(path: Option<PathBuf>, environment: &Environment) -> Result<Self, Problems> {
        let config = config::load(path.as_deref(), environment)?;
        let mut source = Self {
            path,
            environment: environment.clone(),
            config,
            fingerprint: Digest::of(&[]),
        };
        source.fingerprint = source.fingerprint();
        Ok(source)
    }

    /// What all files of the configuration hold.
    fn fingerprint(&self) -> Digest {
        let default = || PathBuf::from(DEFAULT_FILE);
        let file = self.path.clone().unwrap_or_else(default);
        let files = std::iter::once(&file).chain(&self.config.sources.files);
        let mut all = Vec::new();
        for file in files {
            // One that is gone is another change.
            let digest = fs::read(file).ok().map(|bytes| Digest::of(&bytes));
            all.push(u8::from(digest.is_some()));
            all.extend(digest.iter().flat_map(Digest::as_bytes));
        }
        Digest::of(&all)
    }
}

/// SIGHUP from now on, before anybody is told that the process serves: until then it would end it.
#[must_use]
pub fn hangup() -> Option<Signal> {
    signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP can't be heard"))
        .ok()
}

async fn heard(hangup: Option<&mut Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => std::future::pending().await,
    }
}
