//! PATCH: operations on attributes (RFC 7644 §3.5.2), in the dialects of those who send them.

use serde_json::{Map, Value};

use super::attributes::{members, of_group, of_user, of_user_attribute};
use super::error::ScimError;
use super::filter::{comparison, without_schema};
use crate::model::{GroupChange, UserChange, UserId};

/// How many operations a request may have.
const MOST_OPERATIONS: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Add,
    Replace,
    Remove,
}

struct Operation<'a> {
    kind: Kind,
    path: Option<&'a str>,
    value: &'a Value,
}

/// What the operations change about a person.
pub(super) fn of_person(body: &Map<String, Value>) -> Result<Vec<UserChange>, ScimError> {
    let mut changes = Vec::new();
    for operation in operations(body)? {
        changes.extend(match (operation.path, operation.value) {
            (Some(path), value) => of_user_attribute(&plain(path), value)?,
            (None, Value::Object(attributes)) if operation.kind != Kind::Remove => {
                of_user(attributes)?
            }
            (None, _) => return Err(ScimError::Path),
        });
    }
    Ok(changes)
}

/// What the operations change about a group.
pub(super) fn of_members(body: &Map<String, Value>) -> Result<Vec<GroupChange>, ScimError> {
    let mut changes = Vec::new();
    for operation in operations(body)? {
        match (operation.path, operation.value) {
            (Some(path), value) => changes.extend(of_path(operation.kind, path, value)?),
            (None, Value::Object(attributes)) if operation.kind != Kind::Remove => {
                let whole = of_group(attributes)?;
                changes.extend(
                    whole
                        .into_iter()
                        .map(|change| adding(operation.kind, change)),
                );
            }
            (None, _) => return Err(ScimError::Path),
        }
    }
    Ok(changes)
}

/// To add members keeps those that are there.
fn adding(kind: Kind, change: GroupChange) -> GroupChange {
    match (kind, change) {
        (Kind::Add, GroupChange::Members(users)) => GroupChange::Add(users),
        (_, change) => change,
    }
}

fn of_path(kind: Kind, path: &str, value: &Value) -> Result<Option<GroupChange>, ScimError> {
    let name = without_schema(path);
    if let Some(filter) = name
        .to_ascii_lowercase()
        .starts_with("members[")
        .then(|| selected(&name))
    {
        // `members[value eq "…"]`
        let user = filter.ok_or(ScimError::Path)?;
        return match kind {
            Kind::Remove => Ok(Some(GroupChange::Remove([user].into()))),
            Kind::Add | Kind::Replace => Err(ScimError::Path),
        };
    }
    if !name.eq_ignore_ascii_case("members") {
        let attributes = Map::from_iter([(name.into_owned(), value.clone())]);
        return Ok(of_group(&attributes)?.pop());
    }
    let users = members(value)?;
    Ok(Some(match kind {
        Kind::Add => GroupChange::Add(users),
        Kind::Replace => GroupChange::Members(users),
        // RFC 7644 §3.5.2.2: without a value, all of them. Entra lists those who leave.
        Kind::Remove if value.is_null() => GroupChange::Members(users),
        Kind::Remove => GroupChange::Remove(users),
    }))
}

/// The member of a path that selects one.
fn selected(path: &str) -> Option<UserId> {
    let (_, filter) = path.split_once('[')?;
    let (attribute, id) = comparison(filter.strip_suffix(']')?)?;
    attribute
        .eq_ignore_ascii_case("value")
        .then(|| UserId::new(id))
}

/// A path without its filter: one address is kept, whichever it is.
fn plain(path: &str) -> String {
    let path = without_schema(path);
    match (path.split_once('['), path.rsplit_once(']')) {
        (Some((attribute, _)), Some((_, rest))) => format!("{attribute}{rest}"),
        _ => path.into_owned(),
    }
}

/// Names and operators are compared without regard to case: Entra writes `Replace`.
fn operations(body: &Map<String, Value>) -> Result<Vec<Operation<'_>>, ScimError> {
    let operations = member(body, "operations").and_then(Value::as_array);
    let operations = operations.ok_or(ScimError::Syntax)?;
    if operations.is_empty() || operations.len() > MOST_OPERATIONS {
        return Err(ScimError::Syntax);
    }
    operations.iter().map(operation).collect()
}

fn operation(value: &Value) -> Result<Operation<'_>, ScimError> {
    let object = value.as_object().ok_or(ScimError::Syntax)?;
    let kind = member(object, "op").and_then(Value::as_str);
    let kind = match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Kind::Add,
        Some("replace") => Kind::Replace,
        Some("remove") => Kind::Remove,
        Some(_) | None => return Err(ScimError::Syntax),
    };
    let path = match member(object, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.as_str()),
        Some(_) => return Err(ScimError::Path),
    };
    // What is removed has no value left, whatever the request says; but for members, see there.
    let given = member(object, "value").unwrap_or(&Value::Null);
    let is_members = path.is_some_and(|path| plain(path).eq_ignore_ascii_case("members"));
    let value = if kind == Kind::Remove && !is_members {
        &Value::Null
    } else {
        given
    };
    Ok(Operation { kind, path, value })
}

fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut members = object.iter();
    members
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
