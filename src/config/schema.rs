//! The JSON Schema of the configuration, and every way in which a document departs from it.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::Document;
use super::problem::{KeyPath, Problem, Problems, nearest};
use super::sections::Sections;

/// A departure from the schema, and the value that must go before the rest can be read.
struct Mistake {
    problem: Problem,
    remove: Option<KeyPath>,
}

/// The JSON Schema of a configuration file (draft 2020-12).
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Sections).to_value()
}

/// Reads a value that is no configuration by the same rules: nothing unknown, every mistake at once.
/// `name` is what the value is called in them.
pub fn read_value<T: DeserializeOwned + JsonSchema>(
    value: Value,
    name: &str,
) -> Result<T, Problems> {
    let mut document = Document::of(value, name.to_owned());
    let schema = schemars::schema_for!(T).to_value();
    let mut problems = check(&mut document, &schema);
    match T::deserialize(document.value()) {
        Ok(read) if problems.is_empty() => Ok(read),
        Ok(_) => Err(Problems::new(problems)),
        Err(_) => {
            if problems.is_empty() {
                let whole = document.problem(&KeyPath::default(), "a value that fits its schema");
                problems.push(whole);
            }
            Err(Problems::new(problems))
        }
    }
}

/// Finds everything that departs from the schema and takes it out of the document, so that the
/// values that are left can be looked at as well.
pub(super) fn check(document: &mut Document, schema: &Value) -> Vec<Problem> {
    let mistakes: Vec<Mistake> = match jsonschema::validator_for(schema) {
        Ok(validator) => validator
            .iter_errors(document.value())
            .flat_map(|error| mistakes(document, schema, &error))
            .collect(),
        Err(_) => vec![Mistake {
            problem: document.problem(&KeyPath::default(), "a schema that is valid itself"),
            remove: None,
        }],
    };
    for path in mistakes
        .iter()
        .filter_map(|mistake| mistake.remove.as_ref())
    {
        document.remove(path);
    }
    mistakes
        .into_iter()
        .map(|mistake| mistake.problem)
        .collect()
}

fn mistakes(document: &Document, schema: &Value, error: &ValidationError<'_>) -> Vec<Mistake> {
    let path = path_of(error);
    let kind = error.kind();
    if let ValidationErrorKind::AdditionalProperties { unexpected } = kind {
        let known = known_keys(schema, error);
        let unknown = |key: &String| unknown_key(document, &path, key, &known);
        return unexpected.iter().map(unknown).collect();
    }
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        kind
    {
        return alternatives(document, schema, &path, context);
    }
    if let ValidationErrorKind::Required { property } = kind {
        let missing = path.join(property.as_str().unwrap_or_default());
        return vec![Mistake {
            problem: document.problem(&missing, "a value: this key is required"),
            remove: None,
        }];
    }
    vec![Mistake {
        problem: document.problem(&path, expectation(kind)),
        remove: Some(path),
    }]
}

/// What is wrong with a value that may be one of several things: the mistakes within the one that
/// was meant, or all that it may be when it is none of them.
fn alternatives(
    document: &Document,
    schema: &Value,
    path: &KeyPath,
    alternatives: &[Vec<ValidationError<'static>>],
) -> Vec<Mistake> {
    let is_constant =
        |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Constant { .. });
    let is_type =
        |error: &ValidationError<'_>| matches!(error.kind(), ValidationErrorKind::Type { .. });
    let is_something_else = |error: &ValidationError<'_>| {
        path_of(error) == *path && (is_type(error) || is_constant(error))
    };
    let meant = alternatives
        .iter()
        .find(|errors| !errors.iter().any(is_something_else));
    if let Some(errors) = meant {
        return errors
            .iter()
            .flat_map(|error| mistakes(document, schema, error))
            .collect();
    }
    let all = || alternatives.iter().flatten();
    let exact: Vec<String> = all()
        .filter(|error| is_constant(error))
        .map(|error| expectation(error.kind()))
        .collect();
    let types = all().map(|error| expectation(error.kind()));
    let expected = if exact.is_empty() {
        types.collect()
    } else {
        exact
    };
    vec![Mistake {
        problem: document.problem(path, expected.join(" or ")),
        remove: Some(path.clone()),
    }]
}

fn unknown_key(document: &Document, table: &KeyPath, key: &str, known: &[String]) -> Mistake {
    let path = table.join(key);
    let expected = match nearest(key, known.iter().map(String::as_str)) {
        Some(name) => format!("a known key (did you mean {name:?}?)"),
        None => format!("one of the known keys: {}", known.join(", ")),
    };
    let found = format!("the unknown key {key:?}");
    Mistake {
        problem: Problem {
            found,
            ..document.problem(&path, expected)
        },
        remove: Some(path),
    }
}

/// The keys that the table has in which `error` was found.
fn known_keys(schema: &Value, error: &ValidationError<'_>) -> Vec<String> {
    let place = error.schema_path().as_str();
    let table = place.rsplit_once('/').map_or("", |(table, _)| table);
    schema
        .pointer(table)
        .and_then(|table| table.get("properties"))
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

fn path_of(error: &ValidationError<'_>) -> KeyPath {
    KeyPath::of(error.instance_path().segments())
}

fn expectation(kind: &ValidationErrorKind) -> String {
    if let ValidationErrorKind::Type { kind } = kind {
        return match kind {
            TypeKind::Single(one) => type_name(*one).to_owned(),
            TypeKind::Multiple(several) => {
                let names: Vec<&str> = several.iter().map(type_name).collect();
                names.join(" or ")
            }
        };
    }
    if let ValidationErrorKind::Enum { options } = kind {
        let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        return options.join(" or ");
    }
    if let ValidationErrorKind::Constant { expected_value } = kind {
        return expected_value.to_string();
    }
    format!("a value that fits the schema's {:?}", kind.keyword())
}

const fn type_name(json: JsonType) -> &'static str {
    match json {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a table",
        JsonType::String => "a text",
    }
}
