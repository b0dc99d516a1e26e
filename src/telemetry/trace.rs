//! Traces: spans of OpenTelemetry, which go to a collector where one is configured, and the context that
//! joins them with those of callers and of servers elsewhere (W3C Trace Context).
//!
//! Which traces are kept is decided here, by a share of them: what a caller says of its own recording is
//! handed on unchanged and moves nothing.

use std::borrow::Cow;

use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value, propagation::TextMapPropagator as _};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{self as sdk, IdGenerator as _, RandomIdGenerator, SdkTracer};
use serde_json::{Map, Value as Json};

use super::origin;

/// The name of the trace's context in headers and in `_meta` (2026-07-28 basic/index).
const PARENT: &str = "traceparent";
/// What other participants wrote beside it.
const STATE: &str = "tracestate";
/// How long what others wrote may be: W3C Trace Context §3.3.1.5 has 512 characters handed on.
const STATE_SIZE: usize = 512;

/// Makes spans, where somebody wants them.
#[derive(Clone, Debug, Default)]
pub struct Tracing(pub(super) Option<SdkTracer>);

/// A place in a trace, and what makes spans below it.
#[derive(Clone, Debug)]
pub struct Trace {
    tracing: Tracing,
    context: SpanContext,
}

/// A piece of work in a trace. It ends when this is dropped.
#[derive(Debug)]
pub struct Span {
    recorded: Option<sdk::Span>,
    trace: Trace,
}

/// Whose side of a conversation a span tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that was asked.
    Server,
    /// The one that asks.
    Client,
}

impl Tracing {
    /// The span of a request with these headers.
    #[must_use]
    pub fn request(&self, headers: &HeaderMap, name: &'static str) -> Span {
        let remote = remote(&HeaderExtractor(headers));
        let above = Trace {
            tracing: self.clone(),
            context: remote.unwrap_or_else(SpanContext::empty_context),
        };
        above.begin(Side::Server, name.into(), None)
    }
}

/// The span of a message of MCP that says in its `_meta` which trace it belongs to, else it belongs to
/// that of its request (MCP semantic conventions, context propagation).
#[must_use]
pub fn message(meta: Option<&Map<String, Json>>, name: impl Into<Cow<'static, str>>) -> Span {
    let here = origin::trace().unwrap_or_else(Trace::generate);
    let said = meta.and_then(|meta| remote(&MetaExtractor(meta)));
    match said {
        Some(said) => {
            let above = Trace {
                tracing: here.tracing.clone(),
                context: said,
            };
            above.begin(Side::Server, name.into(), Some(here.context))
        }
        None => here.begin(Side::Server, name.into(), None),
    }
}

/// The span of a request to somebody else.
#[must_use]
pub fn request(name: impl Into<Cow<'static, str>>) -> Span {
    let here = origin::trace().unwrap_or_else(Trace::generate);
    here.begin(Side::Client, name.into(), None)
}

/// Puts the context of what this task works for into the headers of a request to somebody else.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(here) = origin::trace() {
        here.inject(headers);
    }
}

/// Puts the context of what this task works for into the `_meta` of a message to somebody else.
pub fn inject_meta(meta: &mut Map<String, Json>) {
    if let Some(here) = origin::trace() {
        here.inject_meta(meta);
    }
}

impl Trace {
    /// A trace of its own, of which nothing is recorded.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            tracing: Tracing::default(),
            context: generate(),
        }
    }

    /// Its identifier.
    pub(super) fn id(&self) -> TraceId {
        self.context.trace_id()
    }

    fn begin(&self, side: Side, name: Cow<'static, str>, link: Option<SpanContext>) -> Span {
        let Some(tracer) = &self.tracing.0 else {
            return Span::unrecorded(self);
        };
        let kind = match side {
            Side::Server => SpanKind::Server,
            Side::Client => SpanKind::Client,
        };
        let links = link.map(|context| Link::new(context, Vec::new(), 0));
        let builder = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_links(links.into_iter().collect());
        let above = Context::new().with_remote_span_context(self.context.clone());
        let recorded = tracer.build_with_context(builder, &above);
        if !recorded.is_recording() {
            return Span::unrecorded(self);
        }
        let trace = Self {
            tracing: self.tracing.clone(),
            context: recorded.span_context().clone(),
        };
        Span {
            recorded: Some(recorded),
            trace,
        }
    }

    /// The value of `traceparent`.
    fn parent(&self) -> String {
        format!(
            "00-{}-{}-{:02x}",
            self.context.trace_id(),
            self.context.span_id(),
            self.context.trace_flags() & TraceFlags::SAMPLED
        )
    }

    /// The value of `tracestate`, where there is one.
    fn state(&self) -> Option<String> {
        let state = self.context.trace_state().header();
        (!state.is_empty()).then_some(state)
    }

    /// Puts the context into the headers of a request to somebody else.
    pub fn inject(&self, headers: &mut HeaderMap) {
        let mut put = |name, value: Option<String>| {
            let name = HeaderName::from_static(name);
            match value.and_then(|value| HeaderValue::try_from(value).ok()) {
                Some(value) => drop(headers.insert(name, value)),
                None => drop(headers.remove(name)),
            }
        };
        put(PARENT, Some(self.parent()));
        put(STATE, self.state());
    }

    /// Puts the context into the `_meta` of a message to somebody else.
    pub fn inject_meta(&self, meta: &mut Map<String, Json>) {
        meta.insert(PARENT.to_owned(), self.parent().into());
        match self.state() {
            Some(state) => drop(meta.insert(STATE.to_owned(), state.into())),
            None => drop(meta.remove(STATE)),
        }
    }
}

