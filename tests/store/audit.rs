//! The audit log: its chain, whoever writes to it at once, and those who would change it.

use gatehouse::model::{AuditEntry, ChainHead, ChainedEntry, Event, TenantSlug, UserId};
use gatehouse::store::{AuditQuery, Store};

use crate::database::{Database, contract};
use crate::fixtures::{acme, change, change_at, later, race, tenant, user};

contract!(
    h08_entries_of_changes_and_of_calls_make_one_chain,
    h08_two_replicas_at_once_make_one_chain_without_gaps,
    h08_the_database_refuses_to_change_the_log,
    a_log_is_read_by_what_is_asked,
    a_log_is_cut_off_at_its_beginning_up_to_a_point_and_no_further,
    h08_a_tenant_sees_no_log_but_its_own,
);

pub(crate) async fn read_all(store: &dyn Store, tenant: &TenantSlug) -> Vec<ChainedEntry> {
    let query = AuditQuery::default();
    store.read_audit(tenant, &query).await.unwrap()
}

/// All of the log of acme, which must be one chain.
async fn whole_chain(store: &dyn Store) -> Vec<ChainedEntry> {
    let entries = read_all(store, &acme()).await;
    let mut head = ChainHead::EMPTY;
    for chained in &entries {
        head = head.after(&chained.entry);
        assert_eq!((chained.sequence, chained.hash), (head.sequence, head.hash));
    }
    assert_eq!(store.audit_chain(&acme()).await.unwrap().head, head);
    entries
}

fn refused(number: usize) -> AuditEntry {
    let reason = format!("number {number}");
    Event::TokenRefused(&reason).entry(&change(&acme()))
}

async fn h08_entries_of_changes_and_of_calls_make_one_chain(database: &Database) {
    let store = database.open().await;
    assert_eq!(store.list_pending_audit().await.unwrap(), []);
    let added = change(&acme());
    store.add_user(&added, &user("alice")).await.unwrap();
    store.add_user(&added, &user("bob")).await.unwrap();
    assert_eq!(store.list_pending_audit().await.unwrap(), [acme()]);
    let head = store.chain_audit(&acme(), &[refused(1)]).await.unwrap();
    assert_eq!(store.list_pending_audit().await.unwrap(), []);
    let entries = whole_chain(&*store).await;
    let told: Vec<(&str, Option<&str>)> = entries
        .iter()
        .map(|one| (one.entry.event.as_str(), one.entry.target.as_deref()))
        .collect();
    let expected = [
        ("user.added", Some("alice")),
        ("user.added", Some("bob")),
        ("access.token_refused", None),
    ];
    assert_eq!(told, expected);
    assert_eq!(head.sequence, 3);
    // Nothing to add changes nothing.
    assert_eq!(store.chain_audit(&acme(), &[]).await.unwrap(), head);
}

async fn h08_two_replicas_at_once_make_one_chain_without_gaps(database: &Database) {
    let replicas = [database.open().await, database.open().await];
    race(&replicas, 24, |store, number| async move {
        let user = user(&format!("person-{number}"));
        store.add_user(&change(&acme()), &user).await.unwrap();
        let entries = [refused(number), refused(number)];
        store.chain_audit(&acme(), &entries).await.unwrap();
    })
    .await;
    let [store, _] = &replicas;
    store.chain_audit(&acme(), &[]).await.unwrap();
    let entries = whole_chain(&**store).await;
    assert_eq!(entries.len(), 24 * 3);
    for number in 0..24 {
        let (name, detail) = (format!("person-{number}"), refused(number).detail);
        let of_name = |one: &&ChainedEntry| one.entry.target.as_deref() == Some(&name);
        assert_eq!(entries.iter().filter(of_name).count(), 1);
        let of_call = |one: &&ChainedEntry| one.entry.detail == detail;
        assert_eq!(entries.iter().filter(of_call).count(), 2);
    }
}

async fn h08_the_database_refuses_to_change_the_log(database: &Database) {
    let store = database.open().await;
    let entries = [refused(1), refused(2), refused(3)];
    store.chain_audit(&acme(), &entries).await.unwrap();
    for sql in [
        "UPDATE audit_log SET event = 'nothing' WHERE sequence = 2",
        "UPDATE audit_log SET tenant = 'globex' WHERE sequence = 2",
        "DELETE FROM audit_log WHERE sequence = 3",
        "DELETE FROM audit_log",
        "UPDATE audit_heads SET sequence = 2",
    ] {
        let refusal = database.execute(sql).await.unwrap_err();
        assert!(refusal.contains("append-only"), "{sql}: {refusal}");
    }
    assert_eq!(whole_chain(&*store).await.len(), 3);
}

