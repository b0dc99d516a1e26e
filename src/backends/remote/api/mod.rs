//! An HTTP API that an OpenAPI document describes, as a server whose tools are its operations.

mod operation;
mod parameter;
mod request;
mod schema;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use url::Url;

use super::credentials::Credentials;
use super::failure::Failure;
use super::message::Heard;
use super::speech::MODERN;
use crate::egress::{Channel, Streamed};
use crate::model::{MESSAGE_DEPTH, strict_json};
use operation::{ApiOperation, OPERATION};
use request::ApiRequest;

/// An API at an address.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) label: String,
    pub(super) base: Url,
    pub(super) channel: Channel,
    pub(super) document: ApiSource,
    pub(super) credentials: Credentials,
    /// How many bytes an answer may have, and the document.
    pub(super) max_response: usize,
    /// The operations as they were read last.
    pub(super) operations: Operations,
}

/// The operations that were read last.
#[derive(Debug, Default)]
pub(super) struct Operations(Mutex<Arc<Vec<ApiOperation>>>);

/// Where the document is.
#[derive(Clone, Debug)]
pub(super) enum ApiSource {
    File(PathBuf),
    Address(Channel),
}

/// Which operation a tool was when its definition was read: another one is another tool.
pub(super) const SHAPE: HeaderName = HeaderName::from_static("gatehouse-operation");

/// For how many milliseconds the list of operations may be kept.
const TTL_MS: u64 = 60_000;

/// How much of an error's body is told.
const LONGEST_ERROR: usize = 4096;

impl Api {
    /// What comes of one request.
    pub(super) async fn answer(&self, headers: &HeaderMap, body: &Bytes) -> Result<Heard, Failure> {
        let Ok(Heard::Request { id, method, params }) = Heard::read(body) else {
            return Err(Failure::Protocol("no request"));
        };
        let outcome = match method.as_str() {
            "server/discover" => json!({ "result": {
                "supportedVersions": [MODERN], "capabilities": { "tools": {} },
                "resultType": "complete", "ttlMs": TTL_MS, "cacheScope": "private",
            } }),
            "tools/list" => json!({ "result": self.list().await? }),
            "tools/call" => self.call(headers, &params).await?,
            _ => json!({ "error": { "code": -32601, "message": "an API has tools only" } }),
        };
        let mut message = json!({ "jsonrpc": "2.0", "id": id });
        if let (Value::Object(message), Value::Object(outcome)) = (&mut message, outcome) {
            message.extend(outcome);
        }
        Heard::read(message.to_string().as_bytes())
    }

    /// All operations of the document, read anew.
    async fn list(&self) -> Result<Value, Failure> {
        let document = self.read().await?;
        let credential = self.credentials.header_name();
        let read = operation::read(&document, credential.as_ref());
        let (mut operations, unusable) = read.map_err(|reason| {
            tracing::warn!(server = self.label, %reason, "an OpenAPI document can't be used");
            Failure::Protocol("its OpenAPI document can't be used")
        })?;
        for (operation, reason) in &unusable {
            tracing::warn!(
                server = self.label, operation = ?operation, %reason,
                "an operation of an API is left out"
            );
        }
        let mut names = HashSet::new();
        operations.retain(|operation| {
            let is_new = names.insert(operation.name().to_owned());
            if !is_new {
                let name = operation.name();
                tracing::warn!(
                    server = self.label,
                    operation = operation.shape(),
                    name,
                    "an operation of an API is left out: another one has its name"
                );
            }
            is_new
        });
        let tools: Vec<_> = operations.iter().map(|it| it.tool.clone()).collect();
        *self.known() = Arc::new(operations);
        Ok(json!({
            "tools": tools, "resultType": "complete", "ttlMs": TTL_MS, "cacheScope": "private",
        }))
    }

    async fn read(&self) -> Result<Value, Failure> {
        let text = match &self.document {
            ApiSource::File(path) => {
                let read = tokio::fs::read(path).await;
                read.map(Bytes::from).map_err(|_| Failure::Unreachable)?
            }
            ApiSource::Address(channel) => {
                let get = channel.send(
                    Method::GET,
                    HeaderMap::new(),
                    Bytes::new(),
                    self.max_response,
                );
                let mut response = get.await?;
                if response.status != StatusCode::OK {
                    return Err(Failure::Unreachable);
                }
                response.rest().await?
            }
        };
        if text.len() > self.max_response {
            return Err(Failure::TooLarge);
        }
        strict_json(&text, MESSAGE_DEPTH)
            .map_err(|_| Failure::Protocol("its OpenAPI document is no JSON"))
    }