impl Span {
    fn unrecorded(above: &Trace) -> Self {
        let mut trace = above.clone();
        if !trace.context.is_valid() {
            trace.context = generate();
        }
        Self {
            recorded: None,
            trace,
        }
    }

    /// The place in the trace for what is done within this span.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Whether anybody reads what is set here.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// Names it, now that more is known.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(recorded) = &mut self.recorded {
            recorded.update_name(name);
        }
    }

    /// Says something of it.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recorded) = &mut self.recorded {
            recorded.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Says that it failed, and what kind of failure that was.
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        if let Some(recorded) = &mut self.recorded {
            let kind: Cow<'static, str> = kind.into();
            recorded.set_attribute(KeyValue::new("error.type", kind));
            recorded.set_status(Status::error(""));
        }
    }

    /// Does `task` within this span, or, where nothing is recorded, in the trace that its caller named.
    pub fn around<F: Future>(&self, task: F) -> impl Future<Output = F::Output> + use<F> {
        let is_here = origin::trace().is_some_and(|here| here.context == self.trace.context);
        if is_here {
            Either::Left(task)
        } else {
            Either::Right(origin::below(self.trace.clone(), task))
        }
    }
}

struct MetaExtractor<'a>(&'a Map<String, Json>);

impl opentelemetry::propagation::Extractor for MetaExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Json::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// What a caller says of its trace.
fn remote(carrier: &dyn opentelemetry::propagation::Extractor) -> Option<SpanContext> {
    carrier.get(PARENT)?;
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), carrier);
    let remote = context.span().span_context().clone();
    if !remote.is_valid() {
        return None;
    }
    if remote.trace_state().header().len() <= STATE_SIZE {
        return Some(remote);
    }
    Some(SpanContext::new(
        remote.trace_id(),
        remote.span_id(),
        remote.trace_flags(),
        true,
        TraceState::NONE,
    ))
}

fn generate() -> SpanContext {
    let ids = RandomIdGenerator::default();
    SpanContext::new(
        ids.new_trace_id(),
        ids.new_span_id(),
        TraceFlags::NOT_SAMPLED,
        false,
        TraceState::NONE,
    )
}

/// What a trace says of the program, of everything that is told.
pub(super) fn resource() -> opentelemetry_sdk::Resource {
    opentelemetry_sdk::Resource::builder()
        .with_service_name("gatehouse")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(parent: &str, state: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(PARENT, parent.parse().unwrap());
        headers.insert(STATE, state.parse().unwrap());
        headers
    }

    fn injected(span: &Span) -> HashMap<String, String> {
        let mut headers = HeaderMap::new();
        span.trace().inject(&mut headers);
        let pairs = headers.iter();
        pairs
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_callers_context_is_handed_on_unchanged_where_nothing_is_recorded() {
        let span = Tracing::default().request(&headers(CALLER, "vendor=1"), "POST");
        let injected = injected(&span);
        assert_eq!(injected[PARENT], CALLER);
        assert_eq!(injected[STATE], "vendor=1");
    }

    #[test]
    fn a_recorded_span_stands_below_the_callers() {
        let provider = sdk::SdkTracerProvider::builder().build();
        let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "test");
        let span = Tracing(Some(tracer)).request(&headers(CALLER, "vendor=1"), "POST");
        let injected = injected(&span);
        let (parent, state) = (&injected[PARENT], &injected[STATE]);
        assert!(
            parent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
            "{parent}"
        );
        assert!(parent.ends_with("-01") && parent != CALLER, "{parent}");
        assert_eq!(state, "vendor=1");
    }

    #[test]
    fn a_malformed_context_begins_a_trace_of_its_own() {
        for parent in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "zz",
        ] {
            let span = Tracing::default().request(&headers(parent, "a=b"), "POST");
            let injected = injected(&span);
            assert!(span.trace().context.is_valid());
            assert!(!injected[PARENT].contains("4bf92f35"), "{parent}");
            assert!(!injected.contains_key(STATE), "{parent}");
        }
    }

    #[test]
    fn what_others_wrote_is_handed_on_up_to_a_bound() {
        let long = format!("a={}", "x".repeat(STATE_SIZE));
        let span = Tracing::default().request(&headers(CALLER, &long), "POST");
        assert!(!injected(&span).contains_key(STATE));
    }
}
