//! Every change has its entry in the audit log, and what changed nothing has none (catalogue H08).

use gatehouse::model::{
    Consent, Digest, GrantId, ResourceUri, StoredTenant, TenantOrigin, TenantSlug,
};
use gatehouse::store::{AuditQuery, Registration, Store};

use crate::audit::read_all;
use crate::database::{Database, contract};
use crate::fixtures::{
    NOW, acme, add_alice, begin_family, change, change_at, client, code, digest, later,
    login_session, refresh_token, rotation, signing_key, user,
};

contract!(
    h08_a_change_of_an_account_leaves_its_entry,
    h08_a_change_of_a_client_leaves_its_entry,
    h08_signing_in_and_out_leaves_its_entry,
    h08_codes_and_tokens_leave_their_entries,
    b12_a_reused_refresh_token_leaves_an_audit_event,
    h08_consent_leaves_its_entry,
    h08_a_new_key_leaves_its_entry,
    h08_a_change_of_a_tenant_leaves_its_entry,
    h08_what_fails_leaves_nothing,
);

/// What the log of the tenant tells.
async fn told_of(store: &dyn Store, tenant: &TenantSlug) -> Vec<String> {
    store.chain_audit(tenant, &[]).await.unwrap();
    let entries = read_all(store, tenant).await;
    entries.into_iter().map(|one| one.entry.event).collect()
}

async fn told(store: &dyn Store) -> Vec<String> {
    told_of(store, &acme()).await
}

async fn h08_a_change_of_an_account_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let by = change(&acme());
    store.add_user(&by, &user("alice")).await.unwrap();
    store.add_user(&by, &user("alice")).await.unwrap_err();
    for (name, disabled) in [("alice", true), ("alice", false), ("nobody", true)] {
        store.set_user_disabled(&by, name, disabled).await.unwrap();
    }
    assert!(store.remove_user(&by, "alice").await.unwrap());
    assert!(!store.remove_user(&by, "alice").await.unwrap());
    let expected = [
        "user.added",
        "user.disabled",
        "user.enabled",
        "user.removed",
    ];
    assert_eq!(told(&*store).await, expected);
    let entries = read_all(&*store, &acme()).await;
    for one in entries {
        assert_eq!(one.entry.at_ms, NOW.seconds() * 1000);
        assert_eq!(one.entry.outcome, "success");
        assert_eq!(one.entry.actor_kind, "operator");
        assert_eq!(one.entry.actor.as_deref(), Some("test"));
        assert_eq!(one.entry.user.as_deref(), Some("id-of-alice"));
        assert_eq!(one.entry.target.as_deref(), Some("alice"));
    }
}

async fn h08_a_change_of_a_client_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let by = change(&acme());
    store.register_client(&by, &client("added")).await.unwrap();
    store
        .register_client(&by, &client("added"))
        .await
        .unwrap_err();
    for id in ["one", "two"] {
        let registration = Registration {
            client: client(id),
            token: digest(id),
            limit: 1,
        };
        assert!(store.admit_client(&by, &registration).await.unwrap());
    }
    assert!(store.replace_client(&by, &client("two")).await.unwrap());
    assert!(!store.replace_client(&by, &client("none")).await.unwrap());
    let added = client("added").id;
    assert!(store.remove_client(&by, &added).await.unwrap());
    assert!(!store.remove_client(&by, &added).await.unwrap());
    assert_eq!(store.remove_unused_clients(NOW, later(1)).await.unwrap(), 1);
    let expected = [
        "client.added",
        "client.registered",
        "client.expired",
        "client.registered",
        "client.changed",
        "client.removed",
        "client.expired",
    ];
    assert_eq!(told(&*store).await, expected);
}

async fn h08_signing_in_and_out_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let session = login_session("session", &add_alice(&*store).await);
    let by = change(&acme());
    store.start_login_session(&by, &session).await.unwrap();
    for _ in 0..2 {
        store.end_login_session(&by, &session.digest).await.unwrap();
    }
    let expected = ["user.added", "sign_in.accepted", "sign_in.ended"];
    assert_eq!(told(&*store).await, expected);
}

async fn h08_codes_and_tokens_leave_their_entries(database: &Database) {
    let store = database.open().await;
    let by = change(&acme());
    let family = begin_family(&*store).await;
    let first = rotation("first", "second", &family);
    store.rotate_refresh_token(&by, &first).await.unwrap();
    store.rotate_refresh_token(&by, &first).await.unwrap();
    let unknown = rotation("unknown", "third", &family);
    store.rotate_refresh_token(&by, &unknown).await.unwrap();
    assert!(store.revoke_grant(&by, &family).await.unwrap());
    assert!(!store.revoke_grant(&by, &family).await.unwrap());
    store.redeem_code(&by, &digest("code"), None).await.unwrap();
    let expected = [
        "user.added",
        "consent.given",
        "token.issued",
        "token.refreshed",
        "token.refresh_repeated",
        "grant.revoked",
        "code.replay_detected",
    ];
    assert_eq!(told(&*store).await, expected);
    let of_grant = AuditQuery {
        grant: Some(family.as_str().to_owned()),
        ..AuditQuery::default()
    };
    let of_grant = store.read_audit(&acme(), &of_grant).await.unwrap();
    assert_eq!(of_grant.len(), 4);
    // No entry has anything that would be of use to whoever reads the log.
    let secret = |text: &str| text.contains(&Digest::of(b"first").to_hex());
    assert!(!of_grant.iter().any(|one| secret(&format!("{one:?}"))));
}

