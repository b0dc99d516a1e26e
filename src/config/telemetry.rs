//! `[telemetry]`: logs, and what a collector is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::checks::Checks;
use super::database::SecretPlace;
use super::problem::KeyPath;
use crate::model::Secret;

/// What operators see.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// How log lines look.
    pub log: LogFormat,
    /// Who is sent traces and figures.
    pub otlp: Option<Otlp>,
}

/// A collector of OpenTelemetry.
#[derive(Clone, Debug)]
pub struct Otlp {
    /// Its base address.
    pub endpoint: Url,
    /// What every request to it has.
    pub headers: Vec<(HeaderName, Secret)>,
    /// The share of traces that it is sent.
    pub trace_ratio: f64,
    /// How often it is sent figures.
    pub interval: Duration,
}

/// How log lines look. They go to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// What operators see. The variable `GATEHOUSE_LOG` says how much, as in `info,gatehouse=debug`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TelemetrySection {
    log: LogFormat,
    /// The base address of a collector of OpenTelemetry that is sent traces and figures over OTLP/HTTP,
    /// as in `http://collector:4318`. Nobody when empty.
    otlp_endpoint: String,
    /// Headers that it wants with every request, mostly a key.
    otlp_headers: BTreeMap<String, SecretPlace>,
    /// How often it is sent figures.
    otlp_interval: String,
    /// The share of traces that it is sent, from 0 to 1.
    trace_ratio: f64,
}

impl Default for TelemetrySection {
    fn default() -> Self {
        Self {
            log: LogFormat::default(),
            otlp_endpoint: String::new(),
            otlp_headers: BTreeMap::new(),
            otlp_interval: "60s".to_owned(),
            trace_ratio: 1.0,
        }
    }
}

impl TelemetrySection {
    pub(super) fn resolve(&self, checks: &mut Checks<'_>) -> Option<Telemetry> {
        let path = |key| KeyPath::of(["telemetry", key]);
        let interval = path("otlp_interval");
        let interval = checks.duration(&interval, &self.otlp_interval, ("1s", "1h"));
        let ratio = Some(self.trace_ratio).filter(|ratio| (0.0..=1.0).contains(ratio));
        let ratio = checks.require(ratio, &path("trace_ratio"), "a number from 0 to 1");
        let headers = self.headers(checks, &path("otlp_headers"));
        if self.otlp_endpoint.is_empty() {
            return Some(Telemetry {
                log: self.log,
                otlp: None,
            });
        }
        let expected = "an http or https URL without credentials, query or fragment";
        let endpoint = checks.require(base(&self.otlp_endpoint), &path("otlp_endpoint"), expected);
        Some(Telemetry {
            log: self.log,
            otlp: Some(Otlp {
                endpoint: endpoint?,
                headers: headers?,
                trace_ratio: ratio?,
                interval: interval?,
            }),
        })
    }

    fn headers(
        &self,
        checks: &mut Checks<'_>,
        path: &KeyPath,
    ) -> Option<Vec<(HeaderName, Secret)>> {
        let mut headers = Some(Vec::new());
        for (name, place) in &self.otlp_headers {
            let path = path.join(name.as_str());
            let known: Option<HeaderName> = name.parse().ok();
            let name = checks.require(known, &path, "the name of a header");
            let value = place.resolve(checks, &path);
            let fits = |value: &Secret| HeaderValue::try_from(value.expose()).is_ok();
            if value.as_ref().is_some_and(|value| !fits(value)) {
                checks.refuse(&path, "the value of a header");
            }
            headers = headers.zip(name.zip(value)).map(|(mut headers, header)| {
                headers.push(header);
                headers
            });
        }
        headers
    }
}

/// A collector stands where its operator put it, mostly beside the process.
fn base(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}
