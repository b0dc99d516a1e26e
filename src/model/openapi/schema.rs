//! Schemas of an OpenAPI document as schemas of tools: what they refer to comes along, and what OpenAPI
//! 3.0 says in its own way is said as JSON Schema 2020-12 does.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::shown;

/// Why a part of a document can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is not as OpenAPI has it.
    Mistake(String),
    /// It is, and no tool can be that.
    LeftOut(String),
}

/// A document, and which OpenAPI it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    pub(super) root: &'a Value,
    /// In OpenAPI 3.0, schemas are of a dialect of their own.
    pub(super) is_3_0: bool,
}

/// Which way values of a schema travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    ToApi,
    FromApi,
}

/// The schemas that those of one tool refer to, by the names that they have there.
#[derive(Debug)]
pub(super) struct Definitions {
    direction: Direction,
    /// By what the document calls them.
    names: BTreeMap<String, String>,
    /// Those that are not read yet.
    waiting: Vec<(String, String)>,
    schemas: Map<String, Value>,
    /// How many bytes more there may be.
    room: usize,
}

/// Members that only OpenAPI knows, that say nothing about values, that are for references, which are
/// others here, or that can only be checked by checking all others twice.
const LEFT_OUT: [&str; 17] = [
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$schema",
    "$vocabulary",
    "definitions",
    "discriminator",
    "example",
    "externalDocs",
    "nullable",
    "contentSchema",
    "readOnly",
    "unevaluatedItems",
    "unevaluatedProperties",
    "writeOnly",
    "xml",
];

/// References that depend on where they are followed from.
const ELSEWHERE: [&str; 3] = ["$dynamicRef", "$id", "$recursiveRef"];

const SCHEMA: [&str; 8] = [
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
];
const SCHEMA_LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SCHEMA_MAP: [&str; 3] = ["dependentSchemas", "patternProperties", "properties"];

/// How many references may follow one another, and how many schemas a tool may refer to.
const CHAIN: usize = 16;
const MOST: usize = 500;

/// How many bytes the schemas of a tool may have: a larger tool is in no list.
const LARGEST: usize = 256 * 1024;

/// For how many bytes a pattern counts, which take longer to read than they are long.
const PATTERN: usize = 1024;

impl Unusable {
    pub(super) fn mistake(reason: impl Into<String>) -> Self {
        Self::Mistake(reason.into())
    }

    pub(super) fn left_out(reason: impl Into<String>) -> Self {
        Self::LeftOut(reason.into())
    }
}

impl<'a> Document<'a> {
    /// What `value` is, or what it refers to.
    pub(super) fn resolve(self, value: &'a Value) -> Result<&'a Value, Unusable> {
        let mut value = value;
        for _ in 0..CHAIN {
            match value.get("$ref") {
                None if value.is_object() => return Ok(value),
                None => return Err(Unusable::mistake("something in it is no object")),
                Some(reference) => value = self.find(reference.as_str().unwrap_or_default())?,
            }
        }
        Err(Unusable::mistake("a reference goes in circles"))
    }

    /// What a reference names (RFC 6901 §6). Nothing outside of the document is ever fetched.
    fn find(self, reference: &str) -> Result<&'a Value, Unusable> {
        let name = shown(reference);
        let Some(fragment) = reference.strip_prefix('#') else {
            let reason = format!("{name} is elsewhere, and nothing but the document is read");
            return Err(Unusable::LeftOut(reason));
        };
        let pointer = percent_decode_str(fragment).decode_utf8_lossy();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            let reason = format!("{name} is no JSON pointer");
            return Err(Unusable::LeftOut(reason));
        }
        let found = self.root.pointer(&pointer);
        found.ok_or_else(|| Unusable::mistake(format!("{name} is not in the document")))
    }

    /// The schema for a tool; what it refers to is added to `definitions`.
    pub(super) fn schema(
        self,
        schema: &Value,
        definitions: &mut Definitions,
    ) -> Result<Value, Unusable> {
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(_) if !self.is_3_0 => return Ok(schema.clone()),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => return Err(Unusable::mistake("a schema is none")),
        };
        let reference = members.get("$ref");
        // OpenAPI 3.0 ignores what stands beside a reference.
        if let Some(reference) = reference.filter(|_| self.is_3_0) {
            return definitions.refer_to(reference);
        }
        let mut all = Map::new();
        for (name, value) in members {
            let is_unknown = name.starts_with("x-") || LEFT_OUT.contains(&name.as_str());
            if is_unknown && name != "$ref" {
                continue;
            }
            if let Some(said) = self.member(name, value, members, definitions)? {
                definitions.take(name.len())?;
                all.insert(name.clone(), said);
            }
        }
        if let Some(reference) = reference
            && let Value::Object(referring) = definitions.refer_to(reference)?
        {
            all.extend(referring);
        }
        if self.is_3_0 {
            bound_exclusively(members, &mut all);
            if members.get("nullable") == Some(&Value::Bool(true)) {
                all = or_null(all);
            }
        }
        Ok(Value::Object(all))
    }

    /// A member of a schema; none where it says nothing.
    fn member(
        self,
        name: &str,
        value: &Value,
        beside: &Map<String, Value>,
        definitions: &mut Definitions,
    ) -> Result<Option<Value>, Unusable> {
        let patterns = match (name, value) {
            ("pattern", _) => 1,
            ("patternProperties", Value::Object(all)) => all.len(),
            _ => 0,
        };
        definitions.take(patterns * PATTERN)?;
        let said = match (name, value) {
            ("$ref", _) => return Ok(None),
            // OpenAPI 3.0 has them beside the bound that they are about.
            ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) if self.is_3_0 => {
                return Ok(None);
            }
            (name, _) if ELSEWHERE.contains(&name) => {
                return Err(Unusable::left_out(format!("a schema of it has {name}")));
            }
            ("required", Value::Array(names)) => {
                let properties = beside.get("properties");
                let is_hidden = |name: &&Value| {
                    let schema = name.as_str().and_then(|name| properties?.get(name));
                    schema.is_some_and(|schema| self.is_hidden(schema, definitions.direction))
                };
                let said = names.iter().filter(|name| !is_hidden(name));
                Value::Array(said.cloned().collect())
            }
            (name, Value::Object(schemas)) if SCHEMA_MAP.contains(&name) => {
                let mut said = Map::new();
                let direction = definitions.direction;
                let shown = schemas.iter();
                for (name, schema) in shown.filter(|(_, it)| !self.is_hidden(it, direction)) {
                    definitions.take(name.len())?;
                    said.insert(name.clone(), self.schema(schema, definitions)?);
                }
                Value::Object(said)
            }
            (name, Value::Array(schemas)) if SCHEMA_LIST.contains(&name) => {
                let said = schemas.iter().map(|it| self.schema(it, definitions));
                Value::Array(said.collect::<Result<_, _>>()?)
            }
            ("additionalProperties", Value::Bool(_)) => value.clone(),
            (name, value) if SCHEMA.contains(&name) => self.schema(value, definitions)?,
            (_, value) => {
                definitions.take(weight(value))?;
                value.clone()
            }
        };
        Ok(Some(said))
    }

    /// True for a property that does not travel this way.
    fn is_hidden(self, schema: &Value, direction: Direction) -> bool {
        let flag = match direction {
            Direction::ToApi => "readOnly",
            Direction::FromApi => "writeOnly",
        };
        let mut schema = schema;
        for _ in 0..CHAIN {
            if schema.get(flag) == Some(&Value::Bool(true)) {
                return true;
            }
            let reference = schema.get("$ref").and_then(Value::as_str);
            match reference.map(|reference| self.find(reference)) {
                Some(Ok(found)) => schema = found,
                Some(Err(_)) | None => return false,
            }
        }
        false
    }
}

