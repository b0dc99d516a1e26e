//! `get_internal_metric(metric_name)`: the gateway's own figures for the caller's tenant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::super::{Answer, Definition};
use super::super::{reply, schema};
use super::Failure;
use crate::model::TenantSlug;
use crate::telemetry::{Figure, Figures};

pub(super) const NAME: &str = "get_internal_metric";

const TITLE: &str = "Gateway metric";

const DESCRIPTION: &str = "One of the gateway's own counters for the caller's tenant, since the \
    start of the replica that answers.";

const USAGE: &str =
    "get_internal_metric takes one argument, for example {\"metric_name\": \"tool_calls\"}.";

/// The arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Which counter: requests by verified callers, tool calls, tool calls that failed, requests
    /// refused for lack of scope, or requests refused because there were too many.
    #[schemars(extend("enum" = Figure::ALL.map(Figure::name)))]
    metric_name: String,
}

/// One counter.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct MetricResult<'a> {
    /// Which counter it is.
    metric_name: &'a str,
    /// The tenant that it is for.
    tenant: &'a str,
    /// What was counted since the start of the replica that answers.
    value: u64,
}

pub(super) fn definition() -> Definition {
    let schemas = (
        schema::of_arguments::<Arguments>(),
        schema::of_result::<MetricResult<'_>>(),
    );
    super::read_only_tool(NAME, (TITLE, DESCRIPTION), schemas, false)
}

pub(super) fn call(
    figures: &Figures,
    tenant: &TenantSlug,
    arguments: Map<String, Value>,
) -> Result<Answer, Failure> {
    let Arguments { metric_name } = super::parse(arguments, USAGE)?;
    let named = |figure: &Figure| figure.name() == metric_name;
    let figure = Figure::ALL.into_iter().find(named).ok_or_else(|| {
        let known = Figure::ALL.map(Figure::name).join(", ");
        Failure::Told(format!(
            "There is no such metric. The metrics are: {known}."
        ))
    })?;
    let result = MetricResult {
        metric_name: figure.name(),
        tenant: tenant.as_str(),
        value: figures.read(tenant, figure),
    };
    let text = format!("{}: {}", result.metric_name, result.value);
    Ok(reply::tool(&text, &result)?)
}
