//! Result objects of the weather server, written straight to the bytes that are sent.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Map;

use super::super::{Answer, BackendError};

/// A `CallToolResult`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a, T> {
    content: [TextContent<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<&'a T>,
    is_error: bool,
}

/// A `TextContent`.
#[derive(Serialize)]
pub(super) struct TextContent<'a> {
    r#type: &'static str,
    text: &'a str,
}

impl<'a> TextContent<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            r#type: "text",
            text,
        }
    }
}

/// The answer of a tool: `text` for the model and `structured` for programs.
pub(super) fn tool<T: Serialize>(text: &str, structured: &T) -> Result<Answer, BackendError> {
    let content = [TextContent::new(text)];
    answer(&ToolResult {
        content,
        structured_content: Some(structured),
        is_error: false,
    })
}

/// The answer of a tool that could not do what it was asked, for the model to read.
pub(super) fn tool_error(text: &str) -> Result<Answer, BackendError> {
    let content = [TextContent::new(text)];
    answer(&ToolResult::<()> {
        content,
        structured_content: None,
        is_error: true,
    })
}

/// An answer of any kind.
pub(super) fn answer(result: &impl Serialize) -> Result<Answer, BackendError> {
    let body = serde_json::to_vec(result);
    let body = body.map_err(|_| BackendError::Unavailable("the answer can't be written"))?;
    Ok(Answer {
        body: Bytes::from(body),
        meta: Map::new(),
        ttl_ms: 0,
    })
}
