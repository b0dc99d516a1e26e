//! What a tenant's document may not say where it comes over the network: an operator of a tenant is
//! not the owner of the machine, and could have its files, variables and networks sent to a server
//! of their own.

use serde_json::Value;

use super::document::Document;
use super::problem::{KeyPath, Problem};

/// What the variables begin with that such a document may name.
const VARIABLES: &str = "GATEHOUSE_TENANT_";

/// What only the machine's owner may say of a mounted server.
const OWN: [&str; 4] = ["command", "environment", "folder", "allow_private"];

pub(super) fn problems(document: &Document) -> Vec<Problem> {
    let mut problems = Vec::new();
    let logo = KeyPath::of(["branding", "logo"]);
    if let Value::String(text) = document.at(&logo)
        && !text.starts_with("data:")
    {
        problems.push(document.problem(&logo, "an image as a data: URL"));
    }
    let servers = KeyPath::of(["servers"]);
    if let Value::Array(entries) = document.at(&servers) {
        for (position, entry) in entries.iter().enumerate() {
            let place = servers.join(position);
            for key in OWN.into_iter().filter(|key| entry.get(key).is_some()) {
                let expected = "nothing here: only the configuration file may have it";
                problems.push(document.problem(&place.join(key), expected));
            }
            let described = entry.get("openapi").and_then(Value::as_str);
            if described.is_some_and(|text| !text.starts_with("https://")) {
                let expected = "an https URL: only the configuration file may name files";
                problems.push(document.problem(&place.join("openapi"), expected));
            }
        }
    }
    look_for_secrets(
        document,
        &KeyPath::default(),
        document.value(),
        &mut problems,
    );
    problems
}

fn look_for_secrets(
    document: &Document,
    path: &KeyPath,
    value: &Value,
    problems: &mut Vec<Problem>,
) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let place = path.join(key);
                match (key.as_str(), member) {
                    ("file", Value::String(_)) => {
                        let expected = "{ \"env\": \"NAME\" } in its place: only the configuration file \
                                        may name files";
                        problems.push(document.problem(&place, expected));
                    }
                    ("env", Value::String(name)) if !name.starts_with(VARIABLES) => {
                        let expected = format!("a variable whose name begins with {VARIABLES}");
                        problems.push(document.problem(&place, expected));
                    }
                    _ => look_for_secrets(document, &place, member, problems),
                }
            }
        }
        Value::Array(entries) => {
            for (position, entry) in entries.iter().enumerate() {
                look_for_secrets(document, &path.join(position), entry, problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
