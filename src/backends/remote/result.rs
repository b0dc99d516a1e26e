//! The result of a mounted server: bytes that stay bytes, but for what only the gateway reads and for names that
//! clients know differently.

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::failure::Failure;
use super::rewrite::is_place;
use crate::model::{MESSAGE_DEPTH, Named, check_strictly, written_members};

/// The result of a request: an object, as the server wrote it, that everybody reads alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerResult {
    text: Bytes,
    seen: Seen,
}

/// What is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// A member that only the gateway reads.
    own: bool,
    /// A member whose name may be that of a URI which clients know differently.
    places: bool,
    /// A name that is written in other characters.
    escapes: bool,
}

/// What the gateway reads of a result.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// What kind of result it is, where that is said.
    pub(super) kind: Option<Value>,
    /// For how long it may be kept, where that is said.
    pub(super) ttl_ms: Option<u64>,
    /// What is said about it.
    pub(super) meta: Map<String, Value>,
}

const RESULT_TYPE: &str = "resultType";
const TTL_MS: &str = "ttlMs";
const CACHE_SCOPE: &str = "cacheScope";
const META: &str = "_meta";

const NOT_STRICT: Failure = Failure::Protocol("no JSON that everybody reads alike");

impl ServerResult {
    /// The result that `written` is, a part of `message`.
    pub(super) fn read(message: &Bytes, written: &RawValue) -> Result<Self, Failure> {
        let written = written.get();
        if !written.starts_with('{') {
            return Err(Failure::Protocol("no message of JSON-RPC"));
        }
        let text = message.slice_ref(written.as_bytes());
        let seen = look(written, MESSAGE_DEPTH - 1).ok_or(NOT_STRICT)?;
        Ok(Self { text, seen })
    }

    /// The result that has these members.
    pub(super) fn of(members: &Map<String, Value>) -> Self {
        let text = serde_json::to_string(members).unwrap_or_else(|_| "{}".to_owned());
        // What is written here is strict, and nobody else's: all of it is gone through later.
        let seen = look(&text, u8::MAX).unwrap_or(Seen {
            own: true,
            places: true,
            escapes: true,
        });
        let text = Bytes::from(text);
        Self { text, seen }
    }

    /// Its members.
    pub(super) fn into_members(self) -> Map<String, Value> {
        serde_json::from_slice(&self.text).unwrap_or_default()
    }

    /// True where nothing in it can be the name of a place.
    pub(super) const fn names_no_place(&self) -> bool {
        !self.seen.places
    }

    /// Takes out what the gateway reads itself.
    pub(super) fn take_own(&mut self) -> Own {
        let mut own = Own::default();
        if !self.seen.own && !self.seen.escapes {
            return own;
        }
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        let mut members = written_members(text).unwrap_or_default();
        members.retain(|(name, value)| !own.takes(name, value));
        let mut rest = Vec::with_capacity(text.len());
        rest.push(b'{');
        for (name, value) in members {
            self.seen.write(&mut rest, &name, value);
        }
        rest.push(b'}');
        self.text = rest.into();
        self.seen.own = false;
        self.seen.escapes = false;
        own
    }

    /// It as bytes, which have each name as it is.
    pub(super) fn into_bytes(self) -> Bytes {
        self.text
    }
}

impl Own {
    /// Takes the member of this name, if it is one that the gateway reads.
    fn takes(&mut self, name: &str, value: &RawValue) -> bool {
        let read = || serde_json::from_str(value.get()).ok();
        match name {
            RESULT_TYPE => self.kind = read(),
            TTL_MS => self.ttl_ms = read().as_ref().and_then(Value::as_u64),
            META => {
                if let Some(Value::Object(meta)) = read() {
                    self.meta = meta;
                }
            }
            _ => return name == CACHE_SCOPE,
        }
        true
    }
}

