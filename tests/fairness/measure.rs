//! Measures what one tenant notices when another asks at ten times its limit: `scripts/fairness.sh`.
//!
//! It is no test: it prints figures and a ratio. Rounds with a quiet neighbour, with one at its limit
//! and with one at ten times its limit follow one another, so that whatever else the machine does is
//! in all of them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement: a surprise ends it"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// What the noisy tenant may do: 100 requests a second.
const LIMIT: u32 = 100;
/// What the other one does meanwhile, each second.
const MEASURED: u32 = 200;
/// Over how many connections each of them asks.
const CONNECTIONS: u32 = 10;
const ROUND: Duration = Duration::from_secs(5);
const ROUNDS: usize = 12;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":
    {"name":"get_internal_metric","arguments":{"metric_name":"requests"}}}"#;

struct Gateway {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
    binary: PathBuf,
}

/// Requests of one tenant.
#[derive(Clone)]
struct Load {
    http: reqwest::Client,
    url: String,
    token: String,
}

/// What came of a round.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    refused: usize,
}

impl Gateway {
    fn start(binary: PathBuf, database: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", folder.path().join("fairness.db").display());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let url = format!("http://{address}");
        let config = format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"{url}\"\n\
             [database]\nurl = \"{}\"\n[keys]\nencryption_key = {{ env = \"KEY\" }}\n\
             [rate_limits]\nper_address = \"off\"\nper_client = \"off\"\nper_principal = \"off\"\n\
             tool_calls = \"off\"\n\
             [[tenants]]\nslug = \"quiet\"\npublic_url = \"{url}/t/quiet\"\n\
             [[tenants]]\nslug = \"noisy\"\npublic_url = \"{url}/t/noisy\"\n\
             rate_limits = {{ per_tenant = \"{LIMIT}/s\" }}\n",
            database.unwrap_or(&file)
        );
        std::fs::write(folder.path().join("gatehouse.toml"), config).unwrap();
        let mut command = command(&binary, &folder);
        let mut child = command
            .arg("serve")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gateway starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = lines.by_ref().map_while(Result::ok);
        let mut started = started.skip_while(|line| !line.contains("listening on "));
        started.next().expect("the gateway listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            url,
            folder,
            binary,
        }
    }

    fn token(&self, tenant: &str) -> String {
        let mut command = command(&self.binary, &self.folder);
        let mut adding = command
            .args(["user", "add", "--tenant", tenant, "--username", "ada"])
            .args(["--role", "admin", "--password-stdin"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut password = adding.stdin.take().unwrap();
        password.write_all(b"correct horse battery staple").unwrap();
        drop(password);
        assert!(adding.wait().unwrap().success());
        let issued = command_output(
            command_for(&self.binary, &self.folder, &["token", "issue"]).args([
                "--tenant",
                tenant,
                "--username",
                "ada",
                "--ttl",
                "1h",
            ]),
        );
        issued.trim().to_owned()
    }

    fn load(&self, tenant: &str) -> Load {
        Load {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: format!("{}/t/{tenant}/mcp", self.url),
            token: self.token(tenant),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(binary: &PathBuf, folder: &tempfile::TempDir) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("KEY", "q7vXy1Kc0dJpFZ4m8TgqVt3l9EoNwRrYh2SbUiAaC6M=")
        .arg("--config")
        .arg(folder.path().join("gatehouse.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn command_for(binary: &PathBuf, folder: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = command(binary, folder);
    command.args(arguments);
    command
}

fn command_output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Load {
    /// Asks so many times a second, evenly, for one round.
    async fn round(&self, per_second: u32) -> Seen {
        let mut seen = Seen::default();
        let mut connections = JoinSet::new();
        let count = if per_second > 0 { CONNECTIONS } else { 0 };
        for number in 0..count {
            let pace = Duration::from_secs(1) * CONNECTIONS / per_second;
            let load = self.clone();
            connections.spawn(async move {
                tokio::time::sleep(pace * number / CONNECTIONS).await;
                load.connection(pace).await
            });
        }
        if count == 0 {
            tokio::time::sleep(ROUND).await;
        }
        for one in connections.join_all().await {
            seen.add(one);
        }
        seen
    }

    async fn connection(&self, pace: Duration) -> Seen {
        let mut seen = Seen::default();
        let mut ticks = tokio::time::interval(pace);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + ROUND;
        while Instant::now() < end {
            ticks.tick().await;
            let begun = Instant::now();
            let request = self.http.post(&self.url).bearer_auth(&self.token);
            let request = request.header("content-type", "application/json");
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("mcp-protocol-version", "2025-11-25");
            let response = request.body(CALL).send().await.unwrap();
            let status = response.status().as_u16();
            response.bytes().await.unwrap();
            match status {
                200 => seen.latencies.push(begun.elapsed()),
                429 => seen.refused += 1,
                other => panic!("{other}"),
            }
        }
        seen
    }
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.refused += other.refused;
    }

    fn percentile(&mut self, share: usize) -> Duration {
        self.latencies.sort_unstable();
        self.latencies[(self.latencies.len() - 1) * share / 100]
    }

    fn print(&mut self, name: &str, noisy: &Self) {
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        println!(
            "{name:<34} p50 {:>6} µs  p99 {:>6} µs  ({} calls; the other tenant: {} answered, {} refused)",
            p50.as_micros(),
            p99.as_micros(),
            self.latencies.len(),
            noisy.latencies.len(),
            noisy.refused,
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(worker_threads = 1)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().expect("fairness GATEHOUSE [DATABASE_URL]");
    let gateway = Gateway::start(binary.into(), arguments.next().as_deref());
    let (quiet, noisy) = (gateway.load("quiet"), gateway.load("noisy"));
    let names = [
        "beside a silent tenant",
        "beside one at its limit",
        "beside one at ten times its limit",
    ];
    let rates = [0, LIMIT, 10 * LIMIT];
    let mut measured: [Seen; 3] = Default::default();
    let mut other: [Seen; 3] = Default::default();
    let mut ratios = Vec::new();
    // One round that doesn't count: connections, caches.
    tokio::join!(quiet.round(MEASURED), noisy.round(LIMIT));
    for _ in 0..ROUNDS {
        let mut p99 = [0.0; 3];
        for (at, rate) in rates.into_iter().enumerate() {
            let (mut seen, beside) = tokio::join!(quiet.round(MEASURED), noisy.round(rate));
            assert_eq!(seen.refused, 0, "the quiet tenant was refused");
            p99[at] = seen.percentile(99).as_secs_f64();
            measured[at].add(seen);
            other[at].add(beside);
        }
        ratios.push(p99[2] / p99[0]);
    }
    for (at, name) in names.into_iter().enumerate() {
        measured[at].print(name, &other[at]);
    }
    let whole = |at: &mut Seen| at.percentile(99).as_secs_f64();
    let [silent, _, loud] = &mut measured;
    println!(
        "p99 beside ten times the limit / beside silence: {:.2} over all rounds, {:.2} in the median round",
        whole(loud) / whole(silent),
        median(ratios),
    );
}
