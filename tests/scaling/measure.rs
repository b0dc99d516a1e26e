//! Measures what a gateway costs its database, and holds the model of docs/scaling.md against synthetic traffic:
//! `scripts/scaling.sh`.
//!
//! First each kind of work by itself, then the mixture that so many people and replicas make, at the pace at which they
//! would. What the mixture costs has to be what the single costs add up to.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement: a surprise ends it"
)]

mod meter;
mod traffic;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gatehouse::store::{self, ConnectOptions, StoreError};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use meter::{Meter, Spent};
use traffic::Traffic;

/// What is done in the database.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    SignIn,
    Refresh,
    Registration,
    /// So many calls of one tenant, written by one replica.
    Audit(usize),
    /// So many limits, told by one replica.
    Exchange(usize),
    /// What one replica looks at in one second.
    Look,
}

/// What one piece of work costs.
#[derive(Clone, Copy)]
struct Cost {
    work: Work,
    /// Processor time of the database, in milliseconds.
    processor: f64,
    transactions: f64,
    /// How many there were in a second, with [`WORKERS`] at once.
    rate: f64,
}

/// So many people, at so many replicas, in their busiest hour.
#[derive(Clone, Copy)]
struct Installation {
    people: f64,
    replicas: usize,
}

/// In the busiest hour each person has two clients at work, whose tokens are good for half an hour, signs in once, and makes
/// thirty calls.
const REFRESHES: f64 = 2.0 / 1800.0;
const SIGN_INS: f64 = 1.0 / 3600.0;
const CALLS: f64 = 30.0 / 3600.0;
/// One in ten registers a client of its own.
const REGISTRATIONS: f64 = 0.1 / 3600.0;
/// The session, the consent's grant with its code, the code's exchange.
const CHANGES_A_SIGN_IN: f64 = 3.0;
/// A call counts by the person, by the client, and by tool and tenant, which many calls have in common.
const LIMITS_A_CALL: f64 = 2.0;

/// How often a replica writes what was called.
const WRITES: f64 = 4.0;

const FAMILIES: usize = 2000;
const WORKERS: usize = 8;
/// The tenant's people are spread over so many tenants.
const TENANTS: usize = 10;
const ALONE: Duration = Duration::from_secs(5);
const TOGETHER: Duration = Duration::from_secs(30);

const KINDS: [Work; 8] = [
    Work::SignIn,
    Work::Refresh,
    Work::Registration,
    Work::Audit(1),
    Work::Audit(100),
    Work::Exchange(1),
    Work::Exchange(100),
    Work::Look,
];

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => formatter.pad("sign-in, consent and code"),
            Self::Refresh => formatter.pad("refresh"),
            Self::Registration => formatter.pad("registration"),
            Self::Audit(calls) => formatter.pad(&format!("audit, {calls} calls at once")),
            Self::Exchange(keys) => formatter.pad(&format!("limits, {keys} keys at once")),
            Self::Look => formatter.pad("what a replica looks at in a second"),
        }
    }
}

impl Work {
    async fn once(self, traffic: &Traffic) -> Result<(), StoreError> {
        match self {
            Self::SignIn => traffic.sign_in().await.map(drop),
            Self::Refresh => traffic.refresh().await,
            Self::Registration => traffic.registration().await,
            Self::Audit(calls) => traffic.audit(calls).await,
            Self::Exchange(keys) => traffic.exchange(keys).await,
            Self::Look => traffic.look().await,
        }
    }
}

impl Installation {
    /// What it does in a second: how often, and how much at once.
    fn work(self) -> Vec<(f64, Work)> {
        let replicas = count(self.replicas);
        let calls = self.people * CALLS;
        // Every replica has some calls of every tenant.
        let changes = self.people * (SIGN_INS * CHANGES_A_SIGN_IN + REFRESHES + REGISTRATIONS);
        let entries = calls + changes;
        let writes = replicas * WRITES * count(TENANTS);
        let exchanges = replicas;
        vec![
            (self.people * SIGN_INS, Work::SignIn),
            (self.people * REFRESHES, Work::Refresh),
            (self.people * REGISTRATIONS, Work::Registration),
            (writes.min(entries), Work::Audit(whole(entries / writes))),
            (
                exchanges,
                Work::Exchange(whole(calls * LIMITS_A_CALL / exchanges)),
            ),
            (replicas, Work::Look),
        ]
    }

    /// What that should cost in a second: processor time in milliseconds, by kind.
    fn predicted(self, costs: &[Cost]) -> Vec<(Work, f64)> {
        let told = |(rate, work): (f64, Work)| (work, rate * price(costs, work));
        self.work().into_iter().map(told).collect()
    }
}

/// What a piece of work costs: of one that comes in two sizes, by the line through both.
fn price(costs: &[Cost], work: Work) -> f64 {
    let of = |work: Work| {
        costs
            .iter()
            .find(|cost| cost.work == work)
            .unwrap()
            .processor
    };
    let between = |one: Work, hundred: Work, size: usize| {
        let each = (of(hundred) - of(one)) / 99.0;
        of(one) + each * (count(size) - 1.0)
    };
    match work {
        Work::Audit(size) => between(Work::Audit(1), Work::Audit(100), size),
        Work::Exchange(size) => between(Work::Exchange(1), Work::Exchange(100), size),
        Work::SignIn | Work::Refresh | Work::Registration | Work::Look => of(work),
    }
}

/// Writes into the chains what changes have left behind: it is no cost of what comes next.
async fn settle(tenants: &[Arc<Traffic>]) {
    for traffic in tenants {
        traffic.settle().await.unwrap();
    }
}

