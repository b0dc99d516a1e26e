//! What the endpoint of these tests stands on: a database, and what replicas share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gatehouse::jose::Sealer;
use gatehouse::mcp::{Edge, EdgeParts};
use gatehouse::model::{EncryptionKey, SystemClock, SystemRandom};
use gatehouse::store::Store;
use sqlx::Connection as _;

/// A new, empty database of the server that `GATEHOUSE_TEST_POSTGRES` names.
pub(crate) async fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("GATEHOUSE_TEST_POSTGRES")
        .expect("GATEHOUSE_TEST_POSTGRES must hold the URL of a Postgres that tests may write to");
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let name = format!("upstream_{}_{number}", std::process::id());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    url.into()
}

pub(crate) fn edge(store: Arc<dyn Store>, key: &EncryptionKey) -> Arc<Edge> {
    Arc::new(Edge::new(EdgeParts {
        store,
        sealer: Sealer::new(key),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        tokens: None,
        page_size: 1000,
        session_ttl: Duration::from_hours(1),
    }))
}
