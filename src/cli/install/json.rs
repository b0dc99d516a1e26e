//! Entries in JSON with comments: the text around them stays.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;

use super::edit::{EditError, Entry};

/// JSON as editors write it; what else the parser knows is no host's.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn put(
    text: &str,
    list: &'static str,
    name: &str,
    entry: &Entry,
) -> Result<String, EditError> {
    let root = parse(text)?;
    set(&root, list, name, Value::Object(entry.clone()))?;
    Ok(finish(&root))
}

pub(super) fn carry(
    source: &str,
    text: &str,
    list: &'static str,
    name: &str,
) -> Result<String, EditError> {
    let root = parse(text)?;
    match value(&parse(source)?, list, name)? {
        Some(value) => set(&root, list, name, value)?,
        None => remove(&root, list, name)?,
    }
    Ok(finish(&root))
}

pub(super) fn has(text: &str, list: &'static str, name: &str) -> Result<bool, EditError> {
    Ok(value(&parse(text)?, list, name)?.is_some())
}

fn parse(text: &str) -> Result<CstRootNode, EditError> {
    CstRootNode::parse(text, &OPTIONS).map_err(|error| EditError::Unreadable(error.to_string()))
}

/// The list of servers, where there is one.
fn servers(root: &CstRootNode, list: &'static str) -> Result<Option<CstObject>, EditError> {
    let Some(document) = root.value() else {
        return Ok(None);
    };
    let document = document.as_object().ok_or(EditError::NoList(list))?;
    let Some(property) = document.get(list) else {
        return Ok(None);
    };
    let servers = property.object_value().ok_or(EditError::NoList(list))?;
    Ok(Some(servers))
}

fn value(root: &CstRootNode, list: &'static str, name: &str) -> Result<Option<Value>, EditError> {
    let property = servers(root, list)?.and_then(|servers| servers.get(name));
    Ok(property.and_then(|property| property.value()?.to_serde_value()))
}

fn set(root: &CstRootNode, list: &'static str, name: &str, value: Value) -> Result<(), EditError> {
    let document = root
        .object_value_or_create()
        .ok_or(EditError::NoList(list))?;
    let servers = document
        .object_value_or_create(list)
        .ok_or(EditError::NoList(list))?;
    match servers.get(name) {
        Some(property) => property.set_value(written(value)),
        None => {
            servers.append(name, written(value));
        }
    }
    Ok(())
}

fn remove(root: &CstRootNode, list: &'static str, name: &str) -> Result<(), EditError> {
    if let Some(property) = servers(root, list)?.and_then(|servers| servers.get(name)) {
        property.remove();
    }
    Ok(())
}

fn written(value: Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(truth) => CstInputValue::Bool(truth),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text),
        Value::Array(values) => CstInputValue::Array(values.into_iter().map(written).collect()),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (name, written(value)));
            CstInputValue::Object(members.collect())
        }
    }
}

fn finish(root: &CstRootNode) -> String {
    let mut text = root.to_string();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
