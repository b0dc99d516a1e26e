//! Tenants: those of the file and those of operators, and what goes with one that is removed.

use gatehouse::model::{ListedTenant, StoredTenant, TenantOrigin, TenantSlug};
use gatehouse::store::{Application, Clash, Store, StoreError};

use crate::database::{Database, contract};
use crate::fixtures::{acme, begin_family, change, client, race, signing_key, tenant, user};

contract! {
    what_was_added_is_found,
    a_name_and_an_address_are_given_once,
    a_file_is_applied_once_however_many_replicas_start,
    what_is_gone_from_the_file_is_inactive_and_comes_back,
    addresses_change_hands_within_one_file,
    a_file_never_touches_what_an_operator_added,
    every_change_counts_up,
    b18_nothing_of_a_removed_tenant_is_left_in_any_table,
    the_keys_of_several_tenants_come_at_once,
}

fn stored(slug: &str, url: &str, origin: TenantOrigin) -> StoredTenant {
    StoredTenant {
        slug: tenant(slug),
        public_url: format!("https://{url}").parse().unwrap(),
        settings: "{}".to_owned(),
        origin,
    }
}

fn file(slug: &str, url: &str) -> StoredTenant {
    stored(slug, url, TenantOrigin::File)
}

fn operator(slug: &str, url: &str) -> StoredTenant {
    stored(slug, url, TenantOrigin::Operator)
}

fn applied(deactivated: &[&str]) -> Application {
    Application::Applied {
        deactivated: deactivated.iter().map(|slug| tenant(slug)).collect(),
    }
}

async fn active(store: &dyn Store) -> Vec<(String, String)> {
    let listed = store.list_tenants().await.unwrap();
    let active = listed.into_iter().filter(|tenant| tenant.active);
    active
        .map(
            |ListedTenant {
                 slug, public_url, ..
             }| (slug.to_string(), public_url.to_string()),
        )
        .collect()
}

async fn find(store: &dyn Store, slug: &str) -> Option<StoredTenant> {
    let found = store.find_tenant(&tenant(slug)).await.unwrap();
    found.map(|(tenant, _)| tenant)
}

async fn what_was_added_is_found(database: &Database) {
    let store = database.open().await;
    let added = operator("acme", "acme.example.com/a");
    store
        .add_tenant(&change(&TenantSlug::default()), &added)
        .await
        .unwrap();
    assert_eq!(find(&*store, "acme").await, Some(added));
    assert_eq!(find(&*store, "globex").await, None);
    let listed = store.list_tenants().await.unwrap();
    assert_eq!(listed.len(), 1);
    let listed = listed.first().unwrap();
    assert_eq!(listed.origin, TenantOrigin::Operator);
    assert!(listed.changed_at.seconds() > 1_700_000_000);
}

async fn a_name_and_an_address_are_given_once(database: &Database) {
    let store = database.open().await;
    let first = operator("acme", "acme.example.com");
    store
        .add_tenant(&change(&TenantSlug::default()), &first)
        .await
        .unwrap();
    store
        .add_user(&change(&acme()), &user("alice"))
        .await
        .unwrap();
    for again in [
        operator("acme", "other.example.com"),
        operator("globex", "acme.example.com"),
    ] {
        let added = store
            .add_tenant(&change(&TenantSlug::default()), &again)
            .await;
        assert!(matches!(added, Err(StoreError::Conflict)), "{added:?}");
    }
    assert_eq!(find(&*store, "acme").await, Some(first));
    assert_eq!(store.list_users(&acme()).await.unwrap().len(), 1);
}

async fn a_file_is_applied_once_however_many_replicas_start(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    let answers = race(&replicas, 20, |store, _| async move {
        let tenants = [
            file("default", "h.example.com"),
            file("acme", "h.example.com/a"),
        ];
        store
            .apply_tenants(&change(&TenantSlug::default()), &tenants)
            .await
            .unwrap()
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == applied(&[])));
    let [store, _] = &replicas;
    assert_eq!(active(&**store).await.len(), 2);
    assert_eq!(store.tenants_version().await.unwrap(), 1);
}

async fn what_is_gone_from_the_file_is_inactive_and_comes_back(database: &Database) {
    let store = database.open().await;
    let both = [
        file("default", "h.example.com"),
        file("acme", "h.example.com/a"),
    ];
    let (one, acme_itself) = (both.get(..1).unwrap(), both.last().unwrap());
    store
        .apply_tenants(&change(&TenantSlug::default()), &both)
        .await
        .unwrap();
    store
        .add_user(&change(&acme()), &user("alice"))
        .await
        .unwrap();
    let outcome = store
        .apply_tenants(&change(&TenantSlug::default()), one)
        .await
        .unwrap();
    assert_eq!(outcome, applied(&["acme"]));
    assert_eq!(find(&*store, "acme").await, None);
    assert_eq!(
        store
            .apply_tenants(&change(&TenantSlug::default()), one)
            .await
            .unwrap(),
        applied(&[])
    );
    // Its address may be used by another one meanwhile.
    let other = operator("other", "h.example.com/a");
    store
        .add_tenant(&change(&TenantSlug::default()), &other)
        .await
        .unwrap();
    assert!(
        store
            .remove_tenant(&change(&TenantSlug::default()), &other.slug)
            .await
            .unwrap()
    );

    store
        .apply_tenants(&change(&TenantSlug::default()), &both)
        .await
        .unwrap();
    assert_eq!(find(&*store, "acme").await, Some(acme_itself.clone()));
    assert_eq!(store.list_users(&acme()).await.unwrap().len(), 1);
}

