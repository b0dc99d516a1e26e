//! The definition of a tool in the one form in which two that mean the same are the same.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::Digest;

/// What a server says of a tool, name included, without what carries no meaning.
///
/// That is the order of members, of required parameters and of alternatives, the width of blanks in
/// texts, and hints that say what holds without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolDefinition {
    members: Map<String, Value>,
    digest: Digest,
}

/// The hints of a tool, and what holds where nothing is said (MCP `ToolAnnotations`).
pub(super) const HINTS: [(&str, bool); 4] = [
    ("destructiveHint", true),
    ("idempotentHint", false),
    ("openWorldHint", true),
    ("readOnlyHint", false),
];

/// Members of a schema that hold one schema, several in a row, and several by name.
const SCHEMA: [&str; 13] = [
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "extends",
];
const SCHEMA_LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
const SCHEMA_MAP: [&str; 5] = [
    "$defs",
    "definitions",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

impl ToolDefinition {
    /// The definition that this JSON object is.
    #[must_use]
    pub fn of(json: &Map<String, Value>) -> Self {
        let members = sorted(json, |name, value| match (name, value) {
            ("inputSchema" | "outputSchema", schema) => Some(normal_schema(schema)),
            ("annotations", Value::Object(annotations)) => {
                let said = normal_annotations(annotations);
                (!said.is_empty()).then_some(Value::Object(said))
            }
            (name, value) => Some(normal_text(name, value)),
        });
        let text = serde_json::to_vec(&members).unwrap_or_default();
        let digest = Digest::of(&text);
        Self { members, digest }
    }

    /// The definition that [`ToolDefinition::to_text`] wrote.
    #[must_use]
    pub fn restore(text: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        Some(Self::of(&members))
    }

    /// The definition as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.members).unwrap_or_default()
    }

    /// Its members.
    #[must_use]
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Differs from that of every definition that means something else.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.members.get("name").and_then(Value::as_str);
        name.unwrap_or_default()
    }

    /// True where `other` is the same but for its name.
    #[must_use]
    pub fn is_renamed(&self, other: &Self) -> bool {
        let but_name = |definition: &Self| {
            let mut members = definition.members.clone();
            members.shift_remove("name");
            members
        };
        self.name() != other.name() && but_name(self) == but_name(other)
    }
}

/// The members in their order by name; those that `normal` leaves out are none.
fn sorted(
    members: &Map<String, Value>,
    normal: impl Fn(&str, &Value) -> Option<Value>,
) -> Map<String, Value> {
    let sorted: BTreeMap<&String, &Value> = members.iter().collect();
    let normal = sorted
        .into_iter()
        .filter_map(|(name, value)| Some((name.clone(), normal(name, value)?)));
    normal.collect()
}

fn normal_annotations(annotations: &Map<String, Value>) -> Map<String, Value> {
    sorted(annotations, |name, value| {
        let usual = HINTS.iter().find(|(hint, _)| *hint == name);
        let is_said = usual.is_none_or(|(_, usual)| value.as_bool() != Some(*usual));
        is_said.then(|| normal_text(name, value))
    })
}

fn normal_schema(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return normal_value(schema);
    };
    Value::Object(sorted(members, |name, value| match (name, value) {
        ("required", Value::Array(names)) => {
            let names = as_set(names);
            (!names.is_empty()).then_some(Value::Array(names))
        }
        ("enum", Value::Array(values)) => Some(Value::Array(as_set(values))),
        ("type", Value::Array(types)) => {
            let mut types = as_set(types);
            Some(match (types.pop(), types.is_empty()) {
                (Some(only), true) => only,
                (last, _) => Value::Array(types.into_iter().chain(last).collect()),
            })
        }
        (name, Value::Object(schemas)) if SCHEMA_MAP.contains(&name) => {
            let schemas = sorted(schemas, |_, schema| Some(normal_schema(schema)));
            (!schemas.is_empty()).then_some(Value::Object(schemas))
        }
        (name, Value::Array(schemas)) if SCHEMA_LIST.contains(&name) || name == "items" => {
            Some(Value::Array(schemas.iter().map(normal_schema).collect()))
        }
        (name, schema) if SCHEMA.contains(&name) => Some(normal_schema(schema)),
        (name, value) => Some(normal_text(name, value)),
    }))
}

/// Values of which each counts once and none comes first.
fn as_set(values: &[Value]) -> Vec<Value> {
    let by_text: BTreeMap<String, Value> = values
        .iter()
        .map(normal_value)
        .map(|value| (value.to_string(), value))
        .collect();
    by_text.into_values().collect()
}

/// A text for people: blanks and line ends count as one blank each time.
fn normal_text(name: &str, value: &Value) -> Value {
    let is_prose = matches!(name, "description" | "title");
    match value.as_str().filter(|_| is_prose) {
        Some(text) => {
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            Value::String(words.join(" "))
        }
        None => normal_value(value),
    }
}

fn normal_value(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(sorted(members, |_, value| Some(normal_value(value))))
        }
        Value::Array(items) => Value::Array(items.iter().map(normal_value).collect()),
        Value::Number(number) => Value::Number(normal_number(number)),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// `1.0` is `1`, as JSON Schema has it (Core §4.2.2).
fn normal_number(number: &Number) -> Number {
    let whole = number.as_f64().filter(|_| number.is_f64());
    let whole = whole.filter(|value| value.fract() == 0.0 && value.abs() < 1e15);
    whole
        .and_then(|value| format!("{value:.0}").parse::<i64>().ok())
        .map_or_else(|| number.clone(), Number::from)
}
