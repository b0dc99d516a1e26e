//! Responses with a result (JSON-RPC 2.0 §5), made by splicing what a backend wrote.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::Fault;
use super::message::RequestId;
use super::revision::Revision;

/// A whole JSON-RPC response with a result, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply(Bytes);

/// What a request's answer is dressed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    /// The id of the request.
    pub(super) id: &'a RequestId,
    /// The revision of the request.
    pub(super) revision: Revision,
    /// What the result is: `complete` but for what leads to a result later.
    pub(super) kind: &'static str,
    /// This server's `Implementation` object, as JSON.
    pub(super) server_info: &'a str,
    /// For how many milliseconds the result may be kept, where the method's results say so.
    pub(super) ttl_ms: Option<u64>,
}

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

impl Reply {
    /// The response as it goes over the wire.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The response to `id` with a result that is dressed already.
    pub(super) fn with_result(id: &RequestId, result: &str) -> Result<Self, Fault> {
        let id = serde_json::to_string(id)?;
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}");
        Ok(Self(text.into()))
    }

    /// The response whose result has the members of the JSON object `body`, the `meta` of the
    /// backend, and what the revision adds.
    pub(super) fn new(
        envelope: &Envelope<'_>,
        body: &[u8],
        meta: &Map<String, Value>,
    ) -> Result<Self, Fault> {
        let members = members(body).ok_or(Fault::Internal)?;
        let mut out = Vec::with_capacity(members.len() + 256);
        out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        serde_json::to_writer(&mut out, envelope.id)?;
        out.extend_from_slice(b",\"result\":{");
        put_on_one_line(&mut out, members);
        let separator = if members.is_empty() { "" } else { "," };
        if envelope.revision.is_modern() {
            out.extend_from_slice(separator.as_bytes());
            envelope.append_modern(&mut out, meta)?;
        } else if !meta.is_empty() {
            out.extend_from_slice(separator.as_bytes());
            out.extend_from_slice(b"\"_meta\":");
            serde_json::to_writer(&mut out, meta)?;
        }
        out.extend_from_slice(b"}}");
        Ok(Self(out.into()))
    }
}

impl Envelope<'_> {
    /// What every result of 2026-07-28 has (basic/index, result responses; server/utilities/
    /// caching). What a list shows depends on the caller's scopes, so no result is ever public.
    fn append_modern(&self, out: &mut Vec<u8>, meta: &Map<String, Value>) -> Result<(), Fault> {
        out.extend_from_slice(format!("\"resultType\":\"{}\",", self.kind).as_bytes());
        if let Some(ttl_ms) = self.ttl_ms {
            let caching = format!("\"ttlMs\":{ttl_ms},\"cacheScope\":\"private\",");
            out.extend_from_slice(caching.as_bytes());
        }
        out.extend_from_slice(b"\"_meta\":{");
        for (name, value) in meta {
            // The server that the client speaks to is this one.
            if name != SERVER_INFO {
                serde_json::to_writer(&mut *out, name)?;
                out.push(b':');
                serde_json::to_writer(&mut *out, value)?;
                out.push(b',');
            }
        }
        out.extend_from_slice(format!("\"{SERVER_INFO}\":{}}}", self.server_info).as_bytes());
        Ok(())
    }
}

/// Line breaks stand only between tokens, and end a message on stdio and in SSE.
fn put_on_one_line(out: &mut Vec<u8>, json: &[u8]) {
    let mut from = 0;
    for end in memchr::memchr2_iter(b'\n', b'\r', json) {
        out.extend_from_slice(json.get(from..end).unwrap_or_default());
        out.push(b' ');
        from = end + 1;
    }
    out.extend_from_slice(json.get(from..).unwrap_or_default());
}

/// What stands between the braces of the JSON object `body`.
fn members(body: &[u8]) -> Option<&[u8]> {
    let inner = body.trim_ascii().strip_prefix(b"{")?.strip_suffix(b"}")?;
    Some(inner.trim_ascii())
}
