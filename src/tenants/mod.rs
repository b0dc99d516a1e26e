//! The tenants of this gateway: all of them by address, those in use with settings and keys.
//!
//! Where every tenant is fits in memory; what is said about it is read at the first request, and
//! forgotten when no more come. One look a second tells what others changed.

mod addresses;

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Mutex;

use crate::authorization_server::{SigningKeys, SigningKeysError};
use crate::config::{Problems, TenantRules};
use crate::model::{Tenant, TenantOrigin, TenantSlug};
use crate::store::{Store, StoreError};

pub use addresses::{Located, Lost};

use addresses::Addresses;

/// The tenants of this gateway.
#[derive(Debug)]
pub struct Tenants {
    store: Arc<dyn Store>,
    rules: RwLock<Arc<TenantRules>>,
    keys: Arc<SigningKeys>,
    addresses: RwLock<Arc<Addresses>>,
    /// The number of the last change that is in `addresses`.
    version: AtomicI64,
    loaded: Cache<TenantSlug, Loaded>,
    /// Held by whoever takes up changes: what was read by earlier rules must not come last.
    changing: Mutex<()>,
}

/// A tenant in use.
#[derive(Clone, Debug)]
struct Loaded {
    tenant: Arc<Tenant>,
    /// That of the row that it was read from.
    version: i64,
    /// What it was read by.
    rules: Arc<TenantRules>,
}

