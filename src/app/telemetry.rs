//! What operators see, and the collector that is sent it.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::ground::Ground;
use crate::audit::Recorder;
use crate::backends::remote::{Health, Mounts};
use crate::config::{Config, Otlp};
use crate::egress::{Client, Settings, USER_AGENT};
use crate::mcp::open_streams;
use crate::middleware::request_id::InFlight;
use crate::telemetry::{Collector, Meters, Post, Telemetry, Undelivered};

/// How long a delivery may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is told, and the collector that the configuration names.
pub(super) fn open(config: &Config) -> anyhow::Result<Telemetry> {
    let collector = config.telemetry.otlp.as_ref().map(collector).transpose()?;
    Ok(Telemetry::open(collector)?)
}

fn collector(otlp: &Otlp) -> anyhow::Result<Collector> {
    let client = Client::new(&Settings {
        connect_timeout: Duration::from_secs(2),
        read_timeout: DEADLINE,
        total_timeout: DEADLINE,
        max_body: 64 * 1024,
        user_agent: USER_AGENT.to_owned(),
    })?;
    let post: Post = Arc::new(move |request| {
        let client = client.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string()).map_err(|_| Undelivered)?;
            let answer = client.post(url, head.headers, body).await;
            answer.map_err(|_| Undelivered)
        })
    });
    let headers = otlp.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.expose().to_owned()));
    Ok(Collector {
        endpoint: otlp.endpoint.clone(),
        headers: headers.collect(),
        trace_ratio: otlp.trace_ratio,
        interval: otlp.interval,
        post,
    })
}

/// What nobody counts as it happens: it is looked at when somebody asks.
pub(super) fn observe(ground: &Ground, recorder: &Recorder, in_flight: &Arc<InFlight>) {
    let meters = ground.figures.meters();
    let requests = Arc::clone(in_flight);
    meters.gauge(
        (
            "http.server.active_requests",
            "{request}",
            "Requests that wait for the head of their response",
        ),
        move |tell| tell(number(requests.count()), &[]),
    );
    let streams = (
        "gatehouse.streams",
        "{stream}",
        "Event streams that are open",
    );
    meters.gauge(streams, |tell| tell(number(open_streams()), &[]));
    let queue = recorder.clone();
    meters.gauge(
        (
            "gatehouse.audit.queue",
            "{record}",
            "Records that wait to be written into the audit log",
        ),
        move |tell| tell(number(queue.waiting()), &[]),
    );
    let store = Arc::downgrade(&ground.store);
    meters.gauge(
        (
            "db.client.connection.count",
            "{connection}",
            "Connections to the database",
        ),
        move |tell| {
            let Some(store) = store.upgrade() else {
                return;
            };
            let connections = store.connections();
            for (state, count) in [("idle", connections.idle), ("used", connections.used)] {
                let state = [("db.client.connection.state", state)];
                tell(f64::from(count), &state);
            }
        },
    );
    let limiter = Arc::downgrade(&ground.limiter);
    meters.gauge(
        (
            "gatehouse.rate_limit.shared",
            "{replica}",
            "1 while limits hold for all replicas together, 0 while this one counts alone",
        ),
        move |tell| {
            if let Some(limiter) = limiter.upgrade() {
                tell(if limiter.is_shared() { 1.0 } else { 0.0 }, &[]);
            }
        },
    );
    observe_watch(ground, meters);
}

/// How old what this replica knows is: it asks every second, and goes on with what it has.
fn observe_watch(ground: &Ground, meters: &Meters) {
    let revocations = Arc::downgrade(&ground.revocations);
    meters.gauge(
        (
            "gatehouse.revocations.age",
            "s",
            "Since revocations were last read from the database",
        ),
        move |tell| {
            if let Some(revocations) = revocations.upgrade() {
                tell(revocations.age().as_secs_f64(), &[]);
            }
        },
    );
    let tenants = Arc::downgrade(&ground.tenants);
    meters.gauge(
        (
            "gatehouse.tenants",
            "{tenant}",
            "Tenants that are in use in this process",
        ),
        move |tell| {
            if let Some(tenants) = tenants.upgrade() {
                tell(number(tenants.in_use()), &[]);
            }
        },
    );
}

/// How mounted servers do, as this replica sees it.
pub(super) fn observe_mounts(meters: &Meters, mounts: &Arc<Mounts>) {
    let mounts = Arc::downgrade(mounts);
    meters.gauge(
        (
            "gatehouse.server.available",
            "{server}",
            "1 while requests go to a mounted server, 0 while it is left alone because it fails",
        ),
        move |tell| {
            let Some(mounts) = mounts.upgrade() else {
                return;
            };
            for ((tenant, server), health) in mounts.health() {
                let server = format!("{tenant}/{server}");
                let is_available = health != Health::LeftAlone;
                let labels = [("gatehouse.server", server.as_str())];
                tell(f64::from(u8::from(is_available)), &labels);
            }
        },
    );
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted that far")]
fn number(count: impl TryInto<i64>) -> f64 {
    count.try_into().unwrap_or(i64::MAX) as f64
}
