//! Two processes on one Postgres.

use std::time::Instant;

use gatehouse::model::RateLimit;
use reqwest::StatusCode;

use super::{Place, ROOT, call};
use crate::process::{Database, Gateway};

const LIMIT: &str = "100/m";

/// How many of `count` calls go through.
async fn admitted(gateway: &Gateway, token: &str, count: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..count {
        let answered = call(gateway, ROOT, token, "get_internal_metric").await;
        match answered.status() {
            StatusCode::OK => admitted += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
    }
    admitted
}

/// Asks each replica in turn until both keep their limits together: a query was made then.
async fn until_shared(place: &Place) {
    let seen = "SELECT (SELECT count(*) FROM rate_limits)";
    while place.database.count(seen).await < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_two_processes_keep_a_limit_together() {
    let Some(database) = Database::postgres().await else {
        return;
    };
    let place = Place::on(database, &format!("per_principal = \"{LIMIT}\""));
    let other = place.replica();
    let (ada, eve) = (place.token("default", "ada"), place.token("default", "eve"));
    // One call of somebody else at each, so that both are known to have told the database.
    admitted(&place.gateway, &eve, 1).await;
    admitted(&other, &ada, 1).await;
    until_shared(&place).await;
    let begun = Instant::now();
    let (here, there) = tokio::join!(
        admitted(&place.gateway, &ada, 150),
        admitted(&other, &ada, 150)
    );
    let limit: RateLimit = LIMIT.parse().unwrap();
    let grown = begun.elapsed().as_nanos() / limit.interval().as_nanos();
    let allowed = limit.burst().get() + u32::try_from(grown).unwrap() + 1;
    let bound = allowed + 2 * limit.share();
    eprintln!("{here} + {there} of 300 admitted, {allowed} allowed, bound {bound}");
    assert!(
        here + there <= bound,
        "{here} + {there} admitted, bound {bound}"
    );
    assert!(here + there >= limit.burst().get() - 1);
}