impl Definitions {
    /// None yet; those of a whole document have `room` left.
    pub(super) fn new(direction: Direction, room: usize) -> Self {
        Self {
            direction,
            names: BTreeMap::new(),
            waiting: Vec::new(),
            schemas: Map::new(),
            room: room.min(LARGEST),
        }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Unusable> {
        const EACH: usize = 4;
        let left = self.room.checked_sub(bytes + EACH);
        self.room = left.ok_or_else(|| Unusable::left_out("its schemas are too large"))?;
        Ok(())
    }

    /// How many bytes were taken of `room`.
    pub(super) fn taken_of(&self, room: usize) -> usize {
        room.min(LARGEST) - self.room
    }

    /// A reference to what the document has there, which is read later.
    fn refer_to(&mut self, reference: &Value) -> Result<Value, Unusable> {
        let reference = reference.as_str();
        let reference = reference.ok_or_else(|| Unusable::mistake("a reference is none"))?;
        let name = match self.names.get(reference) {
            Some(name) => name.clone(),
            None => self.name(reference)?,
        };
        self.take(name.len())?;
        Ok(json!({ "$ref": format!("#/$defs/{name}") }))
    }

    fn name(&mut self, reference: &str) -> Result<String, Unusable> {
        if self.names.len() >= MOST {
            let reason = format!("it refers to more than {MOST} schemas");
            return Err(Unusable::LeftOut(reason));
        }
        let last = reference.rsplit('/').next().unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut name: String = last.chars().take(64).map(plain).collect();
        if name.is_empty() || self.names.values().any(|taken| *taken == name) {
            name = format!("{name}_{}", self.names.len());
        }
        self.names.insert(reference.to_owned(), name.clone());
        self.waiting.push((reference.to_owned(), name.clone()));
        Ok(name)
    }

    /// Reads everything that is referred to, and puts it beside the schema that refers to it.
    pub(super) fn add_to(
        &mut self,
        schema: &mut Map<String, Value>,
        document: Document<'_>,
    ) -> Result<(), Unusable> {
        while let Some((reference, name)) = self.waiting.pop() {
            let read = document.schema(document.find(&reference)?, self)?;
            self.schemas.insert(name, read);
        }
        // A schema that only refers to another one says it itself: clients look for its type.
        if let Some(root) = self.root_of(schema) {
            *schema = root;
        }
        if !self.schemas.is_empty() {
            let schemas = std::mem::take(&mut self.schemas);
            schema.insert("$defs".to_owned(), Value::Object(schemas));
        }
        Ok(())
    }

    fn root_of(&self, schema: &Map<String, Value>) -> Option<Map<String, Value>> {
        let reference = schema.get("$ref")?.as_str()?;
        let name = reference.strip_prefix("#/$defs/")?;
        let root = self.schemas.get(name)?.as_object()?;
        (schema.len() == 1).then(|| root.clone())
    }
}

/// How many bytes a value has, about.
fn weight(value: &Value) -> usize {
    const EACH: usize = 8;
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| name.len() + weight(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    inner + EACH
}

/// `exclusiveMinimum: true` of OpenAPI 3.0 beside `minimum`.
fn bound_exclusively(members: &Map<String, Value>, all: &mut Map<String, Value>) {
    for (flag, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if members.get(flag) == Some(&Value::Bool(true))
            && let Some(value) = all.shift_remove(bound)
        {
            all.insert(flag.to_owned(), value);
        }
    }
}

/// `nullable: true` of OpenAPI 3.0.
fn or_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned() else {
        let either = json!([Value::Object(schema), { "type": "null" }]);
        return Map::from_iter([("anyOf".to_owned(), either)]);
    };
    schema.insert("type".to_owned(), json!([kind, "null"]));
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    schema
}
