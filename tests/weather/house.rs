//! What the tests stand on: a clock that is held still, a client of the fake, permits and calls.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gatehouse::backends::weather::Weather;
use gatehouse::backends::{Answer, Backend as _, BackendError, CallContext};
use gatehouse::egress;
use gatehouse::model::{
    ClientId, Clock, Principal, Random, RefusalDialect, ScopeCatalogue, Tenant, TenantSlug,
    Timestamp, UserId,
};
use gatehouse::nws::{Area, Coordinates, Nws, Settings, egress_settings};
use gatehouse::resource_server::{Operation, Permit, Policy};
use gatehouse::telemetry::Figures;
use serde_json::{Map, Value};

use crate::fake_nws::{FakeNws, data};

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct HeldClock(AtomicI64);

/// No randomness at all: the shortest of every jittered wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zeroes;

impl HeldClock {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(seconds)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
    }
}

impl Random for Zeroes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Settings for a fake: no wait that a test would notice.
pub(crate) fn settings(fake: &FakeNws) -> Settings {
    Settings {
        backoff: Duration::from_millis(1),
        requests_per_second: NonZeroU32::MAX,
        burst: NonZeroU32::MAX,
        ..Settings::new(fake.url.clone())
    }
}

/// A client of `fake` with the usual bounds.
pub(crate) fn client(fake: &FakeNws) -> Nws {
    client_with(
        settings(fake),
        &egress_settings(None),
        HeldClock::at(data::NOW),
    )
}

/// A client with all that can be set.
pub(crate) fn client_with(
    settings: Settings,
    egress: &egress::Settings,
    clock: Arc<HeldClock>,
) -> Nws {
    let egress = egress::Client::new(egress).unwrap();
    Nws::live(settings, egress, clock, Arc::new(Zeroes))
}

/// A client that gives up soon.
pub(crate) fn impatient_client(fake: &FakeNws) -> Nws {
    let egress = egress::Settings {
        read_timeout: Duration::from_millis(150),
        total_timeout: Duration::from_millis(300),
        ..egress_settings(None)
    };
    client_with(settings(fake), &egress, HeldClock::at(data::NOW))
}

pub(crate) fn area(code: &str) -> Area {
    code.parse().unwrap()
}

/// A place in Texas.
pub(crate) fn somewhere() -> Coordinates {
    Coordinates::new(31.5, -97.25).unwrap()
}

pub(crate) const SOMEWHERE_PATH: &str = "/points/31.5,-97.25";

/// A fake that knows a point and its forecast.
pub(crate) async fn fake_with_forecast() -> FakeNws {
    let fake = FakeNws::start().await;
    fake.always(SOMEWHERE_PATH, crate::fake_nws::Reply::json(&data::point()));
    fake.always(
        data::FORECAST_PATH,
        crate::fake_nws::Reply::json(&data::forecast()),
    );
    fake
}

pub(crate) fn weather(nws: Nws) -> Weather {
    Weather::new(Arc::new(nws), Arc::new(Figures::default()))
}

pub(crate) fn context() -> CallContext {
    CallContext::default()
}

/// A permit for `operation`, from the only place that makes them.
pub(crate) fn permit(operation: Operation) -> Permit {
    let principal = Principal {
        tenant: TenantSlug::default(),
        user: UserId::new("alice"),
        client: ClientId::new("client"),
        grant: None,
        key: None,
        refusals: RefusalDialect::Http,
        scopes: "mcp:tools mcp:resources mcp:prompts".parse().unwrap(),
        issued_at: Timestamp::from_seconds(0),
        expires_at: Timestamp::from_seconds(i64::MAX),
    };
    let url = "https://mcp.example.com".parse().unwrap();
    let tenant = Tenant::new(TenantSlug::default(), url, BTreeMap::new());
    let policy = Policy::new(ScopeCatalogue::new(BTreeMap::new()));
    policy
        .permit(&Arc::new(tenant), &Arc::new(principal), operation)
        .unwrap()
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else {
        panic!("not an object: {value}");
    };
    members
}

/// Calls a tool and checks its structured content against the tool's own schema.
pub(crate) async fn call(weather: &Weather, tool: &str, arguments: Value) -> Value {
    let permit = permit(Operation::CallTool(tool.to_owned()));
    let answer = weather
        .call_tool(&permit, tool, object(arguments), &context())
        .await
        .unwrap();
    let result = json_of(&answer);
    if result["isError"] == Value::Bool(false) {
        conforms(weather, tool, &result["structuredContent"]).await;
    }
    result
}

pub(crate) async fn read(weather: &Weather, uri: &str) -> Result<Answer, BackendError> {
    let permit = permit(Operation::ReadResource(uri.to_owned()));
    weather.read_resource(&permit, uri, &context()).await
}

pub(crate) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// The text of a tool's answer.
pub(crate) fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

/// The schema `member` of `tool` as it is listed.
pub(crate) async fn schema(weather: &Weather, tool: &str, member: &str) -> Value {
    let catalogue = weather.catalogue().await;
    let tool = catalogue
        .tools
        .iter()
        .find(|listed| listed.name == tool)
        .unwrap();
    tool.json[member].clone()
}

async fn conforms(weather: &Weather, tool: &str, structured: &Value) {
    let schema = schema(weather, tool, "outputSchema").await;
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(structured)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{tool}: {problems:?}");
}
