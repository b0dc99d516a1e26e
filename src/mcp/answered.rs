//! What the edge has to know of a tool's answer: whether it tells of a failure, and whether its
//! structured content is of a kind that the revision has.
//!
//! An answer is bytes, and stays bytes: it is searched for the names of the two members, and parsed
//! only where what follows them calls for it.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::revision::Revision;
use crate::backends::{Answer, Definition};

static IS_ERROR: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"isError\""));
static STRUCTURED_CONTENT: LazyLock<Finder<'_>> =
    LazyLock::new(|| Finder::new("\"structuredContent\""));
const OUTPUT_SCHEMA: &str = "outputSchema";

/// True when the answer tells the model of a failure.
pub(super) fn tells_of_failure(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Outcome {
        #[serde(rename = "isError", default)]
        is_error: bool,
    }
    let mut said = values(&answer.body, &IS_ERROR);
    said.any(|value| value.starts_with(b"true"))
        && serde_json::from_slice(&answer.body).is_ok_and(|Outcome { is_error }| is_error)
}

/// The answer as a client of `revision` may get it. Before 2026-07-28 structured content is an
/// object (2025-11-25 server/tools, structured content): another kind is left out, and told as text
/// where there is no other content.
pub(super) fn in_revision(answer: Answer, revision: Revision) -> Answer {
    let is_object = |value: &[u8]| value.starts_with(b"{");
    if revision.is_modern() || values(&answer.body, &STRUCTURED_CONTENT).all(is_object) {
        return answer;
    }
    match without_structured(&answer.body) {
        Some(body) => Answer {
            body: body.into(),
            ..answer
        },
        None => answer,
    }
}

/// The tool as it is listed in `revision`: with a schema of its structured content that promises
/// what [`in_revision`] lets pass. `None` where it is listed as it is.
pub(super) fn listed_in(tool: &Definition, revision: Revision) -> Option<Map<String, Value>> {
    let schema = tool.json.get(OUTPUT_SCHEMA)?;
    if revision.is_modern() || schema.get("type").is_some_and(|kind| kind == "object") {
        return None;
    }
    let mut json = tool.json.clone();
    json.shift_remove(OUTPUT_SCHEMA);
    Some(json)
}

fn without_structured(body: &[u8]) -> Option<Vec<u8>> {
    let mut result: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let other = result.get("structuredContent")?;
    if other.is_object() {
        return None;
    }
    let other = result.shift_remove("structuredContent")?;
    let content = result.entry("content").or_insert_with(|| json!([]));
    if let Some(content) = content.as_array_mut().filter(|content| content.is_empty()) {
        content.push(json!({ "type": "text", "text": other.to_string() }));
    }
    serde_json::to_vec(&result).ok()
}

/// What follows the members of the quoted `name`, at whatever depth. Within a JSON text, the name
/// with both its quotes can't be part of another string: there they are escaped.
fn values<'a>(body: &'a [u8], name: &'a Finder<'_>) -> impl Iterator<Item = &'a [u8]> {
    name.find_iter(body).filter_map(move |at| {
        let rest = body.get(at + name.needle().len()..)?.trim_ascii_start();
        Some(rest.strip_prefix(b":")?.trim_ascii_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            body: body.to_owned().into(),
            meta: Map::new(),
            ttl_ms: 0,
        }
    }

    #[test]
    fn only_an_answer_that_says_so_itself_tells_of_a_failure() {
        for (body, fails) in [
            (r#"{"content":[],"isError":true}"#, true),
            ("{\"isError\" :\n true, \"content\":[]}", true),
            (r#"{"content":[],"isError":false}"#, false),
            (r#"{"content":[]}"#, false),
            (r#"{"structuredContent":{"isError":true}}"#, false),
            (
                r#"{"content":[{"type":"text","text":"\"isError\":true"}]}"#,
                false,
            ),
            (r#"["isError",true]"#, false),
        ] {
            assert_eq!(tells_of_failure(&answer(body)), fails, "{body}");
        }
    }

    #[test]
    fn before_2026_07_28_structured_content_is_an_object_or_text() {
        for (body, expected) in [
            (
                r#"{"content":[{"type":"text","text":"two"}],"structuredContent":[1,2]}"#,
                r#"{"content":[{"type":"text","text":"two"}]}"#,
            ),
            (
                r#"{"content":[],"structuredContent": "a\"b"}"#,
                r#"{"content":[{"type":"text","text":"\"a\\\"b\""}]}"#,
            ),
            (
                r#"{"structuredContent":null,"isError":false}"#,
                r#"{"isError":false,"content":[{"type":"text","text":"null"}]}"#,
            ),
        ] {
            for revision in [Revision::V2025_06_18, Revision::V2025_11_25] {
                let fitted = in_revision(answer(body), revision);
                assert_eq!(fitted.body, expected, "{body}");
            }
            let modern = in_revision(answer(body), Revision::V2026_07_28);
            assert_eq!(modern.body, body);
        }
        let deep = r#"{"content":[],"structuredContent":{"structuredContent":7}}"#;
        let fitted = in_revision(answer(deep), Revision::V2025_11_25);
        assert_eq!(fitted.body, deep);
    }
}
