//! Opening a database, and bringing its tables up to date.

use std::error::Error as _;

use gatehouse::store::{ConnectOptions, StoreError, connect, migrate};
use tokio::task::JoinSet;

use crate::database::{Database, contract, on_postgres, on_sqlite};
use crate::fixtures::{acme, change, user};

contract! {
    an_open_database_answers,
    a_database_may_be_migrated_again,
    several_may_open_a_fresh_database_at_once,
}

async fn an_open_database_answers(database: &Database) {
    database.open().await.ping().await.unwrap();
}

async fn a_database_may_be_migrated_again(database: &Database) {
    migrate(database.owner_url(), None).await.unwrap();
    let store = database.open().await;
    store
        .add_user(&change(&acme()), &user("alice"))
        .await
        .unwrap();
    migrate(database.owner_url(), None).await.unwrap();
    let users = store.list_users(&acme()).await.unwrap();
    assert_eq!(users, vec![user("alice")]);
}

async fn several_may_open_a_fresh_database_at_once(database: &Database) {
    let mut openings = JoinSet::new();
    for _ in 0..8 {
        let url = database.owner_url().to_owned();
        openings.spawn(async move {
            let options = ConnectOptions {
                max_connections: 1,
                migrate_at_start: true,
            };
            connect(&url, &options).await.unwrap().ping().await.unwrap();
        });
    }
    openings.join_all().await;
}

#[tokio::test]
async fn a_postgres_that_was_not_migrated_is_refused() {
    on_postgres(async |database: &Database| {
        let options = ConnectOptions::default();
        let refused = connect(database.owner_url(), &options).await.unwrap_err();
        let StoreError::Failed(reason) = &refused else {
            panic!("{refused:?}");
        };
        assert!(reason.to_string().contains("gatehouse migrate"), "{reason}");

        migrate(database.owner_url(), None).await.unwrap();
        let store = connect(database.owner_url(), &options).await.unwrap();
        store.ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_postgres_that_does_not_listen_is_unavailable() {
    // Nothing listens on a port that was just free.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("postgres://gatehouse:hunter2@127.0.0.1:{port}/gatehouse");
    let refused = connect(&url, &ConnectOptions::default()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn an_unknown_engine_is_refused_without_repeating_the_url() {
    for url in ["mysql://gatehouse:hunter2@db/gatehouse", "hunter2", ""] {
        let refused = connect(url, &ConnectOptions::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Failed(_)), "{refused:?}");
        let text = format!("{refused} {:?} {refused:?}", refused.source());
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/none/gatehouse.db", folder.path().display());
    let refused = connect(&url, &ConnectOptions::default()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
}

#[tokio::test]
async fn a_database_in_memory_is_one_database() {
    let store = connect("sqlite::memory:", &ConnectOptions::default()).await;
    let store = store.unwrap();
    store
        .add_user(&change(&acme()), &user("alice"))
        .await
        .unwrap();
    let users = store.list_users(&acme()).await.unwrap();
    assert_eq!(users, vec![user("alice")]);
    let other = connect("sqlite::memory:", &ConnectOptions::default()).await;
    assert_eq!(other.unwrap().list_users(&acme()).await.unwrap(), vec![]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    on_sqlite(async |database: &Database| {
        let store = database.open().await;
        store
            .add_user(&change(&acme()), &user("alice"))
            .await
            .unwrap();
        let file = database.url().trim_start_matches("sqlite://");
        for suffix in ["", "-wal", "-shm"] {
            let file = std::fs::metadata(format!("{file}{suffix}")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{suffix}");
        }
    })
    .await;
}

/// As with a full disk: SQLite takes a transaction back by itself, in the middle of it.
#[tokio::test]
async fn r10_sqlite_goes_on_after_a_transaction_that_it_took_back_by_itself() {
    on_sqlite(async |database: &Database| {
        let store = database.open().await;
        let trigger = "CREATE TRIGGER full BEFORE INSERT ON users BEGIN
                           SELECT RAISE(ROLLBACK, 'the disk is full');
                       END";
        database.execute(trigger).await.unwrap();
        for name in ["alice", "bob"] {
            let refused = store.add_user(&change(&acme()), &user(name)).await;
            assert!(refused.is_err(), "{name}");
        }
        database.execute("DROP TRIGGER full").await.unwrap();
        let added = store.add_user(&change(&acme()), &user("alice")).await;
        added.unwrap();
    })
    .await;
}