async fn b12_a_reused_refresh_token_leaves_an_audit_event(database: &Database) {
    let store = database.open().await;
    let family = begin_family(&*store).await;
    let by = change(&acme());
    let first = rotation("first", "second", &family);
    store.rotate_refresh_token(&by, &first).await.unwrap();
    let mut reuse = rotation("first", "third", &family);
    reuse.now = later(3600);
    let by = change_at(&acme(), later(3600));
    store.rotate_refresh_token(&by, &reuse).await.unwrap();
    store.chain_audit(&acme(), &[]).await.unwrap();
    let query = AuditQuery {
        event: Some("token.reuse_detected".to_owned()),
        ..AuditQuery::default()
    };
    let found = store.read_audit(&acme(), &query).await.unwrap();
    assert_eq!(found.len(), 1);
    let one = found.first().unwrap();
    assert_eq!(one.entry.outcome, "refused");
    assert_eq!(one.entry.grant.as_deref(), Some(family.as_str()));
    assert_eq!(one.entry.at_ms, later(3600).seconds() * 1000);
}

async fn h08_consent_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let alice = add_alice(&*store).await;
    let by = change(&acme());
    let consent = Consent {
        user: alice.id.clone(),
        client: client("app").id,
        redirect_host: "client.example".to_owned(),
        scopes: "mcp:tools".parse().unwrap(),
        resource: ResourceUri::parse("https://mcp.example.com/t/acme/mcp").unwrap(),
        given_at: NOW,
    };
    store.remember_consent(&by, &consent).await.unwrap();
    store
        .issue_code(&by, &code("one", &alice), true)
        .await
        .unwrap();
    store
        .issue_code(&by, &code("two", &alice), false)
        .await
        .unwrap();
    for _ in 0..2 {
        let withdrawn = store.withdraw_consent(&by, &alice.id, &consent.client);
        withdrawn.await.unwrap();
    }
    let expected = [
        "user.added",
        "consent.remembered",
        "consent.given",
        "consent.reused",
        "consent.withdrawn",
    ];
    assert_eq!(told(&*store).await, expected);
}

async fn h08_a_new_key_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let by = change(&acme());
    for id in ["one", "two"] {
        store
            .ensure_signing_key(&by, &signing_key(id))
            .await
            .unwrap();
    }
    let next = signing_key("next");
    assert!(store.rotate_signing_key(&by, "one", &next).await.unwrap());
    let late = signing_key("late");
    assert!(!store.rotate_signing_key(&by, "none", &late).await.unwrap());
    assert_eq!(told(&*store).await, ["key.added", "key.added"]);
}

async fn h08_a_change_of_a_tenant_leaves_its_entry(database: &Database) {
    let store = database.open().await;
    let stored = |slug: &str, settings: &str, origin| StoredTenant {
        slug: slug.parse().unwrap(),
        public_url: format!("https://{slug}.example.com").parse().unwrap(),
        settings: settings.to_owned(),
        origin,
    };
    let default = TenantSlug::default();
    let by = change(&default);
    let (file, operator) = (TenantOrigin::File, TenantOrigin::Operator);
    for tenants in [
        vec![stored("default", "{}", file), stored("acme", "{}", file)],
        vec![stored("default", "{}", file), stored("acme", "{ }", file)],
        vec![stored("default", "{}", file)],
        vec![stored("default", "{}", file)],
    ] {
        store.apply_tenants(&by, &tenants).await.unwrap();
    }
    let globex = stored("globex", "{}", operator);
    store.add_tenant(&by, &globex).await.unwrap();
    store.add_tenant(&by, &globex).await.unwrap_err();
    assert!(store.remove_tenant(&by, &globex.slug).await.unwrap());
    assert!(!store.remove_tenant(&by, &globex.slug).await.unwrap());
    let expected = [
        "tenant.added",
        "tenant.added",
        "tenant.changed",
        "tenant.deactivated",
        "tenant.added",
        "tenant.removed",
    ];
    assert_eq!(told_of(&*store, &default).await, expected);
}

async fn h08_what_fails_leaves_nothing(database: &Database) {
    let store = database.open().await;
    let alice = user("alice");
    let by = change(&acme());
    // There is no such account to give a grant.
    store
        .issue_code(&by, &code("code", &alice), true)
        .await
        .unwrap_err();
    let session = login_session("session", &alice);
    store.start_login_session(&by, &session).await.unwrap_err();
    let token = refresh_token("first", &GrantId::new("none"));
    store
        .redeem_code(&by, &digest("code"), Some(&token))
        .await
        .unwrap();
    assert_eq!(told(&*store).await, [""; 0]);
}
