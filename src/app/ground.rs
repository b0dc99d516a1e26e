//! What every room stands on: the database, the keys, the clock.

use std::path::PathBuf;
use std::sync::Arc;

use super::telemetry;
use crate::authorization_server::SigningKeys;
use crate::config::Config;
use crate::jose::{KeyCipher, KeyRings, read_key_file};
use crate::model::{Clock, EncryptionKey, Random, SystemClock, SystemRandom, TenantSlug};
use crate::rate_limits::RateLimiter;
use crate::resource_server::{Possession, Revocations};
use crate::store::{self, ConnectOptions, Location, Store};
use crate::telemetry::{Figures, History, Telemetry};
use crate::tenants::Tenants;

#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// What the signing keys in the database are encrypted with, and what all else that is sealed
    /// follows from.
    pub(super) key: EncryptionKey,
    pub(super) cipher: Arc<KeyCipher>,
    pub(super) key_rings: Arc<KeyRings>,
    pub(super) signing_keys: Arc<SigningKeys>,
    pub(super) tenants: Arc<Tenants>,
    pub(super) revocations: Arc<Revocations>,
    pub(super) possession: Arc<Possession>,
    pub(super) telemetry: Telemetry,
    pub(super) figures: Arc<Figures>,
    pub(super) history: Arc<History>,
    pub(super) limiter: Arc<RateLimiter>,
}

impl Ground {
    /// Opens the database and reads from it what has to be known before anyone is answered.
    pub(super) async fn open(config: &Config, default: &TenantSlug) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let options = ConnectOptions {
            migrate_at_start: true,
            ..ConnectOptions::default()
        };
        let store = store::connect(config.database.url.expose(), &options).await?;
        let key = open_key(config, &*store, default, &*random).await?;
        let cipher = Arc::new(KeyCipher::new(&key)?);
        let key_rings = Arc::new(KeyRings::default());
        let signing_keys = Arc::new(SigningKeys {
            store: Arc::clone(&store),
            cipher: Arc::clone(&cipher),
            rings: Arc::clone(&key_rings),
            clock: Arc::clone(&clock),
            algorithm: config.keys.algorithm,
            rotate_every: config.keys.rotate_every,
            publish_ahead: config.keys.publish_ahead,
        });
        signing_keys.load(default).await?;
        let rules = config.tenant_rules.clone();
        let tenants = Tenants::open(Arc::clone(&store), rules, Arc::clone(&signing_keys)).await?;
        let revocations = Arc::new(Revocations::default());
        revocations.refresh(&*store).await?;
        let possession = Possession::new(Arc::clone(&key_rings), Arc::clone(&clock));
        let telemetry = telemetry::open(config)?;
        let figures = Arc::clone(telemetry.figures());
        Ok(Self {
            store,
            clock,
            random,
            key,
            cipher,
            key_rings,
            signing_keys,
            tenants: Arc::new(tenants),
            possession: Arc::new(possession),
            history: Arc::new(History::new(Arc::clone(&figures))),
            revocations,
            limiter: Arc::new(RateLimiter::new(Arc::clone(&figures))),
            figures,
            telemetry,
        })
    }
}

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
