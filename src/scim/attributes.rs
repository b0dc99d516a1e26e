//! What an attribute's new value changes (RFC 7643 §4). Attributes that Gatehouse has no use for are
//! taken and not kept, as RFC 7644 §3.3 lets a server do.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::ScimError;
use super::filter::without_schema;
use crate::model::{GroupChange, UserChange, UserId};

const LONGEST_TEXT: usize = 512;
const MOST_MEMBERS: usize = 10_000;

/// The changes of a whole person, or of an object of attributes.
pub(super) fn of_user(object: &Map<String, Value>) -> Result<Vec<UserChange>, ScimError> {
    let mut changes = Vec::new();
    for (name, value) in object {
        changes.extend(of_user_attribute(name, value)?);
    }
    Ok(changes)
}

/// The changes that follow from one attribute. Its name is compared without regard to case
/// (RFC 7643 §2.1).
pub(super) fn of_user_attribute(name: &str, value: &Value) -> Result<Vec<UserChange>, ScimError> {
    let name = without_schema(name).to_ascii_lowercase();
    let change = match name.as_str() {
        "username" => UserChange::UserName(required(value)?),
        "externalid" => UserChange::ExternalId(text(value)?),
        "displayname" => UserChange::DisplayName(text(value)?),
        "name.formatted" => UserChange::FormattedName(text(value)?),
        "name.givenname" => UserChange::GivenName(text(value)?),
        "name.familyname" => UserChange::FamilyName(text(value)?),
        "emails" | "emails.value" => UserChange::Email(email(value)?),
        "active" => UserChange::Active(boolean(value)?),
        "name" => return of_name(value),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![change])
}

fn of_name(value: &Value) -> Result<Vec<UserChange>, ScimError> {
    let Value::Object(parts) = value else {
        return if value.is_null() {
            Ok(Vec::new())
        } else {
            Err(ScimError::Value)
        };
    };
    let mut changes = Vec::new();
    for (part, value) in parts {
        changes.extend(of_user_attribute(&format!("name.{part}"), value)?);
    }
    Ok(changes)
}

/// The changes of a whole group, or of an object of attributes.
pub(super) fn of_group(object: &Map<String, Value>) -> Result<Vec<GroupChange>, ScimError> {
    let mut changes = Vec::new();
    for (name, value) in object {
        let name = without_schema(name).to_ascii_lowercase();
        changes.push(match name.as_str() {
            "displayname" => GroupChange::DisplayName(required(value)?),
            "externalid" => GroupChange::ExternalId(text(value)?),
            "members" => GroupChange::Members(members(value)?),
            _ => continue,
        });
    }
    Ok(changes)
}

/// `[{ "value": … }]`, one such object, or identifiers alone.
pub(super) fn members(value: &Value) -> Result<BTreeSet<UserId>, ScimError> {
    let one = std::slice::from_ref(value);
    let values = match value {
        Value::Array(values) => values.as_slice(),
        Value::Null => &[],
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => one,
    };
    if values.len() > MOST_MEMBERS {
        return Err(ScimError::Value);
    }
    let id = |member: &Value| {
        let id = member.get("value").unwrap_or(member);
        required(id).map(UserId::new)
    };
    values.iter().map(id).collect()
}

/// A text that there must be.
pub(super) fn required(value: &Value) -> Result<String, ScimError> {
    text(value)?.ok_or(ScimError::Value)
}

fn text(value: &Value) -> Result<Option<String>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if text.len() <= LONGEST_TEXT && !text.contains(char::is_control) => {
            Ok(Some(text.clone()))
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Err(ScimError::Value),
    }
}

/// Entra writes `"False"` for `false`.
fn boolean(value: &Value) -> Result<bool, ScimError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(ScimError::Value)
        }
    }
}

/// The address that stands for all of them: the primary one, that of work, or the first.
fn email(value: &Value) -> Result<Option<String>, ScimError> {
    let Value::Array(addresses) = value else {
        let address = value.get("value").unwrap_or(value);
        return text(address);
    };
    let is_primary = |address: &&Value| {
        let primary = address.get("primary");
        primary.is_some_and(|primary| boolean(primary).unwrap_or_default())
    };
    let is_work = |address: &&Value| address.get("type").is_some_and(|kind| kind == "work");
    let chosen = addresses
        .iter()
        .find(is_primary)
        .or_else(|| addresses.iter().find(is_work))
        .or_else(|| addresses.first());
    match chosen.and_then(|address| address.get("value")) {
        Some(address) => text(address),
        None => Ok(None),
    }
}
