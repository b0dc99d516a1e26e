//! JSON Schemas of arguments and results (2020-12, as MCP has them by default).

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// The schema of a tool's arguments.
pub(super) fn of_arguments<T: JsonSchema>() -> Map<String, Value> {
    generate::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of a tool's structured content.
pub(super) fn of_result<T: JsonSchema>() -> Map<String, Value> {
    generate::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn generate<T: JsonSchema>(settings: SchemaSettings) -> Map<String, Value> {
    let settings = settings
        // Not every client follows `$ref`, and some warn of Rust's names for formats.
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(|schema: &mut Schema| {
            schema.remove("format");
        }));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The Rust name of the struct.
    schema.remove("title");
    schema.as_object().cloned().unwrap_or_default()
}
