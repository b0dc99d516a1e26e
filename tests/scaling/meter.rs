//! What the database spends: processor time of the server's processes, and its transactions.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

/// A look at the database, beside the traffic.
pub(crate) struct Meter {
    connection: PgConnection,
    /// The process that starts all others of the server.
    parent: u32,
    ticks: f64,
    /// What each process has spent, those that have ended as well.
    seen: Arc<Mutex<HashMap<u32, u64>>>,
    watch: tokio::task::JoinHandle<()>,
}

/// What was spent up to now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    pub(crate) processor: Duration,
    pub(crate) transactions: f64,
}

/// How often processes are looked at: what one spends after the last look before its end is not counted.
const LOOK: Duration = Duration::from_millis(100);

impl Meter {
    /// Of the server at `url`, which runs on this machine.
    pub(crate) async fn open(url: &str) -> Self {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let backend = u32::try_from(backend).unwrap();
        let (parent, _) = stat(backend).expect("the server runs on this machine");
        let seen = Arc::<Mutex<HashMap<u32, u64>>>::default();
        let noted = Arc::clone(&seen);
        let watch = tokio::spawn(async move {
            let mut interval = tokio::time::interval(LOOK);
            loop {
                interval.tick().await;
                look(parent, &noted);
            }
        });
        Self {
            connection,
            parent,
            // Linux has told user space that since it exists.
            ticks: 100.0,
            seen,
            watch,
        }
    }

    /// Has the server count its rows and take away dead ones, as it does by itself from time to time: in no measurement more
    /// than in another.
    pub(crate) async fn tidy(&mut self) {
        let tidied = sqlx::raw_sql("VACUUM ANALYZE").execute(&mut self.connection);
        tidied.await.unwrap();
    }

    /// What was spent since the first look.
    pub(crate) async fn read(&mut self) -> Spent {
        // The server tells of transactions once a second at most.
        let transactions: i64 = sqlx::query_scalar(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_one(&mut self.connection)
        .await
        .unwrap();
        look(self.parent, &self.seen);
        let ticks: u64 = self.seen.lock().unwrap().values().sum();
        Spent {
            processor: Duration::from_secs_f64(number(ticks) / self.ticks),
            transactions: number(u64::try_from(transactions).unwrap()),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Spent {
    /// What was spent between an earlier look and this one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            transactions: self.transactions - earlier.transactions,
        }
    }
}

/// Notes what the children of `parent` have spent.
fn look(parent: u32, seen: &Mutex<HashMap<u32, u64>>) {
    let mut seen = seen.lock().unwrap();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some((of, ticks)) = stat(process)
            && of == parent
        {
            seen.insert(process, ticks);
        }
    }
}

/// The parent of a process, and its ticks in user and system mode (`proc_pid_stat(5)`).
fn stat(process: u32) -> Option<(u32, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may have spaces and brackets.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let parent = u32::try_from(field(1)?).ok()?;
    Some((parent, field(11)? + field(12)?))
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted that far")]
fn number(count: u64) -> f64 {
    count as f64
}
