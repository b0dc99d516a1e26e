//! What operators see of a running gateway: logs, traces and figures.

mod collector;
mod figures;
mod history;
pub mod logging;
mod meters;
pub mod origin;
mod process;
pub mod trace;

use std::sync::Arc;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::TextEncoder;

pub use collector::{Collector, Post, Undelivered};
pub use figures::{Figure, Figures};
pub use history::{History, INTERVAL};
pub use meters::{Counted, Meters, Operation, Tell};
pub use trace::Tracing;

/// Who this is, on every span and figure.
const SCOPE: &str = "gatehouse";

/// What is told of the process, and to whom.
#[derive(Clone, Debug)]
pub struct Telemetry {
    registry: prometheus::Registry,
    metrics: SdkMeterProvider,
    traces: Option<SdkTracerProvider>,
    figures: Arc<Figures>,
}

/// The SDK refuses what it is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("telemetry can't be set up")]
pub struct InvalidTelemetry;

impl Telemetry {
    /// Figures that wait for who reads them; with a `collector`, it is sent them, and traces.
    pub fn open(collector: Option<Collector>) -> Result<Self, InvalidTelemetry> {
        let registry = prometheus::Registry::new();
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|_| InvalidTelemetry)?;
        let metrics = SdkMeterProvider::builder()
            .with_resource(trace::resource())
            .with_reader(reader);
        let (metrics, traces) = match collector {
            Some(collector) => {
                let traces = collector.traces().map_err(|_| InvalidTelemetry)?;
                let sent = collector.metrics().map_err(|_| InvalidTelemetry)?;
                (metrics.with_reader(sent), Some(traces))
            }
            None => (metrics, None),
        };
        let metrics = metrics.build();
        let meters = Meters::new(metrics.meter(SCOPE));
        process::observe(&meters);
        Ok(Self {
            registry,
            metrics,
            traces,
            figures: Figures::new(meters),
        })
    }

    /// What is counted.
    #[must_use]
    pub const fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    /// What makes spans.
    #[must_use]
    pub fn tracing(&self) -> Tracing {
        Tracing(self.traces.as_ref().map(|traces| traces.tracer(SCOPE)))
    }

    /// Everything that was measured, in the text format of Prometheus.
    #[must_use]
    pub fn exposition(&self) -> String {
        let families = self.registry.gather();
        TextEncoder::new()
            .encode_to_string(&families)
            .unwrap_or_default()
    }

    /// Sends what is left to the collector, which may take its time or be away.
    pub async fn finish(&self) {
        let (metrics, traces) = (self.metrics.clone(), self.traces.clone());
        if traces.is_none() {
            return;
        }
        let finished = tokio::task::spawn_blocking(move || {
            let _ = traces.map(|traces| traces.shutdown_with_timeout(collector::LAST_PATIENCE));
            let _ = metrics.shutdown_with_timeout(collector::LAST_PATIENCE);
        });
        let _ = tokio::time::timeout(collector::LAST_PATIENCE, finished).await;
    }
}
