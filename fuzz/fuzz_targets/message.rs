//! MCP messages with their headers: header lines, an empty line, the body. What is accepted says the
//! same to every reader.
#![no_main]

use gatehouse::mcp::{Message, Revision};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let cut = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = cut.map_or((&data[..0], data), |at| (&data[..at], &data[at + 2..]));
    let headers = read_headers(head);
    let Ok(message) = gatehouse::mcp::http::accept(&headers, body) else {
        return;
    };
    let value: Value = serde_json::from_slice(body).expect("it was read before");
    assert_eq!(value["jsonrpc"], "2.0");
    match message {
        Message::Request(request) => {
            assert_eq!(value["method"], request.method());
            assert!(value["id"].is_string() || value["id"].is_i64() || value["id"].is_u64());
            let params = Value::Object(request.params().clone());
            if !value["params"].is_null() {
                assert_eq!(value["params"], params);
            }
            if request.revision() == Revision::V2026_07_28 {
                let mirrored: Vec<_> = headers.get_all("mcp-method").iter().collect();
                assert_eq!(mirrored.len(), 1);
                let mirrored = mirrored[0].to_str().expect("visible").trim();
                assert_eq!(mirrored, request.method());
            }
        }
        Message::Notification(notification) => {
            assert_eq!(value["method"], notification.method());
            assert!(value["id"].is_null());
        }
        Message::Response(_) => assert!(value["method"].is_null()),
    }
});

fn read_headers(head: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(&line[colon + 1..]);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}