impl Seen {
    /// Adds a member to an object. Who looks for names in it must find each: none keeps other characters.
    fn write(self, object: &mut Vec<u8>, name: &str, value: &RawValue) {
        if object.len() > 1 {
            object.push(b',');
        }
        let plain: Option<Value> = if self.escapes {
            serde_json::from_str(value.get()).ok()
        } else {
            None
        };
        // Nothing fails that is written into memory.
        drop(serde_json::to_writer(&mut *object, name));
        object.push(b':');
        match plain {
            Some(plain) => drop(serde_json::to_writer(&mut *object, &plain)),
            None => object.extend_from_slice(value.get().as_bytes()),
        }
    }
}

/// What is in a text; none where it is not strict.
fn look(text: &str, depth: u8) -> Option<Seen> {
    let mut seen = Seen::default();
    let mut note = |named: &Named<'_>| {
        let is_own = || matches!(named.name, RESULT_TYPE | TTL_MS | CACHE_SCOPE | META);
        seen.own |= named.is_outermost && is_own();
        seen.places |= is_place(named.name);
        seen.escapes |= named.is_escaped;
    };
    check_strictly(text, depth, &mut note).ok()?;
    Some(seen)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(text: &str) -> ServerResult {
        let message = Bytes::from(text.to_owned());
        let written: &RawValue = serde_json::from_slice(&message).unwrap();
        ServerResult::read(&message, written).unwrap()
    }

    #[test]
    fn what_the_gateway_reads_is_taken_out_and_all_else_stays_as_it_is_written() {
        let mut plain = result(r#"{"content": [1.0, 1e-7], "x":{"_meta":1}}"#);
        let own = plain.take_own();
        assert!(own.kind.is_none() && own.meta.is_empty() && own.ttl_ms.is_none());
        assert_eq!(
            plain.into_bytes(),
            r#"{"content": [1.0, 1e-7], "x":{"_meta":1}}"#
        );

        let text = r#"{"resultType":"complete","z":[ 1.0 ],"ttlMs":5,"_meta":{"a":1},"b":"\u00e9","cacheScope":"public"}"#;
        let mut modern = result(text);
        let own = modern.take_own();
        assert_eq!(own.kind, Some(json!("complete")));
        assert_eq!(own.ttl_ms, Some(5));
        assert_eq!(Value::Object(own.meta), json!({ "a": 1 }));
        assert_eq!(modern.into_bytes(), r#"{"z":[ 1.0 ],"b":"\u00e9"}"#);

        let mut only = result(r#"{"_meta":null}"#);
        assert!(only.take_own().meta.is_empty());
        assert_eq!(only.into_bytes(), "{}");
    }

    #[test]
    fn k06_no_name_keeps_other_characters_for_what_it_is() {
        for (text, expected) in [
            (
                r#"{"structured\u0043ontent":[1]}"#,
                r#"{"structuredContent":[1]}"#,
            ),
            (
                r#"{"a":[{"is\u0045rror":true}]}"#,
                r#"{"a":[{"isError":true}]}"#,
            ),
            (r#"{"\u005fmeta":{},"a":1}"#, r#"{"a":1}"#),
        ] {
            let mut result = result(text);
            result.take_own();
            assert_eq!(result.into_bytes(), expected);
        }
    }

    #[test]
    fn names_of_places_are_seen_at_any_depth_and_however_they_are_written() {
        for (text, names_none) in [
            (r#"{"content":[{"type":"text","text":"\"uri\":1"}]}"#, true),
            (
                r#"{"content":[{"type":"resource","resource":{"uri":"a:b"}}]}"#,
                false,
            ),
            (r#"{"contents":[{"u\u0072i":"a:b"}]}"#, false),
            (r#"{"_meta":{"ui":{"resourceUri":"ui://a"}}}"#, false),
            (r#"{"_meta":{"openai/outputTemplate":"ui://a"}}"#, false),
        ] {
            assert_eq!(result(text).names_no_place(), names_none, "{text}");
        }
    }

    #[test]
    fn k06_a_result_is_an_object_that_everybody_reads_alike() {
        for text in [r#"{"a":{"b":1,"b":2}}"#, r#"{"a":"\ud800"}"#, "[]", "1"] {
            let message = Bytes::from(text.to_owned());
            let written: &RawValue = serde_json::from_slice(&message).unwrap();
            assert!(ServerResult::read(&message, written).is_err(), "{text}");
        }
    }
}