async fn a_log_is_read_by_what_is_asked(database: &Database) {
    let store = database.open().await;
    for (name, at) in [("alice", 0), ("bob", 10), ("carol", 20)] {
        let change = change_at(&acme(), later(at));
        store.add_user(&change, &user(name)).await.unwrap();
    }
    let by = change(&acme());
    store.set_user_disabled(&by, "bob", true).await.unwrap();
    store.chain_audit(&acme(), &[refused(5)]).await.unwrap();
    let middle = Some(later(10).seconds() * 1000);
    let asking = |ask: fn(&mut AuditQuery)| {
        let mut query = AuditQuery::default();
        ask(&mut query);
        query
    };
    let text = |text: &str| Some(text.to_owned());
    let of_event = |name| AuditQuery {
        event: text(name),
        ..AuditQuery::default()
    };
    let (mut since, mut until) = (AuditQuery::default(), AuditQuery::default());
    (since.since_ms, until.until_ms) = (middle, middle);
    let cases = [
        (AuditQuery::default(), vec![1, 2, 3, 4, 5]),
        (of_event("user"), vec![1, 2, 3, 4]),
        (of_event("user.added"), vec![1, 2, 3]),
        (of_event("use"), vec![]),
        (of_event("user.%"), vec![]),
        (asking(|q| q.outcome = Some("refused".into())), vec![5]),
        (
            asking(|q| q.actor = Some("test".into())),
            vec![1, 2, 3, 4, 5],
        ),
        (asking(|q| q.user = Some("id-of-bob".into())), vec![2, 4]),
        (asking(|q| q.client = Some("none".into())), vec![]),
        (asking(|q| q.after = Some(3)), vec![4, 5]),
        (asking(|q| q.limit = Some(2)), vec![1, 2]),
        (since, vec![2, 3]),
        (until, vec![1, 4, 5]),
    ];
    let numbers = async |query: &AuditQuery| -> Vec<i64> {
        let read = store.read_audit(&acme(), query).await.unwrap();
        read.iter().map(|one| one.sequence).collect()
    };
    for (query, expected) in cases {
        assert_eq!(numbers(&query).await, expected, "{query:?}");
        let mut query = query;
        if query.after.is_none() && query.limit.is_none() {
            query.newest_first = true;
            let backwards: Vec<i64> = expected.into_iter().rev().collect();
            assert_eq!(numbers(&query).await, backwards, "{query:?}");
        }
    }
    let mut back = asking(|q| q.after = Some(4));
    (back.newest_first, back.limit) = (true, Some(2));
    assert_eq!(numbers(&back).await, [3, 2]);
}

async fn a_log_is_cut_off_at_its_beginning_up_to_a_point_and_no_further(database: &Database) {
    let store = database.open().await;
    let first = [1, 2, 3].map(refused);
    let head = store.chain_audit(&acme(), &first).await.unwrap();
    let then = [4, 5].map(refused);
    store.chain_audit(&acme(), &then).await.unwrap();
    let by = change(&acme());
    assert!(store.trim_audit(&by, &head).await.unwrap());
    assert!(!store.trim_audit(&by, &head).await.unwrap());
    let ahead = ChainHead {
        sequence: 100,
        ..head
    };
    assert!(!store.trim_audit(&by, &ahead).await.unwrap());
    let end = store.chain_audit(&acme(), &[]).await.unwrap();
    assert_eq!(end.sequence, 6);
    let left = read_all(&*store, &acme()).await;
    let numbers: Vec<i64> = left.iter().map(|one| one.sequence).collect();
    assert_eq!(numbers, [4, 5, 6]);
    let last = &left.last().unwrap().entry;
    assert_eq!(last.event, "audit.trimmed");
    assert_eq!(last.target, Some(head.hash.to_hex()));
    assert_eq!(store.audit_chain(&acme()).await.unwrap().trimmed, 3);
    let rest = database.execute("DELETE FROM audit_log WHERE sequence = 4");
    assert!(rest.await.is_err());
}

async fn h08_a_tenant_sees_no_log_but_its_own(database: &Database) {
    let store = database.open().await;
    let globex = tenant("globex");
    let (ours, theirs) = (change(&acme()), change(&globex));
    store.add_user(&ours, &user("alice")).await.unwrap();
    store.add_user(&theirs, &user("bob")).await.unwrap();
    for tenant in store.list_pending_audit().await.unwrap() {
        store.chain_audit(&tenant, &[]).await.unwrap();
    }
    for (tenant, id) in [(acme(), "alice"), (globex, "bob")] {
        let read = read_all(&*store, &tenant).await;
        assert_eq!(read.len(), 1);
        let one = read.first().unwrap();
        assert_eq!((one.sequence, &one.entry.tenant), (1, &tenant));
        let user = UserId::new(format!("id-of-{id}"));
        assert_eq!(one.entry.user.as_deref(), Some(user.as_str()));
    }
}
