//! The headers of a request to a mounted server (2026-07-28 streamable-http, client requirements).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What a tool's schema calls the header of a parameter.
const ANNOTATION: &str = "x-mcp-header";

/// The headers of every POST.
pub(super) fn of_post() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(ACCEPT, accept);
    headers
}

/// Adds what mirrors the body of a request of 2026-07-28.
pub(super) fn mirror(headers: &mut HeaderMap, method: &'static str, name: Option<&str>) {
    headers.insert(METHOD, HeaderValue::from_static(method));
    if let Some(value) = name.and_then(encoded) {
        headers.insert(NAME, value);
    }
}

/// Adds what mirrors the arguments that `schema` annotates.
pub(super) fn mirror_arguments(
    headers: &mut HeaderMap,
    schema: &Value,
    arguments: &Map<String, Value>,
) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let Some(argument) = arguments.get(name) else {
            continue;
        };
        if let Some(suffix) = property.get(ANNOTATION).and_then(Value::as_str) {
            let text = match argument {
                Value::String(text) => Some(text.clone()),
                Value::Bool(_) | Value::Number(_) => Some(argument.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            };
            let name = format!("mcp-param-{}", suffix.to_ascii_lowercase());
            let name = HeaderName::try_from(name).ok();
            let value = text.as_deref().and_then(encoded);
            if let (Some(name), Some(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        if let Value::Object(inner) = argument {
            mirror_arguments(headers, property, inner);
        }
    }
}

/// Whether the annotations of a tool's schema are what they may be (2026-07-28 server/tools,
/// `x-mcp-header`). A client must not use a tool where they are not.
pub(super) fn are_annotations_valid(schema: &Value) -> bool {
    let mut names = Vec::new();
    let mut count = 0;
    collect(schema, &mut names);
    count_annotations(schema, &mut count);
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    // One that no chain of `properties` leads to is one too many.
    before == names.len() && before == count && !names.contains(&String::new())
}

/// The names of the annotations that count, in lower case; an empty one for each that is wrong.
fn collect(schema: &Value, names: &mut Vec<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    for property in properties
        .into_iter()
        .flatten()
        .map(|(_, property)| property)
    {
        if let Some(annotation) = property.get(ANNOTATION) {
            let kind = property.get("type").and_then(Value::as_str);
            let name = annotation.as_str().filter(|name| is_token(name));
            let name = name.filter(|name| !name.eq_ignore_ascii_case("authorization"));
            let fits = matches!(kind, Some("string" | "integer" | "boolean"));
            names.push(
                name.filter(|_| fits)
                    .unwrap_or_default()
                    .to_ascii_lowercase(),
            );
        }
        collect(property, names);
    }
}

fn count_annotations(schema: &Value, count: &mut usize) {
    match schema {
        Value::Object(members) => {
            // A property may be called like the annotation.
            for (name, member) in members {
                *count += usize::from(name == ANNOTATION && !member.is_object());
                count_annotations(member, count);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| count_annotations(item, count)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// RFC 9110 §5.6.2
fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

/// The value of a header that stands for `text`: itself where that can't be misread, else its
/// base64 sentinel (2026-07-28 streamable-http, value encoding).
fn encoded(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
        && !text.is_empty()
        && !text.starts_with("=?");
    if is_plain {
        HeaderValue::from_str(text).ok()
    } else {
        HeaderValue::from_str(&format!("=?base64?{}?=", STANDARD.encode(text))).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(annotation: &Value) -> Value {
        json!({ "type": "object", "properties": {
            "region": { "type": "string", ANNOTATION: annotation },
            "inner": { "type": "object", "properties": {
                "count": { "type": "integer", ANNOTATION: "Count" },
            } },
        } })
    }

    #[test]
    fn arguments_are_mirrored_where_the_schema_says_so() {
        let mut headers = HeaderMap::new();
        let arguments = json!({ "region": "Zürich", "inner": { "count": 3 }, "other": "x" });
        let arguments = arguments.as_object().unwrap();
        mirror_arguments(&mut headers, &schema(&json!("Region")), arguments);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["mcp-param-region"], "=?base64?WsO8cmljaA==?=");
        assert_eq!(headers["mcp-param-count"], "3");
    }

    #[test]
    fn k13_annotations_that_could_do_harm_are_not_valid() {
        assert!(are_annotations_valid(&schema(&json!("Region"))));
        assert!(are_annotations_valid(&json!({ "type": "object" })));
        for annotation in [
            json!(""),
            json!("a b"),
            json!("a\r\nb"),
            json!("count"),
            json!(1),
            json!("Authorization"),
        ] {
            assert!(!are_annotations_valid(&schema(&annotation)), "{annotation}");
        }
        let number = json!({ "properties": { "x": { "type": "number", ANNOTATION: "X" } } });
        assert!(!are_annotations_valid(&number));
        let unreachable = json!({ "properties": { "x": { "type": "array", "items": {
            "type": "string", ANNOTATION: "X",
        } } } });
        assert!(!are_annotations_valid(&unreachable));
    }
}