async fn alone(meter: &mut Meter, tenants: &[Arc<Traffic>], work: Work) -> Cost {
    settle(tenants).await;
    meter.tidy().await;
    let before = meter.read().await;
    let began = Instant::now();
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let traffic = Arc::clone(&tenants[worker % tenants.len()]);
        workers.spawn(async move {
            let mut done = 0_usize;
            while began.elapsed() < ALONE {
                work.once(&traffic).await.unwrap();
                done += 1;
            }
            done
        });
    }
    let done = count(workers.join_all().await.into_iter().sum());
    let Spent {
        processor,
        transactions,
    } = meter.read().await.since(before);
    Cost {
        work,
        processor: processor.as_secs_f64() * 1000.0 / done,
        transactions: transactions / done,
        rate: done / began.elapsed().as_secs_f64(),
    }
}

/// Does what the installation does, at its pace; what that cost in a second, and the part of it that was done.
async fn together(meter: &mut Meter, tenants: &[Arc<Traffic>], it: Installation) -> (f64, f64) {
    settle(tenants).await;
    meter.tidy().await;
    let before = meter.read().await;
    let began = Instant::now();
    let mut streams = JoinSet::new();
    let mut wanted = 0.0;
    for (rate, work) in it.work() {
        if rate <= 0.0 {
            continue;
        }
        wanted += rate * TOGETHER.as_secs_f64();
        streams.spawn(stream(tenants.to_vec(), (rate, work), began));
    }
    let done = count(streams.join_all().await.into_iter().sum());
    let seconds = began.elapsed().as_secs_f64();
    let spent = meter.read().await.since(before);
    let processor = spent.processor.as_secs_f64() * 1000.0 / seconds;
    (processor, done / wanted * TOGETHER.as_secs_f64() / seconds)
}

/// Does a piece of work so often in a second, whether the one before has ended or not; how many it did.
async fn stream(tenants: Vec<Arc<Traffic>>, (rate, work): (f64, Work), began: Instant) -> usize {
    let mut interval = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut pieces = JoinSet::new();
    for traffic in tenants.iter().cycle() {
        // What is done seldom must not prolong the whole.
        let next = tokio::time::timeout_at(began + TOGETHER, interval.tick());
        if next.await.is_err() {
            break;
        }
        let traffic = Arc::clone(traffic);
        pieces.spawn(async move { work.once(&traffic).await });
    }
    let done = pieces.join_all().await;
    done.iter().filter(|done| done.is_ok()).count()
}

async fn begin(url: &str) -> Vec<Arc<Traffic>> {
    let options = ConnectOptions {
        max_connections: 80,
        migrate_at_start: true,
    };
    let store = store::connect(url, &options).await.unwrap();
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        let name = format!("tenant-{number}");
        let families = FAMILIES / TENANTS;
        tenants.push(Arc::new(
            Traffic::begin(Arc::clone(&store), &name, families)
                .await
                .unwrap(),
        ));
    }
    tenants
}

async fn costs(meter: &mut Meter, tenants: &[Arc<Traffic>]) -> Vec<Cost> {
    println!("| work | processor of the database | transactions | a second, {WORKERS} at once |");
    println!("| --- | --- | --- | --- |");
    let mut costs = Vec::new();
    for work in KINDS {
        let cost = alone(meter, tenants, work).await;
        println!(
            "| {work} | {:.2} ms | {:.1} | {:.0} |",
            cost.processor, cost.transactions, cost.rate
        );
        costs.push(cost);
    }
    let one = [Arc::clone(&tenants[0])];
    let chain = alone(meter, &one, Work::Audit(100)).await;
    println!(
        "\nOne tenant's chain takes {:.0} writes of 100 calls a second.",
        chain.rate
    );
    costs
}

#[tokio::main]
async fn main() {
    let url = std::env::args()
        .nth(1)
        .expect("the URL of an empty database of a Postgres on this machine");
    let tenants = begin(&url).await;
    let mut meter = Meter::open(&url).await;
    let costs = costs(&mut meter, &tenants).await;
    println!(
        "\n| people | replicas | predicted | measured | of it done | sign-ins | refreshes | audit | limits | looks |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (people, replicas) in [(1_000.0, 1), (10_000.0, 2), (50_000.0, 10), (1_000.0, 100)] {
        let it = Installation { people, replicas };
        let parts = it.predicted(&costs);
        let predicted: f64 = parts.iter().map(|(_, cost)| cost).sum();
        let (measured, done) = together(&mut meter, &tenants, it).await;
        let part = |of: fn(&Work) -> bool| {
            let all = parts.iter().filter(|(work, _)| of(work));
            all.map(|(_, cost)| cost).sum::<f64>() / predicted * 100.0
        };
        println!(
            "| {people} | {replicas} | {predicted:.0} ms/s | {measured:.0} ms/s | {:.0} % | {:.0} % | {:.0} % | {:.0} % | {:.0} % | {:.0} % |",
            done * 100.0,
            part(|work| matches!(work, Work::SignIn | Work::Registration)),
            part(|work| *work == Work::Refresh),
            part(|work| matches!(work, Work::Audit(_))),
            part(|work| matches!(work, Work::Exchange(_))),
            part(|work| *work == Work::Look),
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted that far")]
fn count(number: usize) -> f64 {
    number as f64
}

/// At least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number that is rounded"
)]
fn whole(number: f64) -> usize {
    (number.round() as usize).max(1)
}
