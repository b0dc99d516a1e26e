//! Messages to and from a mounted server (JSON-RPC 2.0), as they are: nothing that the gateway
//! does not know is lost, and nothing is put in another order.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::{Answered, Failure};
use super::result::ServerResult;
use crate::model::{MESSAGE_DEPTH, strict_members_but};

/// A message of a server.
#[derive(Debug)]
pub(super) enum Heard {
    /// The answer to a request of the gateway.
    Response {
        /// The id of the request; none where the server could not read it.
        id: Option<u64>,
        /// What it came to.
        outcome: Answered,
    },
    /// A question.
    Request {
        /// Its id, which goes back as it came.
        id: Value,
        method: String,
        params: Map<String, Value>,
    },
    /// It tells something.
    Notification {
        method: String,
        params: Map<String, Value>,
    },
    /// It let go of the connection, and expects the gateway back for the rest.
    HungUp,
}

impl Heard {
    /// Reads one message. A result stays the bytes that it is.
    pub(super) fn read(bytes: &Bytes) -> Result<Self, Failure> {
        const NO_MESSAGE: Failure = Failure::Protocol("no message of JSON-RPC");
        let read = strict_members_but(bytes, MESSAGE_DEPTH, "result");
        let read = read.map_err(|_| Failure::Protocol("no JSON that everybody reads alike"))?;
        let (mut members, result) = read;
        let result = result.map(|written| ServerResult::read(bytes, written));
        let result = result.transpose()?;
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(NO_MESSAGE);
        }
        let id = members.shift_remove("id");
        match (members.shift_remove("method"), id) {
            (Some(Value::String(method)), id) => {
                let params = match members.shift_remove("params") {
                    None | Some(Value::Null) => Map::new(),
                    Some(Value::Object(params)) => params,
                    Some(_) => return Err(NO_MESSAGE),
                };
                Ok(match id {
                    Some(id @ (Value::String(_) | Value::Number(_))) => {
                        Self::Request { id, method, params }
                    }
                    Some(_) => return Err(NO_MESSAGE),
                    None => Self::Notification { method, params },
                })
            }
            (None, id) => {
                let outcome = match (result, members.shift_remove("error")) {
                    (Some(result), None) => Ok(result),
                    (None, Some(error)) => Err(Failure::of_error(&error)),
                    _ => return Err(NO_MESSAGE),
                };
                let id = match id {
                    None | Some(Value::Null) if outcome.is_err() => None,
                    Some(id) => Some(id.as_u64().ok_or(NO_MESSAGE)?),
                    None => return Err(NO_MESSAGE),
                };
                Ok(Self::Response { id, outcome })
            }
            (Some(_), _) => Err(NO_MESSAGE),
        }
    }
}

/// A request.
pub(super) fn request(id: u64, method: &str, params: &Map<String, Value>) -> Bytes {
    request_about(id, method, params, &Map::new())
}

/// A request, of which `meta` says something.
pub(super) fn request_about(
    id: u64,
    method: &str,
    params: &Map<String, Value>,
    meta: &Map<String, Value>,
) -> Bytes {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    write(&mut out, &id);
    out.extend_from_slice(b",\"method\":");
    write(&mut out, method);
    out.extend_from_slice(b",\"params\":");
    write(&mut out, params);
    if !meta.is_empty() {
        // It goes before the brace that ends the parameters.
        out.pop();
        let is_first = params.is_empty();
        out.extend_from_slice(if is_first { b"" } else { b"," });
        out.extend_from_slice(b"\"_meta\":");
        write(&mut out, meta);
        out.push(b'}');
    }
    out.push(b'}');
    out.into()
}

/// Nothing fails that is written into memory.
fn write<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    drop(serde_json::to_writer(out, value));
}

/// A notification.
pub(super) fn notification(method: &str, params: &Map<String, Value>) -> Bytes {
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    message.to_string().into()
}

/// The answer to a question of the server.
pub(super) fn result(id: &Value, result: &Map<String, Value>) -> Bytes {
    let message = json!({ "jsonrpc": "2.0", "id": id, "result": result });
    message.to_string().into()
}

/// The answer to a question that can't be answered.
pub(super) fn refusal(id: &Value, code: i64, why: &str) -> Bytes {
    let error = json!({ "code": code, "message": why });
    let message = json!({ "jsonrpc": "2.0", "id": id, "error": error });
    message.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k06_json_that_could_be_read_in_two_ways_is_no_message() {
        let nested = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":1e400}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"a":"\ud800"}}"#,
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"a":{nested}}}}}"#),
            r#"{"jsonrpc":"2.0","id":1,"result":{}} {}"#,
            r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#,
        ] {
            let text = Bytes::from(text.to_owned());
            assert!(Heard::read(&text).is_err(), "{text:.60?}");
        }
    }

    #[test]
    fn k12_what_is_no_message_of_json_rpc_is_refused() {
        for text in [
            "<html></html>",
            "{}",
            r#"{"jsonrpc":"1.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
            r#"{"jsonrpc":"2.0","id":"1","result":{}}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"a"}"#,
            r#"{"jsonrpc":"2.0","method":1}"#,
        ] {
            assert!(Heard::read(&text.into()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_request_says_of_itself_is_among_its_parameters() {
        let of = |value: Value| value.as_object().cloned().unwrap_or_default();
        let meta = of(json!({ "a": 1 }));
        for (params, meta, expected) in [
            (json!({}), &Map::new(), "{}"),
            (json!({ "z": "\"" }), &Map::new(), r#"{"z":"\""}"#),
            (json!({}), &meta, r#"{"_meta":{"a":1}}"#),
            (json!({ "z": {} }), &meta, r#"{"z":{},"_meta":{"a":1}}"#),
        ] {
            let body = request_about(7, "a/b", &of(params), meta);
            let whole = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"a/b","params":{expected}}}"#);
            assert_eq!(body, whole);
        }
    }

    #[test]
    fn members_keep_their_order_and_numbers_their_value() {
        let result = r#"{"z":1,"a":{"y":0.1,"b":12345678901234567},"m":[1.0,1e-7]}"#;
        let text = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
        let Ok(Heard::Response {
            id: Some(7),
            outcome: Ok(read),
        }) = Heard::read(&text.into())
        else {
            panic!("a response");
        };
        assert_eq!(read.clone().into_bytes(), result);
        let members = read.into_members();
        assert_eq!(serde_json::to_string(&members).unwrap(), result);
    }
}
