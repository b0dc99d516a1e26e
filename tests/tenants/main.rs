//! The directory of tenants: what is kept in memory, and for whom.
#![expect(clippy::unwrap_used, reason = "test support")]

use std::sync::Arc;
use std::time::Duration;

use gatehouse::authorization_server::SigningKeys;
use gatehouse::config::{self, Environment, TenantRules};
use gatehouse::jose::{KeyCipher, KeyRings};
use gatehouse::model::{
    Change, EncryptionKey, SigningAlgorithm, StoredTenant, SystemClock, SystemRandom, TenantOrigin,
    TenantSlug, Timestamp,
};
use gatehouse::store::{Application, ConnectOptions, Store, connect};
use gatehouse::tenants::{Lost, Tenants, TenantsError};
use sqlx::Connection as _;

/// A database, and one replica's view of it.
struct House {
    url: String,
    store: Arc<dyn Store>,
    tenants: Tenants,
    rings: Arc<KeyRings>,
    _folder: tempfile::TempDir,
}

fn change() -> Change {
    Change::by_system(
        &TenantSlug::default(),
        Timestamp::from_seconds(1_800_000_000),
    )
}

fn slug(number: usize) -> TenantSlug {
    format!("tenant-{number}").parse().unwrap()
}

fn stored(number: usize, settings: &str) -> StoredTenant {
    StoredTenant {
        slug: slug(number),
        public_url: format!("https://mcp.example.com/t/tenant-{number}")
            .parse()
            .unwrap(),
        settings: settings.to_owned(),
        origin: TenantOrigin::File,
    }
}

fn rules() -> TenantRules {
    let config = config::parse("", "none", &Environment::new()).unwrap();
    config.tenant_rules
}

impl House {
    async fn with(tenants: &[StoredTenant]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gatehouse.db").display());
        let store = connect(&url, &ConnectOptions::default()).await.unwrap();
        let applied = store.apply_tenants(&change(), tenants).await.unwrap();
        assert!(matches!(applied, Application::Applied { .. }));
        let rings = Arc::new(KeyRings::default());
        let key = EncryptionKey::generate(&SystemRandom);
        let keys = SigningKeys {
            store: Arc::clone(&store),
            cipher: Arc::new(KeyCipher::new(&key).unwrap()),
            rings: Arc::clone(&rings),
            clock: Arc::new(SystemClock),
            algorithm: SigningAlgorithm::Es256,
            rotate_every: Duration::from_hours(24),
            publish_ahead: Duration::from_mins(10),
        };
        let tenants = Tenants::open(Arc::clone(&store), rules(), Arc::new(keys)).await;
        Self {
            url,
            store,
            tenants: tenants.unwrap(),
            rings,
            _folder: folder,
        }
    }

    async fn sql(&self, statement: &'static str) {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let done = sqlx::query(statement).execute(&mut connection).await;
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tenants_cost_memory_only_when_used() {
    let all: Vec<StoredTenant> = (0..10_000).map(|number| stored(number, "{}")).collect();
    let house = House::with(&all).await;
    assert_eq!(house.tenants.count_loaded().await, 0);

    let path = "/t/tenant-7777/mcp";
    let located = house.tenants.locate("mcp.example.com", path).unwrap();
    assert_eq!(
        (located.slug.as_str(), &*located.path),
        ("tenant-7777", "/mcp")
    );
    let tenant = house.tenants.load(&located.slug).await.unwrap();
    let issuer = "https://mcp.example.com/t/tenant-7777";
    assert_eq!(tenant.issuer(), issuer);
    assert_eq!(house.tenants.count_loaded().await, 1);
    assert!(house.rings.get(&slug(7777)).is_some());

    // Neither does looking for changes load anything.
    house.tenants.refresh().await.unwrap();
    assert_eq!(house.tenants.count_loaded().await, 1);
    assert!(house.rings.get(&slug(7777)).is_some());
    assert!(house.rings.get(&slug(1)).is_none());
    let both = [slug(1), slug(7777)];
    let keys = house.store.list_signing_keys_of(&both);
    assert_eq!(keys.await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_first_requests_read_a_tenant_once() {
    let house = Arc::new(House::with(&[stored(1, "{}")]).await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let house = Arc::clone(&house);
        tasks.spawn(async move { house.tenants.load(&slug(1)).await.unwrap() });
    }
    let tenants = tasks.join_all().await;
    let first = tenants.first().unwrap();
    assert!(tenants.iter().all(|tenant| Arc::ptr_eq(tenant, first)));
}

#[tokio::test]
async fn without_the_database_those_in_use_go_on_and_others_fail() {
    let house = House::with(&[stored(1, "{}"), stored(2, "{}")]).await;
    house.tenants.load(&slug(1)).await.unwrap();
    house.sql("ALTER TABLE tenants RENAME TO elsewhere").await;
    house.tenants.load(&slug(1)).await.unwrap();
    let failed = house.tenants.load(&slug(2)).await.unwrap_err();
    assert!(matches!(*failed, TenantsError::Store(_)), "{failed}");
    house.sql("ALTER TABLE elsewhere RENAME TO tenants").await;
    house.tenants.load(&slug(2)).await.unwrap();
}

#[tokio::test]
async fn a_change_is_taken_up_by_those_in_use() {
    let house = House::with(&[stored(1, "{}"), stored(2, "{}")]).await;
    let before = house.tenants.load(&slug(1)).await.unwrap();
    assert_eq!(before.display_name(), "Gatehouse");
    let changed = stored(1, r#"{"branding":{"name":"One"}}"#);
    house
        .store
        .apply_tenants(&change(), &[changed])
        .await
        .unwrap();
    house.tenants.refresh().await.unwrap();
    let after = house.tenants.load(&slug(1)).await.unwrap();
    assert_eq!(after.display_name(), "One");

    // The other one is gone, and the first one goes as well.
    let lost = |number: usize| {
        let path = format!("/t/tenant-{number}/mcp");
        house.tenants.locate("mcp.example.com", &path).err()
    };
    assert_eq!((lost(1), lost(2)), (None, Some(Lost::Path)));
    assert!(
        house
            .store
            .remove_tenant(&change(), &slug(1))
            .await
            .unwrap()
    );
    house.tenants.refresh().await.unwrap();
    assert_eq!(lost(1), Some(Lost::Host));
    assert_eq!(house.tenants.count_loaded().await, 0);
    assert!(house.rings.get(&slug(1)).is_none());
    let failed = house.tenants.load(&slug(1)).await.unwrap_err();
    assert!(matches!(*failed, TenantsError::Removed), "{failed}");
}

#[tokio::test]
async fn b18_a_tenant_of_the_same_name_has_other_keys() {
    let house = House::with(&[stored(1, "{}")]).await;
    house.tenants.load(&slug(1)).await.unwrap();
    let before = house.rings.get(&slug(1)).unwrap();
    // Both within one look for changes.
    assert!(
        house
            .store
            .remove_tenant(&change(), &slug(1))
            .await
            .unwrap()
    );
    house
        .store
        .add_tenant(&change(), &stored(1, "{}"))
        .await
        .unwrap();
    house.tenants.refresh().await.unwrap();
    house.tenants.load(&slug(1)).await.unwrap();
    let after = house.rings.get(&slug(1)).unwrap();
    assert!(before.ids().all(|id| after.ids().all(|other| other != id)));
}
