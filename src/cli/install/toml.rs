//! Entries in TOML: the text around them stays.

use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, value};

use super::edit::{EditError, Entry};

pub(super) fn put(
    text: &str,
    list: &'static str,
    name: &str,
    entry: &Entry,
) -> Result<String, EditError> {
    let mut document = parse(text)?;
    let mut table = Table::new();
    for (key, member) in entry {
        if let Some(member) = written(member) {
            table.insert(key, value(member));
        }
    }
    set(&mut document, list, name, Item::Table(table))?;
    Ok(document.to_string())
}

pub(super) fn carry(
    source: &str,
    text: &str,
    list: &'static str,
    name: &str,
) -> Result<String, EditError> {
    let mut document = parse(text)?;
    match item(&parse(source)?, list, name)?.cloned() {
        Some(mut item) => {
            if let Item::Table(table) = &mut item {
                // It goes where a new one would, not where the other file has it.
                table.set_position(None);
            }
            set(&mut document, list, name, item)?;
        }
        None => remove(&mut document, list, name)?,
    }
    Ok(document.to_string())
}

pub(super) fn has(text: &str, list: &'static str, name: &str) -> Result<bool, EditError> {
    Ok(item(&parse(text)?, list, name)?.is_some())
}

fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse()
        .map_err(|error: toml_edit::TomlError| EditError::Unreadable(error.message().to_owned()))
}

fn item<'a>(
    document: &'a DocumentMut,
    list: &'static str,
    name: &str,
) -> Result<Option<&'a Item>, EditError> {
    let Some(servers) = document.get(list) else {
        return Ok(None);
    };
    let servers = servers.as_table_like().ok_or(EditError::NoList(list))?;
    Ok(servers.get(name))
}

fn set(
    document: &mut DocumentMut,
    list: &'static str,
    name: &str,
    item: Item,
) -> Result<(), EditError> {
    let servers = document.entry(list).or_insert_with(|| {
        let mut servers = Table::new();
        // No line of its own: [mcp_servers.NAME] says it all.
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let servers = servers.as_table_like_mut().ok_or(EditError::NoList(list))?;
    servers.insert(name, item);
    Ok(())
}

fn remove(document: &mut DocumentMut, list: &'static str, name: &str) -> Result<(), EditError> {
    if let Some(servers) = document.get_mut(list) {
        let servers = servers.as_table_like_mut().ok_or(EditError::NoList(list))?;
        servers.remove(name);
    }
    Ok(())
}

/// The value in TOML, which has no null.
fn written(value: &Value) -> Option<toml_edit::Value> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some((*truth).into()),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(number.into()),
            None => number.as_f64().map(Into::into),
        },
        Value::String(text) => Some(text.into()),
        Value::Array(values) => {
            let values: Array = values.iter().filter_map(written).collect();
            Some(values.into())
        }
        Value::Object(members) => {
            let members = members.iter();
            let table: InlineTable = members
                .filter_map(|(name, member)| Some((name, written(member)?)))
                .collect();
            Some(table.into())
        }
    }
}
