//! How much work it is to hold a value against a schema. Whoever writes a document must not choose it:
//! alternatives that refer to themselves double it with each level of the value.

use serde_json::{Map, Value};

/// How many steps a check may take, and how deep it may go.
const MOST: usize = 1_000_000;
const DEEPEST: usize = 1024;

struct Effort<'a> {
    definitions: Option<&'a Value>,
    left: usize,
}

/// True where a check of `value` comes to its end in good time, whatever it finds.
pub(super) fn is_bearable(schema: &Value, value: &Value) -> bool {
    let mut effort = Effort {
        definitions: schema.get("$defs"),
        left: MOST,
    };
    effort.walk(schema, value, DEEPEST)
}

impl<'a> Effort<'a> {
    fn walk(&mut self, schema: &'a Value, value: &Value, depth: usize) -> bool {
        let left = self.left.checked_sub(cost(schema, value));
        let (Some(left), Some(depth)) = (left, depth.checked_sub(1)) else {
            return false;
        };
        self.left = left;
        let mut members = schema.as_object().into_iter().flatten();
        members.all(|(name, inner)| self.member((name, inner), value, depth))
    }

    fn member(&mut self, (name, inner): (&str, &'a Value), value: &Value, depth: usize) -> bool {
        match (name, inner, value) {
            ("$ref", Value::String(reference), _) => {
                let found = self.find(reference);
                found.is_none_or(|found| self.walk(found, value, depth))
            }
            ("if" | "then" | "else" | "not", _, _) => self.walk(inner, value, depth),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all), _) => {
                all.iter().all(|it| self.walk(it, value, depth))
            }
            ("dependentSchemas", Value::Object(all), _) => {
                all.values().all(|it| self.walk(it, value, depth))
            }
            ("properties", Value::Object(all), Value::Object(members)) => {
                let mut there = all
                    .iter()
                    .filter_map(|(name, it)| Some((it, members.get(name)?)));
                there.all(|(it, value)| self.walk(it, value, depth))
            }
            ("patternProperties", Value::Object(all), Value::Object(members)) => all
                .values()
                .all(|it| members.values().all(|value| self.walk(it, value, depth))),
            ("additionalProperties" | "propertyNames", _, Value::Object(members)) => {
                members.values().all(|value| self.walk(inner, value, depth))
            }
            ("items" | "contains", _, Value::Array(items)) => {
                items.iter().all(|value| self.walk(inner, value, depth))
            }
            ("prefixItems", Value::Array(all), Value::Array(items)) => {
                let mut there = all.iter().zip(items);
                there.all(|(it, value)| self.walk(it, value, depth))
            }
            _ => true,
        }
    }

    fn find(&self, reference: &str) -> Option<&'a Value> {
        self.definitions?.get(reference.strip_prefix("#/$defs/")?)
    }
}

/// The steps for one value and one schema, but for what is within them.
fn cost(schema: &Value, value: &Value) -> usize {
    const BYTES_A_STEP: usize = 16;
    let length = |name: &str| {
        let list = schema.get(name).and_then(Value::as_array);
        list.map_or(0, Vec::len)
    };
    let of_value = match value {
        Value::String(text) => text.len() / BYTES_A_STEP,
        Value::Array(items) if schema.get("uniqueItems").is_some() => {
            items.len().saturating_mul(items.len()) / BYTES_A_STEP
        }
        Value::Object(members) if schema.get("propertyNames").is_some() => {
            members.keys().map(|name| name.len() / BYTES_A_STEP).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => 0,
    };
    let members = schema.as_object().map_or(0, Map::len);
    1 + members + length("enum") + length("required") + of_value
}
