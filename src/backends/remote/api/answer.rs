//! What an API answered, as the result of a tool. What it refuses is for the model to read.

use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Map, Value, json};

use super::super::failure::Failure;
use super::members_of;
use crate::egress::Streamed;
use crate::model::{ApiOperation, MESSAGE_DEPTH, strict_json};

/// How many bytes of an error are told.
const LONGEST_ERROR: usize = 4096;

/// What came, as far as it can be told.
enum Body {
    Nothing,
    Json(String),
    Text(String),
    /// Neither: of this media type, and so long.
    Other(String, usize),
}

/// The result of a call.
pub(super) async fn result(
    operation: &ApiOperation,
    mut response: Streamed,
) -> Result<Map<String, Value>, Failure> {
    let status = response.status;
    if !status.is_success() {
        let body = start(&mut response).await?;
        return Ok(refused(status, &text_of(&response, body)));
    }
    let bytes = response.rest().await?;
    let body = text_of(&response, bytes.to_vec());
    let structured = match &body {
        Body::Json(text) => strict_json(text.as_bytes(), MESSAGE_DEPTH).ok(),
        Body::Nothing | Body::Text(_) | Body::Other(..) => None,
    };
    let structured = structured.filter(|answer| operation.is_as_promised(answer));
    let is_broken = operation.is_structured() && structured.is_none();
    let mut texts = Vec::new();
    if is_broken {
        texts.push(format!(
            "The API answered {status}, but not as its description promises. What it was asked to do \
             may be done."
        ));
    }
    let is_told = match body {
        Body::Json(text) | Body::Text(text) => {
            texts.push(text);
            true
        }
        Body::Nothing => {
            let location = response.headers.get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            let location = location.map(|location| format!(" Location: {location}"));
            texts.push(format!(
                "The API answered {status}.{}",
                location.unwrap_or_default()
            ));
            true
        }
        Body::Other(kind, length) => {
            texts.push(format!(
                "The API answered {status} with {length} bytes of {kind:?}, which can't be shown."
            ));
            false
        }
    };
    let mut result = texts_of(&texts);
    if let Some(structured) = structured {
        result.insert("structuredContent".to_owned(), structured);
    }
    if is_broken || !is_told {
        result.insert("isError".to_owned(), Value::Bool(true));
    }
    Ok(result)
}

/// The result of a call that did not get to the API.
pub(super) fn told(why: &str) -> Map<String, Value> {
    let mut result = texts_of(&[why.to_owned()]);
    result.insert("isError".to_owned(), Value::Bool(true));
    result
}

fn refused(status: StatusCode, body: &Body) -> Map<String, Value> {
    let first = if status.is_redirection() {
        format!("The API answered {status}. Redirects are not followed.")
    } else {
        format!("The API answered {status}.")
    };
    let mut texts = vec![first];
    if let Body::Json(text) | Body::Text(text) = body {
        texts.push(text.clone());
    }
    let mut result = texts_of(&texts);
    result.insert("isError".to_owned(), Value::Bool(true));
    result
}

fn texts_of(texts: &[String]) -> Map<String, Value> {
    let content = texts
        .iter()
        .map(|text| json!({ "type": "text", "text": text }));
    let content: Vec<Value> = content.collect();
    members_of(json!({ "content": content, "resultType": "complete" }))
}

/// The first bytes of an error. What comes after them is not waited for.
async fn start(response: &mut Streamed) -> Result<Vec<u8>, Failure> {
    let mut start = Vec::new();
    while start.len() < LONGEST_ERROR {
        let Some(chunk) = response.chunk().await? else {
            return Ok(start);
        };
        start.extend_from_slice(&chunk);
    }
    start.truncate(LONGEST_ERROR);
    // A character that was cut in two is none.
    while start.last().is_some_and(|byte| !byte.is_ascii()) && std::str::from_utf8(&start).is_err()
    {
        start.pop();
    }
    Ok(start)
}

fn text_of(response: &Streamed, bytes: Vec<u8>) -> Body {
    if bytes.is_empty() {
        return Body::Nothing;
    }
    let kind = response.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let length = bytes.len();
    let text = String::from_utf8(bytes).ok();
    let is_json = essence == "application/json" || essence.ends_with("+json");
    let is_xml = essence == "application/xml" || essence.ends_with("+xml");
    match text {
        Some(text) if is_json => Body::Json(text),
        Some(text) if is_xml || essence.is_empty() || essence.starts_with("text/") => {
            Body::Text(text)
        }
        Some(_) | None => Body::Other(essence, length),
    }
}
