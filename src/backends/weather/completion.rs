//! Completion of `state`, for the prompt's argument and for the template's variable.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{Answer, BackendError};
use super::prompts::EMERGENCY_SUMMARY;
use super::reply;
use super::resources::ALERTS_TEMPLATE;
use crate::nws::Area;

/// The `params` of `completion/complete`.
#[derive(Deserialize)]
struct Params {
    r#ref: Reference,
    argument: Argument,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

/// A `CompleteResult`.
#[derive(Serialize)]
struct CompleteResult {
    completion: Completion,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Completion {
    values: Vec<&'static str>,
    total: usize,
    has_more: bool,
}

pub(super) fn complete(params: &Map<String, Value>) -> Result<Answer, BackendError> {
    let params = Params::deserialize(params).map_err(|_| {
        BackendError::InvalidParams("`ref` and `argument` are not as documented".to_owned())
    })?;
    match params.r#ref {
        Reference::Prompt { name } if name != EMERGENCY_SUMMARY => {
            return Err(BackendError::UnknownPrompt);
        }
        Reference::Resource { uri } if uri != ALERTS_TEMPLATE => {
            return Err(BackendError::UnknownResource);
        }
        Reference::Prompt { .. } | Reference::Resource { .. } => {}
    }
    let values = match params.argument.name.as_str() {
        "state" => codes(&params.argument.value),
        _ => Vec::new(),
    };
    reply::answer(&CompleteResult {
        completion: Completion {
            // The protocol allows a hundred values, and there are fewer codes than that.
            total: values.len(),
            values,
            has_more: false,
        },
    })
}

fn codes(prefix: &str) -> Vec<&'static str> {
    let prefix = prefix.to_ascii_uppercase();
    let codes = Area::ALL.into_iter().map(Area::code);
    codes.filter(|code| code.starts_with(&prefix)).collect()
}
