//! Headers that must agree with the body (2026-07-28 streamable-http, server validation).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::borrow::Cow;

use super::error::Fault;
use super::message::Request;

/// In which media types a client takes the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepts {
    /// `application/json`
    pub(super) json: bool,
    /// `text/event-stream`
    pub(super) events: bool,
}

/// What all SDKs send.
const BOTH: &str = "application/json, text/event-stream";

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAM_PREFIX: &str = "mcp-param-";

impl Accepts {
    /// What `headers` say. A client should take both types; one of them is enough to be answered,
    /// and silence is taken for both (RFC 9110 §12.5.1).
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut values = headers.get_all(ACCEPT).iter();
        if values.next().is_some_and(|value| value == BOTH) && values.next().is_none() {
            return Ok(Self {
                json: true,
                events: true,
            });
        }
        let mut accepts = Self {
            json: !headers.contains_key(ACCEPT),
            events: !headers.contains_key(ACCEPT),
        };
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                let essence = essence(range);
                let is = |name: &str| essence.eq_ignore_ascii_case(name);
                accepts.json |= is("application/json") || is("application/*") || is("*/*");
                accepts.events |= is("text/event-stream") || is("text/*") || is("*/*");
            }
        }
        if accepts.json || accepts.events {
            Ok(accepts)
        } else {
            Err(Fault::Accept)
        }
    }
}

/// Refuses bodies that are not declared as JSON; a browser can't declare that across origins
/// without asking first.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let declared = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_json = |value| essence(value).eq_ignore_ascii_case("application/json");
    if declared.is_some_and(is_json) {
        Ok(())
    } else {
        Err(Fault::ContentType)
    }
}

/// The `MCP-Protocol-Version` of `headers`.
pub(super) fn protocol_version(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    single(headers, &VERSION, "MCP-Protocol-Version")
}

/// Checks that `Mcp-Method` and `Mcp-Name` say what the body says.
pub(super) fn check_agreement(headers: &HeaderMap, request: &Request) -> Result<(), Fault> {
    if single(headers, &METHOD, "Mcp-Method")? != Some(request.method.as_str()) {
        return Err(Fault::HeaderMismatch("Mcp-Method"));
    }
    let source = match request.method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        // ext-tasks 2026-07-28, routing headers.
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(()),
    };
    let given = single(headers, &NAME, "Mcp-Name")?;
    let Some(name) = request.params.get(source).and_then(Value::as_str) else {
        // Nothing to agree with: the method will refuse its params.
        return Ok(());
    };
    match given.map(decoded) {
        Some(Some(given)) if given == name => Ok(()),
        Some(_) | None => Err(Fault::HeaderMismatch("Mcp-Name")),
    }
}

/// The `Mcp-Param-*` headers; what they mean is known only where the tool is.
pub(super) fn params(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(PARAM_PREFIX))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The name of a parameter's header, but for its case, without the common beginning.
pub(super) fn param_suffix(name: &HeaderName) -> &str {
    name.as_str().strip_prefix(PARAM_PREFIX).unwrap_or_default()
}

/// What a value stands for: itself, or what its base64 sentinel holds (2026-07-28
/// streamable-http, value encoding). `None` when that is no base64 of UTF-8.
pub(super) fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let encoded = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match encoded {
        None => Some(Cow::Borrowed(value)),
        Some(encoded) => {
            let bytes = STANDARD.decode(encoded).ok()?;
            String::from_utf8(bytes).ok().map(Cow::Owned)
        }
    }
}

/// The text of a header value: visible ASCII, without the whitespace around it (RFC 9110 §5.5).
pub(super) fn visible(value: &HeaderValue) -> Option<&str> {
    let text = value.to_str().ok()?;
    Some(text.trim_matches([' ', '\t']))
}

/// The one value of a header, where it is there at all.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    shown: &'static str,
) -> Result<Option<&'a str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Fault::HeaderMismatch(shown));
    }
    first
        .map(|value| visible(value).ok_or(Fault::HeaderMismatch(shown)))
        .transpose()
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
