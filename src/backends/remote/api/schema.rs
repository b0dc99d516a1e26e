//! Schemas of an OpenAPI document as schemas of tools: what they refer to comes along, and what OpenAPI
//! 3.0 says in its own way is said as JSON Schema 2020-12 does.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What of a document can't be a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unusable(pub(super) String);

/// Follows references within one document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a>(pub(super) &'a Value);

/// The schemas that one tool refers to, by the names that they have there.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// By what the document calls them.
    names: BTreeMap<String, String>,
    schemas: Map<String, Value>,
}

/// Members that only OpenAPI knows, or that say nothing about values.
const LEFT_OUT: [&str; 6] = [
    "discriminator",
    "example",
    "externalDocs",
    "nullable",
    "xml",
    "$schema",
];

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
const SCHEMA_MAP: [&str; 3] = ["$defs", "patternProperties", "properties"];

/// How many references may follow one another, and how many schemas a tool may refer to.
const CHAIN: usize = 16;
const MOST: usize = 500;

impl<'a> Document<'a> {
    /// What `value` is, or what it refers to.
    pub(super) fn resolve(self, value: &'a Value) -> Result<&'a Value, Unusable> {
        let mut value = value;
        for _ in 0..CHAIN {
            let Some(reference) = value.get("$ref") else {
                return Ok(value);
            };
            value = self.find(reference.as_str().unwrap_or_default())?;
        }
        Err(Unusable("a reference goes in circles".to_owned()))
    }

    /// What a reference names. Nothing outside of the document is ever fetched.
    fn find(self, reference: &str) -> Result<&'a Value, Unusable> {
        let found = reference
            .strip_prefix('#')
            .and_then(|pointer| self.0.pointer(pointer));
        found.ok_or_else(|| {
            let shown: String = reference.chars().take(120).collect();
            Unusable(format!("{shown:?} is nothing of this document"))
        })
    }

    /// The schema for a tool; what it refers to is added to `definitions`.
    pub(super) fn schema(
        self,
        schema: &Value,
        definitions: &mut Definitions,
    ) -> Result<Value, Unusable> {
        let Value::Object(members) = schema else {
            return Ok(schema.clone());
        };
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let name = self.define(reference, definitions)?;
            return Ok(json!({ "$ref": format!("#/$defs/{name}") }));
        }
        let mut all = Map::new();
        for (name, value) in members {
            let said = match (name.as_str(), value) {
                (name, _) if LEFT_OUT.contains(&name) || name.starts_with("x-") => continue,
                // OpenAPI 3.0 has them beside the bound that they are about.
                ("exclusiveMinimum" | "exclusiveMaximum", Value::Bool(_)) => continue,
                (name, Value::Object(schemas)) if SCHEMA_MAP.contains(&name) => {
                    let said = schemas.iter();
                    let said = said.map(|(name, schema)| {
                        Ok((name.clone(), self.schema(schema, definitions)?))
                    });
                    Value::Object(said.collect::<Result<_, Unusable>>()?)
                }
                (name, Value::Array(schemas)) if SCHEMA_LIST.contains(&name) => {
                    let said = schemas.iter().map(|it| self.schema(it, definitions));
                    Value::Array(said.collect::<Result<_, _>>()?)
                }
                (name, value) if SCHEMA.contains(&name) => self.schema(value, definitions)?,
                (_, value) => value.clone(),
            };
            all.insert(name.clone(), said);
        }
        bound_exclusively(members, &mut all);
        if members.get("nullable") == Some(&Value::Bool(true)) {
            all = or_null(all);
        }
        Ok(Value::Object(all))
    }

    /// The name under which the definitions have what a reference names.
    fn define(self, reference: &str, definitions: &mut Definitions) -> Result<String, Unusable> {
        if let Some(name) = definitions.names.get(reference) {
            return Ok(name.clone());
        }
        if definitions.names.len() >= MOST {
            return Err(Unusable(format!("it refers to more than {MOST} schemas")));
        }
        let last = reference.rsplit('/').next().unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut name: String = last.chars().take(64).map(plain).collect();
        if name.is_empty() || definitions.names.values().any(|taken| *taken == name) {
            name = format!("{name}_{}", definitions.names.len());
        }
        definitions.names.insert(reference.to_owned(), name.clone());
        let schema = self.schema(self.find(reference)?, definitions)?;
        definitions.schemas.insert(name.clone(), schema);
        Ok(name)
    }
}

impl Definitions {
    /// Adds them to the schema that refers to them.
    pub(super) fn add_to(self, schema: &mut Map<String, Value>) {
        if !self.schemas.is_empty() {
            schema.insert("$defs".to_owned(), Value::Object(self.schemas));
        }
    }
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

impl Definitions {
    /// The schema itself, where it only refers to one of these.
    pub(super) fn root_of(&self, schema: &Map<String, Value>) -> Option<Value> {
        let reference = schema.get("$ref")?.as_str()?;
        let name = reference.strip_prefix("#/$defs/")?;
        self.schemas.get(name).cloned()
    }
}