async fn addresses_change_hands_within_one_file(database: &Database) {
    let store = database.open().await;
    let before = [
        file("acme", "one.example.com"),
        file("globex", "two.example.com"),
    ];
    store
        .apply_tenants(&change(&TenantSlug::default()), &before)
        .await
        .unwrap();
    let after = [
        file("acme", "two.example.com"),
        file("globex", "one.example.com"),
    ];
    assert_eq!(
        store
            .apply_tenants(&change(&TenantSlug::default()), &after)
            .await
            .unwrap(),
        applied(&[])
    );
    let pair = |slug: &str, url: &str| (slug.to_owned(), format!("https://{url}"));
    let expected = [
        pair("acme", "two.example.com"),
        pair("globex", "one.example.com"),
    ];
    assert_eq!(active(&*store).await, expected);
}

async fn a_file_never_touches_what_an_operator_added(database: &Database) {
    let store = database.open().await;
    let theirs = operator("acme", "acme.example.com");
    store
        .add_tenant(&change(&TenantSlug::default()), &theirs)
        .await
        .unwrap();
    let default = file("default", "h.example.com");
    for clash in [
        file("acme", "h.example.com/a"),
        file("globex", "acme.example.com"),
    ] {
        let wanted = clash.slug.clone();
        let outcome = store
            .apply_tenants(&change(&TenantSlug::default()), &[default.clone(), clash])
            .await
            .unwrap();
        let existing = acme();
        assert_eq!(
            outcome,
            Application::Taken(vec![Clash { wanted, existing }])
        );
    }
    assert_eq!(active(&*store).await.len(), 1);
    assert_eq!(
        store
            .apply_tenants(&change(&TenantSlug::default()), &[default])
            .await
            .unwrap(),
        applied(&[])
    );
    assert_eq!(find(&*store, "acme").await, Some(theirs));
}

async fn every_change_counts_up(database: &Database) {
    let (store, other) = (database.open().await, database.open().await);
    let mut last = other.tenants_version().await.unwrap();
    let mut grew = async || {
        let now = other.tenants_version().await.unwrap();
        let grew = now > last;
        last = now;
        grew
    };
    let mut one = file("acme", "acme.example.com");
    store
        .apply_tenants(&change(&TenantSlug::default()), std::slice::from_ref(&one))
        .await
        .unwrap();
    assert!(grew().await);
    store
        .apply_tenants(&change(&TenantSlug::default()), std::slice::from_ref(&one))
        .await
        .unwrap();
    assert!(!grew().await);
    "{\"roles\":{}}".clone_into(&mut one.settings);
    store
        .apply_tenants(&change(&TenantSlug::default()), &[one])
        .await
        .unwrap();
    assert!(grew().await);
    store
        .add_tenant(
            &change(&TenantSlug::default()),
            &operator("o", "o.example.com"),
        )
        .await
        .unwrap();
    assert!(grew().await);
    assert!(
        store
            .remove_tenant(&change(&TenantSlug::default()), &tenant("o"))
            .await
            .unwrap()
    );
    assert!(grew().await);
    assert!(
        !store
            .remove_tenant(&change(&TenantSlug::default()), &tenant("o"))
            .await
            .unwrap()
    );
    assert!(!grew().await);
}

async fn b18_nothing_of_a_removed_tenant_is_left_in_any_table(database: &Database) {
    let store = database.open().await;
    for (slug, url) in [
        ("acme", "acme.example.com"),
        ("globex", "globex.example.com"),
    ] {
        store
            .add_tenant(&change(&TenantSlug::default()), &operator(slug, url))
            .await
            .unwrap();
    }
    begin_family(&*store).await;
    store
        .register_client(&change(&acme()), &client("c"))
        .await
        .unwrap();
    store
        .register_client(&change(&tenant("globex")), &client("c"))
        .await
        .unwrap();
    // A row of the tenant in every table that has tenants, whatever its other columns are.
    let tables = database.tables_with_a_tenant().await;
    assert!(tables.len() > 10, "{tables:?}");
    database.fill(&tables, "acme").await;
    for table in &tables {
        assert!(database.count(table, "acme").await > 0, "{table}");
    }

    assert!(
        store
            .remove_tenant(&change(&TenantSlug::default()), &acme())
            .await
            .unwrap()
    );
    for table in &tables {
        assert_eq!(database.count(table, "acme").await, 0, "{table}");
    }
    let left = store.list_clients(&tenant("globex")).await.unwrap();
    assert_eq!(left.len(), 1);
    // One of the same name begins with nothing.
    store
        .add_tenant(
            &change(&TenantSlug::default()),
            &operator("acme", "acme.example.com"),
        )
        .await
        .unwrap();
    assert!(store.list_users(&acme()).await.unwrap().is_empty());
}

async fn the_keys_of_several_tenants_come_at_once(database: &Database) {
    let store = database.open().await;
    let slugs: Vec<TenantSlug> = ["acme", "globex", "third"].map(tenant).into();
    for slug in &slugs {
        let key = signing_key(slug.as_str());
        store.ensure_signing_key(&change(slug), &key).await.unwrap();
    }
    let found = store
        .list_signing_keys_of(slugs.get(..2).unwrap())
        .await
        .unwrap();
    let expected = ["acme", "globex"].map(|slug| (tenant(slug), signing_key(slug)));
    assert_eq!(found, expected);
    assert!(store.list_signing_keys_of(&[]).await.unwrap().is_empty());
}
