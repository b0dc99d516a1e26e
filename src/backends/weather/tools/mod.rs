//! The tools, one file each.

mod export_observations;
mod get_alert;
mod get_alerts;
mod get_current_conditions;
mod get_forecast;
mod get_forecast_discussion;
mod get_hourly_forecast;
mod get_internal_metric;
mod position;
mod summarize_alerts;

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(super) use get_alerts::{AlertsResult, NAME as GET_ALERTS};

use super::super::{Answer, BackendError, CallContext, Definition, Progress};
use super::listing::definition;
use super::{Weather, reply};
use crate::model::Principal;
use crate::nws::{
    InvalidAlertId, InvalidCoordinates, InvalidOffice, InvalidStation, InvalidZone, NwsError,
    Reason, UnknownArea,
};

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
        get_hourly_forecast::definition(),
        get_current_conditions::definition(),
        get_alert::definition(),
        get_forecast_discussion::definition(),
        export_observations::definition(),
        summarize_alerts::definition(),
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
    let nws = &*weather.nws;
    let answer = match name {
        get_alerts::NAME => get_alerts::call(weather, arguments).await,
        get_forecast::NAME => get_forecast::call(weather, arguments, context).await,
        get_hourly_forecast::NAME => get_hourly_forecast::call(nws, arguments).await,
        get_current_conditions::NAME => get_current_conditions::call(nws, arguments).await,
        get_alert::NAME => get_alert::call(nws, arguments).await,
        get_forecast_discussion::NAME => get_forecast_discussion::call(nws, arguments).await,
        export_observations::NAME => export_observations::call(nws, arguments, context).await,
        summarize_alerts::NAME => summarize_alerts::call(nws, arguments, context).await,
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

/// Reports that the `step`s done of all are so many.
fn report(context: &CallContext, (step, all): (u32, impl TryInto<u32>), message: &str) {
    if let Some(sink) = &context.progress {
        sink.report(Progress {
            progress: f64::from(step),
            total: all.try_into().ok().map(f64::from),
            message: Some(message.to_owned()),
            ..Progress::default()
        });
    }
}

impl Failure {
    /// The failure, where NWS's not finding something means what `missing` says.
    fn or_missing(error: NwsError, missing: &str) -> Self {
        let failure = Self::from(error);
        if error.reason == Reason::NotFound {
            Self::Told(missing.to_owned())
        } else {
            failure
        }
    }

    /// An argument that isn't what it should be: the error says what it should be.
    fn of_argument(error: impl fmt::Display) -> Self {
        Self::Told(error.to_string())
    }
}

impl From<NwsError> for Failure {
    fn from(error: NwsError) -> Self {
        error.note();
        Self::Told(error.to_string())
    }
}

impl From<UnknownArea> for Failure {
    fn from(error: UnknownArea) -> Self {
        Self::of_argument(error)
    }
}

impl From<InvalidZone> for Failure {
    fn from(error: InvalidZone) -> Self {
        Self::of_argument(error)
    }
}

impl From<InvalidCoordinates> for Failure {
    fn from(error: InvalidCoordinates) -> Self {
        Self::of_argument(error)
    }
}

impl From<InvalidAlertId> for Failure {
    fn from(error: InvalidAlertId) -> Self {
        Self::of_argument(error)
    }
}

impl From<InvalidOffice> for Failure {
    fn from(error: InvalidOffice) -> Self {
        Self::of_argument(error)
    }
}

impl From<InvalidStation> for Failure {
    fn from(error: InvalidStation) -> Self {
        Self::of_argument(error)
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}
