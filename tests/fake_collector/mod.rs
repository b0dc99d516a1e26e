//! A collector of OpenTelemetry that keeps what it is sent, or hangs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Kept {
    spans: Mutex<Vec<Span>>,
    metrics: Mutex<Vec<String>>,
    headers: Mutex<Vec<HeaderMap>>,
    changed: Notify,
    hangs: bool,
}

/// The collector; it listens until the test ends.
pub(crate) struct FakeCollector {
    pub(crate) url: String,
    kept: Arc<Kept>,
}

impl FakeCollector {
    pub(crate) async fn start() -> Self {
        Self::listen(Kept::default()).await
    }

    /// One that takes connections and never answers.
    pub(crate) async fn hanging() -> Self {
        Self::listen(Kept {
            hangs: true,
            ..Kept::default()
        })
        .await
    }

    async fn listen(kept: Kept) -> Self {
        let kept = Arc::new(kept);
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .with_state(Arc::clone(&kept));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, kept }
    }

    /// The spans so far, once `enough` holds for them.
    pub(crate) async fn spans(&self, enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let end = Instant::now() + PATIENCE;
        loop {
            let changed = self.kept.changed.notified();
            let spans = self.kept.spans.lock().unwrap().clone();
            if enough(&spans) {
                return spans;
            }
            let waited = tokio::time::timeout_at(end, changed).await;
            assert!(waited.is_ok(), "{spans:#?}");
        }
    }

    /// The names of the metrics so far, once there are any.
    pub(crate) async fn metrics(&self) -> Vec<String> {
        loop {
            let changed = self.kept.changed.notified();
            let metrics = self.kept.metrics.lock().unwrap().clone();
            if !metrics.is_empty() {
                return metrics;
            }
            tokio::time::timeout(PATIENCE, changed).await.unwrap();
        }
    }

    /// Once something came.
    pub(crate) async fn asked(&self) -> Vec<HeaderMap> {
        loop {
            let changed = self.kept.changed.notified();
            let headers = self.kept.headers.lock().unwrap().clone();
            if !headers.is_empty() {
                return headers;
            }
            tokio::time::timeout(PATIENCE, changed).await.unwrap();
        }
    }
}

/// What the span says under `key`, as text.
pub(crate) fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|pair| pair.key == key);
    let value = found.and_then(|pair| pair.value.as_ref()?.value.as_ref());
    match value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

async fn traces(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    take(&kept, headers).await;
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter();
    let spans = scopes.flat_map(|resource| resource.scope_spans);
    let spans = spans.flat_map(|scope| scope.spans);
    kept.spans.lock().unwrap().extend(spans);
    kept.changed.notify_waiters();
    StatusCode::OK
}

async fn metrics(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    take(&kept, headers).await;
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let scopes = request.resource_metrics.into_iter();
    let metrics = scopes.flat_map(|resource| resource.scope_metrics);
    let names = metrics.flat_map(|scope| scope.metrics.into_iter().map(|metric| metric.name));
    kept.metrics.lock().unwrap().extend(names);
    kept.changed.notify_waiters();
    StatusCode::OK
}

async fn take(kept: &Kept, headers: HeaderMap) {
    kept.headers.lock().unwrap().push(headers);
    kept.changed.notify_waiters();
    if kept.hangs {
        std::future::pending::<()>().await;
    }
}
