//! `docs/tools.md` is what the code says of its tools.

use std::fmt::Write as _;
use std::path::Path;

use gatehouse::backends::Backend as _;
use serde_json::{Map, Value};

use crate::fake_nws::FakeNws;
use crate::house::{client, weather};

const PAGE: &str = include_str!("../../docs/tools.md");

const OPENING: &str = "# Tools, resources and prompts of the weather server

This page is made from the code; `cargo test --test weather documentation` says how to make it again.
Every tool only reads. Each answers with a text for the model and with structured content for programs, whose
members are listed here; what is optional may be absent, and what isn't known is null. What went wrong is told in
words with `isError`, and with a reference that finds the line in the gateway's log.
";

/// The members of an object schema as a table.
fn table(schema: &Value) -> String {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    let mut table = String::from("| name | type | |\n| --- | --- | --- |\n");
    for (name, property) in properties {
        let optional = if required.contains(&Value::from(name.as_str())) {
            ""
        } else {
            ", optional"
        };
        let description = property["description"].as_str().unwrap_or_default();
        let kind = kind(property);
        let limits = limits(property);
        let description = description.replace('|', "\\|").replace('\n', " ");
        writeln!(
            table,
            "| `{name}` | {kind}{optional} | {description}{limits} |"
        )
        .unwrap();
    }
    table
}

fn kind(property: &Value) -> String {
    if let Some(choices) = property["enum"].as_array() {
        let choices: Vec<String> = choices
            .iter()
            .map(|choice| format!("`{}`", text_of(choice)))
            .collect();
        return choices.join(", ");
    }
    let kinds: Vec<&str> = match &property["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec!["string"],
    };
    let items = property["items"]["type"].as_str();
    let kinds: Vec<&str> = kinds.into_iter().filter(|kind| *kind != "null").collect();
    match items {
        Some(items) => format!("{} of {items}", kinds.join(" or ")),
        None => kinds.join(" or "),
    }
}

fn limits(property: &Value) -> String {
    let (least, most) = (&property["minimum"], &property["maximum"]);
    let mut limits = String::new();
    if !least.is_null() && !most.is_null() {
        write!(limits, " From {least} to {most}.").unwrap();
    }
    if !property["default"].is_null() {
        write!(limits, " Without it {}.", property["default"]).unwrap();
    }
    limits
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

async fn page() -> String {
    let fake = FakeNws::start().await;
    let catalogue = weather(client(&fake)).catalogue().await;
    let mut page = OPENING.to_owned();
    for tool in &catalogue.tools {
        let json = Value::Object(tool.json.clone());
        let description = json["description"].as_str().unwrap();
        write!(
            page,
            "\n## `{}`\n\n{description}\n\nArguments:\n\n{}\nStructured content:\n\n{}",
            tool.name,
            table(&json["inputSchema"]),
            table(&json["outputSchema"])
        )
        .unwrap();
    }
    page.push_str("\n## Resources and prompts\n\n| name | |\n| --- | --- |\n");
    for listed in catalogue
        .resources
        .iter()
        .chain(&catalogue.resource_templates)
        .chain(&catalogue.prompts)
    {
        let description = listed.json["description"].as_str().unwrap();
        writeln!(page, "| `{}` | {description} |", listed.name).unwrap();
    }
    page
}

#[tokio::test]
async fn the_page_of_tools_is_what_the_code_says() {
    let page = page().await;
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools.md");
    std::fs::write(&made, &page).unwrap();
    assert!(
        page == PAGE,
        "docs/tools.md is an old one; make it again with\n  cp {} docs/tools.md",
        made.display()
    );
}
