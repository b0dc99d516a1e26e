//! What is measured, by the names of the semantic conventions of OpenTelemetry where they have one. No label
//! is ever what a caller chose: each is one of a fixed set, or the name of something that an operator made.

use std::borrow::Cow;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::SdkMeterProvider;

/// Takes a number with its labels.
pub type Tell<'a> = &'a mut dyn FnMut(f64, &[(&'static str, &str)]);

/// What is counted, each by one quality of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Tokens that were issued, by grant type.
    TokensIssued,
    /// Refusals of the token endpoint, by error code.
    TokenErrors,
    /// Attempts of people to sign in, by outcome.
    SignIns,
    /// Clients that registered, by outcome.
    Registrations,
    /// Access tokens that were presented, by how they were found good or not.
    Verifications,
    /// Requests refused because there were too many, by rule.
    RateRefusals,
    /// Attempts to take a changed configuration, by outcome.
    Reloads,
}

/// What is measured as it happens.
#[derive(Clone, Debug)]
pub struct Meters {
    meter: Meter,
    counters: [Counter<u64>; Counted::ALL.len()],
    http: Histogram<f64>,
    server: Histogram<f64>,
    client: Histogram<f64>,
    outbound: Histogram<f64>,
}

/// An operation of MCP that has ended.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// Its method.
    pub method: &'static str,
    /// The tool that it called.
    pub tool: Option<&'a str>,
    /// The revision that it was asked in, where one is agreed.
    pub revision: Option<&'static str>,
    /// What carried it: `tcp` or `pipe`.
    pub transport: &'static str,
    /// Why it failed.
    pub error: Option<Cow<'static, str>>,
    /// How long it took.
    pub took: Duration,
}

/// Buckets in seconds, as the conventions for HTTP have them.
const HTTP_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Buckets in seconds: those of the conventions for MCP, with finer ones for cached answers.
const MCP_BUCKETS: [f64; 17] = [
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0,
    300.0,
];

impl Counted {
    /// Everything that is counted.
    pub const ALL: [Self; 7] = [
        Self::TokensIssued,
        Self::TokenErrors,
        Self::SignIns,
        Self::Registrations,
        Self::Verifications,
        Self::RateRefusals,
        Self::Reloads,
    ];

    /// Its name, the name of its quality, and what it is.
    const fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::TokensIssued => (
                "gatehouse.tokens.issued",
                "oauth.grant_type",
                "Responses of the token endpoint that carry tokens",
            ),
            Self::TokenErrors => (
                "gatehouse.token.errors",
                "error.type",
                "Refusals of the token endpoint, by error code of OAuth",
            ),
            Self::SignIns => (
                "gatehouse.sign_ins",
                "gatehouse.outcome",
                "Attempts of people to sign in",
            ),
            Self::Registrations => (
                "gatehouse.registrations",
                "gatehouse.outcome",
                "Attempts of clients to register",
            ),
            Self::Verifications => (
                "gatehouse.token.verifications",
                "gatehouse.outcome",
                "Access tokens that were presented at the MCP endpoint",
            ),
            Self::RateRefusals => (
                "gatehouse.rate_limit.refusals",
                "gatehouse.rule",
                "Requests refused because there were too many",
            ),
            Self::Reloads => (
                "gatehouse.config.reloads",
                "gatehouse.outcome",
                "Attempts to take a changed configuration",
            ),
        }
    }
}

impl Default for Meters {
    /// Meters that nobody reads.
    fn default() -> Self {
        Self::new(SdkMeterProvider::default().meter("gatehouse"))
    }
}

