//! What a tool says of its operation: name, words, and what the method promises.

use http::Method;
use serde_json::{Map, Value, json};

use crate::model::Digest;

/// What the argument is called that is the body.
pub const BODY: &str = "body";

/// Where a tool says which operation it is, in its `_meta`: another operation is another tool, whatever
/// it is called.
pub const OPERATION: &str = "gatehouse/operation";

/// How long a name may be: with a prefix, names of tools have up to 128 characters (MCP server/tools).
const LONGEST_NAME: usize = 95;

/// The definition of the tool.
pub(super) fn definition(
    (method, path, described): (&Method, &str, &Value),
    input: Map<String, Value>,
    output: Option<Map<String, Value>>,
    shape: &str,
) -> Map<String, Value> {
    let text = |name: &str| {
        let text = described.get(name).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let id = text("operationId").filter(|id| is_name(id));
    let name = id.map_or_else(|| name_of(method, path), str::to_owned);
    let mut tool = Map::new();
    tool.insert("name".to_owned(), name.into());
    if let Some(summary) = text("summary") {
        tool.insert("title".to_owned(), summary.into());
    }
    let place = format!("{method} {path}");
    let words = text("description").or(text("summary"));
    let mut words = words.unwrap_or(&place).to_owned();
    if described.get("deprecated") == Some(&Value::Bool(true)) {
        words.insert_str(0, "Deprecated. ");
    }
    tool.insert("description".to_owned(), words.into());
    tool.insert("inputSchema".to_owned(), Value::Object(input));
    if let Some(output) = output {
        tool.insert("outputSchema".to_owned(), Value::Object(output));
    }
    tool.insert("annotations".to_owned(), annotations(method));
    tool.insert("_meta".to_owned(), json!({ OPERATION: shape }));
    tool
}

/// What the method says (RFC 9110 §9.2).
fn annotations(method: &Method) -> Value {
    let mut hints = json!({
        "readOnlyHint": method.is_safe(),
        "idempotentHint": method.is_idempotent(),
        "openWorldHint": true,
    });
    // Of a POST nothing is known, and nothing is said. What a PUT or a PATCH overwrites is gone.
    if method != Method::POST
        && let Value::Object(hints) = &mut hints
    {
        hints.insert("destructiveHint".to_owned(), json!(!method.is_safe()));
    }
    hints
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    text.len() <= LONGEST_NAME && text.bytes().all(fits)
}

/// `get_pets_petId` of `GET /pets/{petId}`.
fn name_of(method: &Method, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let name = words.fold(method.as_str().to_ascii_lowercase(), |name, word| {
        format!("{name}_{word}")
    });
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let start: String = name.chars().take(LONGEST_NAME - 9).collect();
    let digest: String = Digest::of(name.as_bytes())
        .to_hex()
        .chars()
        .take(8)
        .collect();
    format!("{start}_{digest}")
}
