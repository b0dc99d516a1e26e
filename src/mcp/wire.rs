//! The wire log: every message in both directions, without secrets (`GATEHOUSE_LOG=mcp::wire=debug`).
//!
//! What stands under the name of a secret is left out, as is whatever looks like a token. Of the
//! headers, those are logged that the protocol reads.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};
use tracing::Level;

use crate::telemetry::origin;

/// The longest text that is logged whole, in bytes.
const LONGEST_TEXT: usize = 2048;

/// The longest message that is logged, in bytes; one that is cut would not be JSON.
const LONGEST_MESSAGE: usize = 1024 * 1024;

/// What stands in the place of a secret.
const REMOVED: &str = "[removed]";

/// Parts of names that secrets have, in lower case.
const SECRET_NAMES: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passphrase",
    "authorization",
    "credential",
    "cookie",
    "assertion",
    "apikey",
    "privatekey",
    "requeststate",
    "sessionid",
];

/// A name that only looks like that of a secret.
const HARMLESS_NAME: &str = "progresstoken";

/// Logs what came in: a message, with its headers where it has some, or headers alone.
pub fn received(headers: Option<&HeaderMap>, message: Option<&[u8]>) {
    if is_logged() {
        let headers = headers.map(shown_headers);
        let message = message.map(shown);
        tracing::debug!(
            target: "mcp::wire",
            headers = headers,
            body = message,
            "received"
        );
    }
}

/// Logs a message that goes out.
pub fn sent(message: &[u8]) {
    if is_logged() {
        tracing::debug!(target: "mcp::wire", body = shown(message), "sent");
    }
}

/// Logs what `response` says as it is sent, be it one message or a stream of them.
#[must_use]
pub fn watch(response: Response) -> Response {
    if !is_logged() {
        return response;
    }
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_stream = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event"));
    let (head, body) = response.into_parts();
    if !is_stream && http_body::Body::is_end_stream(&body) {
        tracing::debug!(target: "mcp::wire", status, "answered");
        return Response::from_parts(head, body);
    }
    let mut reader = Reader {
        text: Vec::new(),
        is_stream,
    };
    let frames = body.into_data_stream().inspect(move |frame| {
        if let Ok(bytes) = frame {
            reader.read(bytes);
        }
    });
    Response::from_parts(head, Body::from_stream(origin::carried_stream(frames)))
}

/// Reads the messages of a body, which end where an event does.
struct Reader {
    text: Vec<u8>,
    is_stream: bool,
}

impl Reader {
    fn read(&mut self, bytes: &Bytes) {
        if !self.is_stream {
            // A response of one message is one frame.
            return sent(bytes);
        }
        if self.text.len() + bytes.len() > LONGEST_MESSAGE {
            self.text.clear();
        }
        self.text.extend_from_slice(bytes);
        let Some(end) = self.text.windows(2).rposition(|pair| pair == b"\n\n") else {
            return;
        };
        let rest = self.text.split_off(end + 2);
        let events = std::mem::replace(&mut self.text, rest);
        for line in events.split(|byte| *byte == b'\n') {
            if let Some(message) = line.strip_prefix(b"data: ").filter(|it| !it.is_empty()) {
                sent(message);
            }
        }
    }
}

fn is_logged() -> bool {
    tracing::enabled!(target: "mcp::wire", Level::DEBUG)
}

/// The message as it may be read by whoever reads logs.
fn shown(message: &[u8]) -> String {
    if message.len() > LONGEST_MESSAGE {
        return format!("[{} bytes]", message.len());
    }
    match serde_json::from_slice::<Value>(message) {
        Ok(mut value) => {
            redact(&mut value);
            value.to_string()
        }
        // What it is can't be told, so neither what of it is secret.
        Err(_) => format!("[{} bytes that are no JSON]", message.len()),
    }
}

/// The headers as a JSON object; those that come twice are what they are the first time.
fn shown_headers(headers: &HeaderMap) -> String {
    let mut members = Map::new();
    for (name, value) in headers {
        let name = name.as_str();
        if is_read(name) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            members.entry(name).or_insert_with(|| value.into());
        }
    }
    let mut members = Value::Object(members);
    redact(&mut members);
    members.to_string()
}