impl Meters {
    pub(super) fn new(meter: Meter) -> Self {
        let counters = Counted::ALL.map(|counted| {
            let (name, _, description) = counted.names();
            let counter = meter.u64_counter(name).with_description(description);
            counter.build()
        });
        let seconds = |name: &'static str, description: &'static str, buckets: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(buckets.to_vec())
                .build()
        };
        Self {
            counters,
            http: seconds(
                "http.server.request.duration",
                "Requests, until the head of their response",
                &HTTP_BUCKETS,
            ),
            server: seconds(
                "mcp.server.operation.duration",
                "Requests of MCP clients, until their result",
                &MCP_BUCKETS,
            ),
            client: seconds(
                "mcp.client.operation.duration",
                "Requests to mounted MCP servers, until their result",
                &MCP_BUCKETS,
            ),
            outbound: seconds(
                "http.client.request.duration",
                "Requests to others, until the end of their response",
                &HTTP_BUCKETS,
            ),
            meter,
        }
    }

    /// Counts one, of this quality.
    pub fn count(&self, counted: Counted, quality: &'static str) {
        let (_, key, _) = counted.names();
        if let Some(counter) = self.counters.get(counted as usize) {
            counter.add(1, &[KeyValue::new(key, quality)]);
        }
    }

    /// A request over HTTP was answered. The `route` is the one of ours that it matched.
    pub fn answered(
        &self,
        method: &http::Method,
        route: Option<&str>,
        status: http::StatusCode,
        took: Duration,
    ) {
        let status = i64::from(status.as_u16());
        let mut attributes = Vec::with_capacity(3);
        attributes.push(KeyValue::new("http.request.method", known_method(method)));
        attributes.push(KeyValue::new("http.response.status_code", status));
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        self.http.record(took.as_secs_f64(), &attributes);
    }

    /// An operation was answered.
    pub fn operated(&self, operation: &Operation<'_>) {
        self.server
            .record(operation.took.as_secs_f64(), &operation.attributes());
    }

    /// A mounted server of this name answered an operation.
    pub fn relayed(&self, server: &str, operation: &Operation<'_>) {
        let mut attributes = operation.attributes();
        attributes.push(KeyValue::new("gatehouse.server", server.to_owned()));
        self.client
            .record(operation.took.as_secs_f64(), &attributes);
    }

    /// Somebody else answered a request, or did not. The `peer` is one of our names for them.
    pub fn asked(&self, peer: &'static str, error: Option<&'static str>, took: Duration) {
        let mut attributes = Vec::with_capacity(2);
        attributes.push(KeyValue::new("gatehouse.peer", peer));
        attributes.extend(error.map(|error| KeyValue::new("error.type", error)));
        self.outbound.record(took.as_secs_f64(), &attributes);
    }

    /// Reads `value` whenever somebody looks: a number that goes up and down, with the unit.
    pub fn gauge(
        &self,
        (name, unit, description): (&'static str, &'static str, &'static str),
        value: impl Fn(Tell<'_>) + Send + Sync + 'static,
    ) {
        let gauge = self.meter.f64_observable_gauge(name);
        gauge
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |observer| {
                value(&mut |number, labels| observer.observe(number, &attributes(labels)));
            })
            .build();
    }

    /// Reads `value` whenever somebody looks: a number that only goes up, with the unit.
    pub fn total(
        &self,
        (name, unit, description): (&'static str, &'static str, &'static str),
        value: impl Fn(Tell<'_>) + Send + Sync + 'static,
    ) {
        let total = self.meter.f64_observable_counter(name);
        total
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |observer| {
                value(&mut |number, labels| observer.observe(number, &attributes(labels)));
            })
            .build();
    }
}

impl Operation<'_> {
    fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(7);
        attributes.push(KeyValue::new("mcp.method.name", self.method));
        attributes.push(KeyValue::new("network.transport", self.transport));
        if let Some(revision) = self.revision {
            attributes.push(KeyValue::new("mcp.protocol.version", revision));
        }
        if let Some(tool) = self.tool {
            attributes.push(KeyValue::new("gen_ai.tool.name", tool.to_owned()));
        }
        if let Some(error) = &self.error {
            attributes.push(KeyValue::new("error.type", error.clone()));
        }
        attributes
    }
}

fn attributes(labels: &[(&'static str, &str)]) -> Vec<KeyValue> {
    let label = |(key, value): &(&'static str, &str)| KeyValue::new(*key, (*value).to_owned());
    labels.iter().map(label).collect()
}

/// HTTP lets callers make up methods.
fn known_method(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}
