//! A collector of OpenTelemetry, which is sent spans and figures beside the requests: threads of their own
//! send them, from queues that are bounded and lose what doesn't fit. No caller ever waits for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use url::Url;

use super::trace;

/// How a request gets to the collector.
pub type Post = Arc<
    dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, Undelivered>>
        + Send
        + Sync,
>;

/// Where the collector is, and what it is sent.
#[derive(Clone)]
pub struct Collector {
    /// Its base address; the signals have their paths below it (OTLP/HTTP).
    pub endpoint: Url,
    /// Headers for every request, as it wants them.
    pub headers: HashMap<String, String>,
    /// The share of traces that it is sent.
    pub trace_ratio: f64,
    /// How often it is sent figures.
    pub interval: Duration,
    /// How a request gets there.
    pub post: Post,
}

/// The collector was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the collector was not reached")]
pub struct Undelivered;

/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of the process waits for what is left to be taken: some platforms give it ten
/// seconds in all.
pub(super) const LAST_PATIENCE: Duration = Duration::from_secs(2);

/// Sends for the threads of the SDK, which have no runtime, on ours.
#[derive(Clone)]
struct Messenger {
    post: Post,
    runtime: Handle,
    failing: Arc<AtomicBool>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("endpoint", &self.endpoint.as_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messenger").finish_non_exhaustive()
    }
}

impl Collector {
    pub(super) fn traces(&self) -> Result<SdkTracerProvider, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(self.messenger())
            .with_endpoint(self.address("v1/traces"))
            .with_headers(self.headers.clone())
            .with_timeout(PATIENCE)
            .build()?;
        Ok(SdkTracerProvider::builder()
            .with_resource(trace::resource())
            .with_sampler(Sampler::TraceIdRatioBased(self.trace_ratio))
            .with_batch_exporter(exporter)
            .build())
    }

    pub(super) fn metrics(&self) -> Result<PeriodicReader<MetricExporter>, ExporterBuildError> {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(self.messenger())
            .with_endpoint(self.address("v1/metrics"))
            .with_headers(self.headers.clone())
            .with_timeout(PATIENCE)
            .build()?;
        Ok(PeriodicReader::builder(exporter)
            .with_interval(self.interval)
            .build())
    }

    fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.endpoint.as_str().trim_end_matches('/'))
    }

    fn messenger(&self) -> Messenger {
        Messenger {
            post: Arc::clone(&self.post),
            runtime: Handle::current(),
            failing: Arc::default(),
        }
    }
}

#[async_trait]
impl HttpClient for Messenger {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let path = request.uri().path().to_owned();
        let sent = self.runtime.spawn((self.post)(request)).await;
        let answer = sent.unwrap_or(Err(Undelivered));
        let taken = answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success());
        // One line when it begins and one when it is over, however long it lasts.
        if self.failing.swap(!taken, Ordering::AcqRel) == taken {
            match &answer {
                _ if taken => {
                    tracing::info!(otlp.path = path, "the collector takes telemetry again");
                }
                Ok(answer) => tracing::warn!(
                    otlp.path = path,
                    http.status = answer.status().as_u16(),
                    "the collector refuses telemetry: it is dropped until that is over"
                ),
                Err(Undelivered) => tracing::warn!(
                    otlp.path = path,
                    "the collector is not reached: telemetry is dropped until it is"
                ),
            }
        }
        Ok(answer?)
    }
}
