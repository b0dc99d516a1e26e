//! Two replicas on one Postgres.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use gatehouse::model::{RateLimit, Tenant};
use gatehouse::rate_limits::RateLimiter;
use gatehouse::store::{self, ConnectOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{admits, count, limiter, tenant};

/// A new database of the server that `GATEHOUSE_TEST_POSTGRES` names.
async fn database() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("GATEHOUSE_TEST_POSTGRES") else {
        eprintln!("skipped: GATEHOUSE_TEST_POSTGRES names no server");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let name = format!("rates_{}_{number}", std::process::id());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let statement = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    Some(url.into())
}

async fn replica(url: &str) -> Arc<RateLimiter> {
    let options = ConnectOptions {
        migrate_at_start: true,
        ..ConnectOptions::default()
    };
    let store = store::connect(url, &options).await.unwrap();
    let limiter = limiter();
    tokio::spawn(Arc::clone(&limiter).share(store as Arc<_>));
    while !limiter.is_shared() {
        tokio::task::yield_now().await;
    }
    limiter
}

/// Has both replicas asked `requests` times each, by `callers` at once: how many go through.
async fn rush(
    replicas: &[Arc<RateLimiter>],
    tenant: &Tenant,
    (callers, requests): (u32, u32),
) -> u32 {
    let mut tasks = tokio::task::JoinSet::new();
    for limiter in replicas {
        for _ in 0..callers {
            let (limiter, tenant) = (Arc::clone(limiter), tenant.clone());
            tasks.spawn(async move { count(&limiter, &tenant, requests / callers).await });
        }
    }
    tasks.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_a_limit_holds_for_two_replicas_together() {
    let Some(url) = database().await else { return };
    let replicas = [replica(&url).await, replica(&url).await];
    for (number, text) in ["300/h", "30/h", "5/h", "600/m", "100/s burst 40"]
        .into_iter()
        .enumerate()
    {
        let limit: RateLimit = text.parse().unwrap();
        let tenant = Tenant {
            slug: format!("tenant-{number}").parse().unwrap(),
            ..tenant(text)
        };
        let begun = Instant::now();
        let admitted = rush(&replicas, &tenant, (4, 2000)).await;
        let grown = begun.elapsed().as_nanos() / limit.interval().as_nanos();
        let allowed = limit.burst().get() + u32::try_from(grown).unwrap() + 1;
        let bound = allowed + 2 * limit.share();
        eprintln!("{text}: {admitted} of 4000 admitted, {allowed} allowed, bound {bound}");
        assert!(
            admitted <= bound,
            "{text}: {admitted} admitted, bound {bound}"
        );
        assert!(
            admitted >= limit.burst().get(),
            "{text}: {admitted} admitted"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_let_through_is_used_up_at_the_other() {
    let Some(url) = database().await else { return };
    let (one, other) = (replica(&url).await, replica(&url).await);
    let tenant = tenant("40/h");
    assert_eq!(count(&one, &tenant, 100).await, 40);
    let share = "40/h".parse::<RateLimit>().unwrap().share();
    let late = count(&other, &tenant, 100).await;
    assert!(late <= share, "{late} more");
    // Another address has its own budget, and so has a replica that comes later.
    assert!(admits(&other, &tenant, 2).await);
    let newest = replica(&url).await;
    let late = count(&newest, &tenant, 100).await;
    assert!(late <= share, "{late} more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_costs_a_query_per_lease_and_not_per_call() {
    let Some(url) = database().await else { return };
    let replicas = [replica(&url).await];
    let before = replicas[0].exchanges();
    let begun = Instant::now();
    let admitted = rush(&replicas, &tenant("20000/h"), (4, 20_000)).await;
    let queries = replicas[0].exchanges() - before;
    eprintln!("{admitted} calls cost {queries} queries");
    assert_eq!(admitted, 20_000);
    // One for each half of a share, and one for each second.
    assert!(
        queries <= 20 + 1 + begun.elapsed().as_secs() + 1,
        "{queries} queries"
    );
}
