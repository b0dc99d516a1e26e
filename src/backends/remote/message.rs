//! Messages to and from a mounted server (JSON-RPC 2.0), as they are: nothing that the gateway
//! does not know is lost, and nothing is put in another order.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::{Answered, Failure};
use crate::model::{MESSAGE_DEPTH, strict_json};

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
    /// Reads one message.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        const NO_MESSAGE: Failure = Failure::Protocol("no message of JSON-RPC");
        let value = strict_json(bytes, MESSAGE_DEPTH);
        let value = value.map_err(|_| Failure::Protocol("no JSON that everybody reads alike"))?;
        let Value::Object(mut members) = value else {
            return Err(NO_MESSAGE);
        };
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
                let result = members.shift_remove("result");
                let outcome = match (result, members.shift_remove("error")) {
                    (Some(Value::Object(result)), None) => Ok(result),
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
    let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    message.to_string().into()
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
            assert!(Heard::read(text.as_bytes()).is_err(), "{text:.60}");
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
            assert!(Heard::read(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn members_keep_their_order_and_numbers_their_value() {
        let result = r#"{"z":1,"a":{"y":0.1,"b":12345678901234567},"m":[1.0,1e-7]}"#;
        let text = format!(r#"{{"jsonrpc":"2.0","id":7,"result":{result}}}"#);
        let Ok(Heard::Response {
            id: Some(7),
            outcome: Ok(read),
        }) = Heard::read(text.as_bytes())
        else {
            panic!("a response");
        };
        assert_eq!(serde_json::to_string(&read).unwrap(), result);
    }
}