    /// Calls an operation: the result, or the error of JSON-RPC.
    async fn call(
        &self,
        headers: &HeaderMap,
        params: &Map<String, Value>,
    ) -> Result<Value, Failure> {
        let refuse = |why: &str| json!({ "error": { "code": -32602, "message": why } });
        let operations = Arc::clone(&self.known());
        let name = params
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some(operation) = operations.iter().find(|it| it.name() == name) else {
            return Ok(refuse("unknown tool"));
        };
        // What was approved is one operation: no other one is called under its name.
        let expected = headers.get(SHAPE).map(HeaderValue::as_bytes);
        if expected
            != shape_header(&operation.shape())
                .as_ref()
                .map(HeaderValue::as_bytes)
        {
            return Ok(refuse("the operation has changed: list the tools again"));
        }
        let none = Map::new();
        let arguments = params.get("arguments").and_then(Value::as_object);
        let request = request::request(operation, &self.base, arguments.unwrap_or(&none));
        let request = match request {
            Ok(request) => request,
            Err(why) => return Ok(refuse(&why)),
        };
        let response = self.send(&operation.method, &request).await?;
        let result = result_of(operation, response).await?;
        Ok(json!({ "result": result }))
    }

    /// Sends a request with the gateway's credentials, once more where they had ended.
    async fn send(&self, method: &Method, request: &ApiRequest) -> Result<Streamed, Failure> {
        let mut renewed = false;
        loop {
            let mut headers = request.headers.clone();
            self.credentials.add_to(&mut headers).await?;
            let body = Bytes::from(request.body.clone());
            let place = (method.clone(), request.url.clone());
            let sent = self
                .channel
                .send_to(place, headers, body, self.max_response);
            let response = sent.await?;
            let is_refused = response.status == StatusCode::UNAUTHORIZED;
            if is_refused && !renewed && self.credentials.renew().await {
                renewed = true;
                continue;
            }
            return Ok(response);
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Arc<Vec<ApiOperation>>> {
        let Operations(known) = &self.operations;
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which operation a tool is, by its definition.
pub(super) fn shape_of(tool: &Map<String, Value>) -> Option<HeaderValue> {
    shape_header(tool.get("_meta")?.get(OPERATION)?.as_str()?)
}

fn shape_header(shape: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&crate::model::Digest::of(shape.as_bytes()).to_hex()).ok()
}

/// The result of the tool. What the API refuses is for the model to read.
async fn result_of(operation: &ApiOperation, mut response: Streamed) -> Result<Value, Failure> {
    let status = response.status;
    let kind = response.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let body = response.rest().await?;
    let is_json = kind == "application/json" || kind.ends_with("+json");
    let text = std::str::from_utf8(&body).ok();
    let text = text.filter(|_| is_json || kind.starts_with("text/") || body.is_empty());
    let said = match text {
        Some("") => format!("The API answered {status}."),
        Some(text) => text.to_owned(),
        None => format!(
            "The API answered {status} with {} bytes of another kind.",
            body.len()
        ),
    };
    if !status.is_success() {
        let said: String = said.chars().take(LONGEST_ERROR).collect();
        let status = format!("The API answered {status}.");
        let mut content = vec![json!({ "type": "text", "text": status })];
        if said != status {
            content.push(json!({ "type": "text", "text": said }));
        }
        return Ok(json!({ "content": content, "isError": true, "resultType": "complete" }));
    }
    let structured = is_json
        .then(|| strict_json(&body, MESSAGE_DEPTH).ok())
        .flatten()
        .filter(Value::is_object);
    let content = json!([{ "type": "text", "text": said }]);
    let mut result = json!({ "content": content, "resultType": "complete" });
    let is_promised = operation.is_structured && structured.is_none();
    if let Value::Object(result) = &mut result {
        if let Some(structured) = structured {
            result.insert("structuredContent".to_owned(), structured);
        }
        if is_promised || text.is_none() {
            result.insert("isError".to_owned(), json!(true));
        }
    }
    Ok(result)
}