fn is_read(name: &str) -> bool {
    name.starts_with("mcp-") || matches!(name, "accept" | "content-type" | "last-event-id")
}

fn redact(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => redact_text(text),
        Value::Array(values) => values.iter_mut().for_each(redact),
        Value::Object(members) => {
            for (name, member) in members {
                // Counts of tokens are no tokens.
                let can_hide = member.is_string() || member.is_object() || member.is_array();
                if can_hide && is_secret(name) {
                    *member = REMOVED.into();
                } else {
                    redact(member);
                }
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let name = name.as_str();
    name != HARMLESS_NAME && SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// Cuts what is long, and takes out what looks like a token: the words of an `Authorization`
/// header and every JWT (RFC 7519 §3: a header in JSON, so that it begins with `eyJ`).
fn redact_text(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        *text = format!("[{} bytes]", text.len());
        return;
    }
    if !text.contains("eyJ") && !has_scheme(text) {
        return;
    }
    let mut after_scheme = false;
    let words: Vec<&str> = text
        .split_inclusive(|letter: char| !is_of_token(letter))
        .map(|word| {
            let bare = word.trim_end_matches(|letter: char| !is_of_token(letter));
            let secret = after_scheme && !bare.is_empty() || bare.contains("eyJ");
            if !bare.is_empty() {
                after_scheme = is_scheme(bare);
            }
            if secret { "[removed] " } else { word }
        })
        .collect();
    *text = words.concat();
    text.truncate(text.trim_end().len());
}

/// RFC 6750 §2.1, RFC 9449 §7.1, RFC 7617
fn is_scheme(word: &str) -> bool {
    ["bearer", "dpop", "basic"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn has_scheme(text: &str) -> bool {
    text.split(|letter: char| !is_of_token(letter))
        .any(is_scheme)
}

/// RFC 9110 §11.2, `token68`
fn is_of_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~' | '+' | '/' | '=')
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};

    use super::{LONGEST_TEXT, redact, shown, shown_headers};

    fn redacted(mut value: Value) -> Value {
        redact(&mut value);
        value
    }

    #[test]
    fn what_is_named_like_a_secret_is_removed() {
        for name in [
            "access_token",
            "refreshToken",
            "client_secret",
            "Password",
            "API-Key",
            "requestState",
            "set-cookie",
        ] {
            let value = redacted(json!({ "a": [{ name: { "deep": "s3cret" } }] }));
            assert_eq!(value, json!({ "a": [{ name: "[removed]" }] }));
        }
    }

    #[test]
    fn what_looks_like_a_token_is_removed_wherever_it_stands() {
        for text in [
            "Authorization: Bearer s3cret",
            "dpop s3cret",
            "see eyJs3cret.eyJ9.c2ln",
            "https://example.com/?jwt=eyJs3cret.eyJ9.c2ln#there",
            "Basic czNjcmV0 s",
        ] {
            let value = redacted(json!({ "text": text })).to_string();
            assert!(!value.contains("s3cret"), "{value}");
            assert!(!value.contains("czNjcmV0"), "{value}");
            assert!(value.contains("[removed]"), "{value}");
        }
    }

    #[test]
    fn everything_else_stays() {
        let message = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": "get_alerts",
                "arguments": { "state": "CA", "words": "a  b\n" },
                "_meta": { "progressToken": "p-1" },
                "maxTokens": 100,
            },
        });
        let message = message.to_string();
        assert_eq!(shown(message.as_bytes()), message);
    }

    #[test]
    fn of_the_headers_only_those_of_the_protocol_are_shown() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer s3cret"),
            ("cookie", "s3cret"),
            ("dpop", "s3cret"),
            ("mcp-session-id", "s3cret"),
            ("mcp-param-api-key", "s3cret"),
            ("mcp-method", "tools/call"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let shown: Value = serde_json::from_str(&shown_headers(&headers)).unwrap();
        let expected = json!({
            "mcp-session-id": "[removed]",
            "mcp-param-api-key": "[removed]",
            "mcp-method": "tools/call",
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn long_texts_and_other_bytes_are_counted_only() {
        let long = "a".repeat(LONGEST_TEXT + 1);
        assert_eq!(redacted(json!(long)), json!("[2049 bytes]"));
        assert_eq!(shown(b"\xffs3cret"), "[7 bytes that are no JSON]");
    }
}
