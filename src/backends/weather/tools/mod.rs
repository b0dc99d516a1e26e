//! The tools, one file each.

mod get_alerts;
mod get_forecast;
mod get_internal_metric;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(super) use get_alerts::{AlertsResult, NAME as GET_ALERTS};

use super::super::{Answer, BackendError, CallContext, Definition};
use super::listing::definition;
use super::{Weather, reply};
use crate::model::Principal;
use crate::nws::{InvalidCoordinates, NwsError, UnknownArea};

/// Why a tool could not do what it was asked.
enum Failure {
    /// For the model to read.
    Told(String),
    /// For the gateway.
    Backend(BackendError),
}

/// The tools in the order of their listing.
pub(super) fn definitions() -> Vec<Definition> {
    vec![
        get_alerts::definition(),
        get_forecast::definition(),
        get_internal_metric::definition(),
    ]
}

/// Calls the tool `name` for `principal`.
pub(super) async fn call(
    weather: &Weather,
    principal: &Principal,
    name: &str,
    arguments: Map<String, Value>,
    context: &CallContext,
) -> Result<Answer, BackendError> {
    let answer = match name {
        get_alerts::NAME => get_alerts::call(&weather.nws, arguments).await,
        get_forecast::NAME => get_forecast::call(&weather.nws, arguments, context).await,
        get_internal_metric::NAME => {
            get_internal_metric::call(&weather.figures, &principal.tenant, arguments)
        }
        _ => return Err(BackendError::UnknownTool),
    };
    match answer {
        Ok(answer) => Ok(answer),
        Err(Failure::Told(text)) => reply::tool_error(&text),
        Err(Failure::Backend(error)) => Err(error),
    }
}

/// A tool that only reads. `open_world` says whether it asks anyone outside of the gateway.
fn read_only_tool(
    name: &str,
    words: (&str, &str),
    schemas: (Map<String, Value>, Map<String, Value>),
    open_world: bool,
) -> Definition {
    let (title, description) = words;
    let (input, output) = schemas;
    let members = [
        ("name", json!(name)),
        ("title", json!(title)),
        ("description", json!(description)),
        ("inputSchema", Value::Object(input)),
        ("outputSchema", Value::Object(output)),
        (
            "annotations",
            json!({
                "title": title,
                "readOnlyHint": true,
                "destructiveHint": false,
                "idempotentHint": true,
                "openWorldHint": open_world,
            }),
        ),
    ];
    definition(name, members)
}

/// The arguments as `T`; else what is wrong with them, followed by `usage`.
fn parse<T: DeserializeOwned>(arguments: Map<String, Value>, usage: &str) -> Result<T, Failure> {
    // The reason names members and values of the caller's own arguments, and nothing else.
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        let reason: String = error.to_string().chars().take(200).collect();
        Failure::Told(format!("The arguments are not valid: {reason}. {usage}"))
    })
}

impl From<NwsError> for Failure {
    fn from(error: NwsError) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<UnknownArea> for Failure {
    fn from(error: UnknownArea) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<InvalidCoordinates> for Failure {
    fn from(error: InvalidCoordinates) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}
