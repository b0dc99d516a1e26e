//! `Mcp-Param-*` headers against the arguments that a tool's schema mirrors into them
//! (2026-07-28 streamable-http, custom headers from tool parameters).

use http::{HeaderName, HeaderValue};
use serde_json::{Number, Value};

use super::error::Fault;
use super::headers::{decoded, param_suffix, visible};

/// Checks every argument that `schema` annotates with `x-mcp-header`. Headers that it does not
/// know of mean nothing here.
pub(super) fn check(
    headers: &[(HeaderName, HeaderValue)],
    schema: Option<&Value>,
    arguments: Option<&Value>,
) -> Result<(), Fault> {
    let properties = schema.and_then(|schema| schema.get("properties"));
    let Some(properties) = properties.and_then(Value::as_object) else {
        return Ok(());
    };
    for (name, property) in properties {
        let argument = arguments.and_then(|arguments| arguments.get(name));
        if let Some(suffix) = annotation(property) {
            check_one(headers, suffix, argument)?;
        }
        // Only chains of `properties` lead to annotations that count.
        check(headers, Some(property), argument)?;
    }
    Ok(())
}

/// The header's name, where `property` is of a type that may have one.
fn annotation(property: &Value) -> Option<&str> {
    let kind = property.get("type").and_then(Value::as_str)?;
    let suffix = property.get("x-mcp-header").and_then(Value::as_str)?;
    matches!(kind, "string" | "integer" | "boolean").then_some(suffix)
}

fn check_one(
    headers: &[(HeaderName, HeaderValue)],
    suffix: &str,
    argument: Option<&Value>,
) -> Result<(), Fault> {
    let mut given = headers
        .iter()
        .filter(|(name, _)| param_suffix(name).eq_ignore_ascii_case(suffix));
    let (first, second) = (given.next(), given.next());
    let agrees = match (first, argument) {
        (None, None | Some(Value::Null)) => true,
        (Some((_, value)), Some(argument)) if second.is_none() => {
            visible(value).is_some_and(|text| says(text, argument))
        }
        (Some(_), _) | (None, Some(_)) => false,
    };
    if agrees {
        Ok(())
    } else {
        Err(Fault::HeaderMismatch("Mcp-Param"))
    }
}

/// True when the header's text stands for `argument`.
fn says(text: &str, argument: &Value) -> bool {
    let Some(text) = decoded(text) else {
        return false;
    };
    match argument {
        Value::String(value) => text == value.as_str(),
        Value::Bool(value) => text == if *value { "true" } else { "false" },
        Value::Number(number) => is_number(&text, number),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Integers agree as numbers, `42.0` with `42`.
fn is_number(text: &str, number: &Number) -> bool {
    if let (Ok(text), Some(number)) = (text.parse::<i64>(), number.as_i64()) {
        return text == number;
    }
    let is_decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    text.bytes().all(is_decimal) && text.parse::<f64>().ok() == number.as_f64()
}