/// Why a tenant can't be had.
#[derive(Debug, thiserror::Error)]
pub enum TenantsError {
    /// The database can't say.
    #[error("the tenant can't be loaded")]
    Store(#[from] StoreError),
    /// Its keys can't be used.
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    /// What is stored about it is not what this process understands.
    #[error("what is said about the tenant has mistakes: {0}")]
    Document(#[from] Problems),
    /// There is none.
    #[error("the tenant was removed")]
    Removed,
}

/// For how long a tenant that nobody uses stays in memory.
const IDLE: Duration = Duration::from_hours(1);
/// How much the tenants in use may weigh together, in bytes as [`weight`] counts them.
const CAPACITY: u64 = 256 * 1024 * 1024;
/// What a tenant without logo weighs: settings and keys.
const WEIGHT: u32 = 16 * 1024;

impl Tenants {
    /// Reads where all tenants are, and nothing else about them.
    pub async fn open(
        store: Arc<dyn Store>,
        rules: TenantRules,
        keys: Arc<SigningKeys>,
    ) -> Result<Self, StoreError> {
        let loaded = Cache::builder()
            .time_to_idle(IDLE)
            .weigher(|_, loaded: &Loaded| weight(loaded))
            .max_capacity(CAPACITY)
            .build();
        let tenants = Self {
            store,
            rules: RwLock::new(Arc::new(rules)),
            keys,
            addresses: RwLock::default(),
            version: AtomicI64::new(-1),
            loaded,
            changing: Mutex::default(),
        };
        tenants.find_changes().await?;
        Ok(tenants)
    }

    /// The tenant that a request is for, by host and path.
    pub fn locate(&self, host: &str, path: &str) -> Result<Located, Lost> {
        self.addresses().locate(host, path)
    }

    /// The tenant with its settings, and its keys at hand. Of several first requests, one reads
    /// the database.
    pub async fn load(&self, slug: &TenantSlug) -> Result<Arc<Tenant>, Arc<TenantsError>> {
        let loaded = if let Some(loaded) = self.loaded.get(slug).await {
            loaded
        } else {
            let reading = self.read(slug);
            self.loaded.try_get_with(slug.clone(), reading).await?
        };
        // A look for changes may have just dropped the ring of a tenant that nobody used.
        if self.keys.rings.get(slug).is_none() {
            self.load_keys(slug).await?;
        }
        Ok(loaded.tenant)
    }

    /// The tenant as it is now, `None` where it is no longer served. To ask is to use it.
    pub async fn present(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<Arc<Tenant>>, Arc<TenantsError>> {
        match self.load(slug).await {
            Ok(tenant) => {
                let served = self.addresses().version_of(&tenant).is_some();
                Ok(served.then_some(tenant))
            }
            Err(error) if matches!(*error, TenantsError::Removed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many tenants are in use.
    pub async fn count_loaded(&self) -> u64 {
        self.loaded.run_pending_tasks().await;
        self.loaded.entry_count()
    }

    /// About how many tenants are in use.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        self.loaded.entry_count()
    }

    /// Whether the tenants in use that operators added are well-formed by `rules`, and with what
    /// mistake the first of them is not.
    pub async fn check_against(
        &self,
        rules: &TenantRules,
    ) -> Result<(), (TenantSlug, TenantsError)> {
        for slug in self.loaded_slugs() {
            let found = self.store.find_tenant(&slug).await;
            let found = found.map_err(|error| (slug.clone(), error.into()))?;
            let Some((stored, _)) = found else {
                continue;
            };
            if stored.origin == TenantOrigin::Operator {
                let restored = rules.restore(&stored);
                restored.map_err(|problems| (slug, problems.into()))?;
            }
        }
        Ok(())
    }

    /// From now on, what is said about tenants is read by `rules`; those in use are read anew.
    pub async fn follow(&self, rules: TenantRules) {
        let _changing = self.changing.lock().await;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        for slug in self.loaded_slugs() {
            self.reload(&slug).await;
        }
    }

    fn rules(&self) -> Arc<TenantRules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn loaded_slugs(&self) -> Vec<TenantSlug> {
        let slugs = self.loaded.iter().map(|(slug, _)| slug);
        slugs.map(|slug| TenantSlug::clone(&slug)).collect()
    }

    /// Takes up what others did to tenants and to keys. While the database is away, what is known
    /// stays.
    pub async fn refresh(&self) -> Result<(), TenantsError> {
        let _changing = self.changing.lock().await;
        self.find_changes().await?;
        let (addresses, rules) = (self.addresses(), self.rules());
        for (slug, loaded) in &self.loaded {
            let version = addresses.version_of(&loaded.tenant);
            let is_of_now = Arc::ptr_eq(&loaded.rules, &rules);
            if version != Some(loaded.version) || !is_of_now {
                self.reload(&slug).await;
            }
        }
        let in_use = self.loaded_slugs();
        self.keys.refresh(&in_use).await?;
        self.keys
            .rings
            .retain(&in_use.into_iter().collect::<HashSet<_>>());
        Ok(())
    }

    async fn find_changes(&self) -> Result<(), StoreError> {
        let version = self.store.tenants_version().await?;
        if version == self.version.load(Ordering::Acquire) {
            return Ok(());
        }
        let listed = self.store.list_tenants().await?;
        let addresses = Arc::new(Addresses::new(&listed));
        *self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner) = addresses;
        self.version.store(version, Ordering::Release);
        Ok(())
    }

    fn addresses(&self) -> Arc<Addresses> {
        let addresses = self
            .addresses
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&addresses)
    }

    /// Puts what is said now in the place of what was read; without that the tenant is loaded
    /// again, or found to be gone, at its next request.
    async fn reload(&self, slug: &TenantSlug) {
        match self.read(slug).await {
            Ok(loaded) => self.loaded.insert(slug.clone(), loaded).await,
            Err(error) => {
                if !matches!(error, TenantsError::Removed) {
                    tracing::warn!(tenant = %slug, %error, "could not take up a tenant's change");
                }
                self.loaded.invalidate(slug).await;
            }
        }
    }

    async fn read(&self, slug: &TenantSlug) -> Result<Loaded, TenantsError> {
        let found = self.store.find_tenant(slug).await?;
        let (stored, version) = found.ok_or(TenantsError::Removed)?;
        let rules = self.rules();
        let tenant = Arc::new(rules.restore(&stored)?);
        self.keys.load(slug).await?;
        Ok(Loaded {
            tenant,
            version,
            rules,
        })
    }

    async fn load_keys(&self, slug: &TenantSlug) -> Result<(), TenantsError> {
        Ok(self.keys.load(slug).await?)
    }
}

fn weight(loaded: &Loaded) -> u32 {
    let logo = loaded.tenant.branding.logo.as_ref();
    let logo = logo.map_or(0, |logo| logo.bytes().len());
    WEIGHT.saturating_add(u32::try_from(logo).unwrap_or(u32::MAX))
}
