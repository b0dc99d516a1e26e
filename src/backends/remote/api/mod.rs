//! An HTTP API that an OpenAPI document describes, as a server whose tools are its operations: it
//! answers the gateway's own messages, and each call is one request to the API.

mod answer;
mod request;
mod written;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use url::Url;

use super::super::RelayedError;
use super::credentials::Credentials;
use super::failure::Failure;
use super::message::Heard;
use super::result::ServerResult;
use super::speech::MODERN;
use crate::egress::{Channel, Streamed};
use crate::model::{ApiDescription, ApiOperation, LARGEST_DOCUMENT, OPERATION};
use crate::telemetry::trace;
use request::ApiRequest;

/// An API at an address.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) label: String,
    /// What the paths of the document are below. The document has no say in it.
    pub(super) base: Url,
    pub(super) channel: Channel,
    pub(super) source: ApiSource,
    pub(super) credentials: Credentials,
    /// The header that the credentials are in.
    pub(super) credential: Option<HeaderName>,
    /// How many bytes an answer may have.
    pub(super) max_response: usize,
    /// What the document said when it was read last.
    pub(super) known: Mutex<Option<Arc<ApiDescription>>>,
}

/// Where the document is.
#[derive(Clone, Debug)]
pub(super) enum ApiSource {
    /// It was read with the configuration.
    Here(Arc<ApiDescription>),
    /// At an address, which gets no credentials.
    Address(Channel),
}

/// For how many milliseconds the operations may be kept.
const TTL_MS: u64 = 600_000;

/// A document takes many times its size while it is read: there are never many.
static READING: Semaphore = Semaphore::const_new(2);

/// JSON-RPC 2.0 §5.1
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

impl Api {
    /// What comes of one request.
    pub(super) async fn answer(&self, body: &Bytes) -> Result<Heard, Failure> {
        let Ok(Heard::Request { id, method, params }) = Heard::read(body) else {
            return Err(Failure::Protocol("no request"));
        };
        let members = match method.as_str() {
            "server/discover" => Ok(discovered()),
            "tools/list" => Ok(self.list().await?),
            "tools/call" => self.call(params).await,
            _ => Err(refusal(METHOD_NOT_FOUND, "an API has tools only")),
        };
        Ok(Heard::Response {
            id: id.as_u64(),
            outcome: members.map(|members| ServerResult::of(&members)),
        })
    }

    /// True for what is known without asking anybody.
    pub(super) fn answers_itself(&self, method: &str) -> bool {
        match method {
            "tools/call" => false,
            "tools/list" => matches!(self.source, ApiSource::Here(_)),
            _ => true,
        }
    }

    /// All operations of the document.
    async fn list(&self) -> Result<Map<String, Value>, Failure> {
        let read = match &self.source {
            ApiSource::Here(description) => Arc::clone(description),
            ApiSource::Address(channel) => Arc::new(self.fetch(channel).await?),
        };
        let before = self.known().replace(Arc::clone(&read));
        let was_told = before.is_some_and(|before| before.left_out == read.left_out);
        for remark in read.left_out.iter().filter(|_| !was_told) {
            let (operation, reason) = (&remark.place, &remark.reason);
            tracing::warn!(
                server = self.label,
                operation,
                reason,
                "an operation of an API is left out"
            );
        }
        let tools: Vec<_> = read.operations.iter().map(|it| it.tool.clone()).collect();
        let listed = json!({ "tools": tools, "resultType": "complete", "ttlMs": TTL_MS });
        Ok(members_of(listed))
    }

    /// Reads the document at its address, as nobody in particular.
    async fn fetch(&self, channel: &Channel) -> Result<ApiDescription, Failure> {
        let mut headers = HeaderMap::new();
        let kinds = HeaderValue::from_static("application/json, application/yaml, */*;q=0.5");
        headers.insert(ACCEPT, kinds);
        let sent = channel.send(Method::GET, headers, Bytes::new(), LARGEST_DOCUMENT);
        let mut response = sent.await?;
        if response.status != StatusCode::OK {
            let status = response.status.as_u16();
            tracing::warn!(
                server = self.label,
                status,
                "an OpenAPI document can't be had"
            );
            return Err(Failure::Unreachable);
        }
        let text = response.rest().await?;
        let credential = self.credential.clone();
        let turn = READING.acquire().await;
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            ApiDescription::read(&text, credential.as_ref())
        });
        let read = read.await.map_err(|_| Failure::Unreachable)?;
        read.map_err(|mistakes| {
            for mistake in mistakes {
                let (place, reason) = (mistake.place, mistake.reason);
                tracing::warn!(
                    server = self.label,
                    place,
                    reason,
                    "a mistake in an OpenAPI document"
                );
            }
            Failure::Protocol("its OpenAPI document can't be used")
        })
    }

    async fn call(&self, mut params: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let known = self.known().clone();
        let name = params.get("name").and_then(Value::as_str);
        let found = known.as_ref().and_then(|known| {
            let mut all = known.operations.iter();
            all.find(|operation| Some(operation.name()) == name)
        });
        let Some(operation) = found else {
            return Err(refusal(INVALID_PARAMS, "unknown tool"));
        };
        // What was approved is one operation: no other one is called under its name.
        if params.get(OPERATION).and_then(Value::as_str) != Some(operation.shape()) {
            let why = "the operation of this tool has changed: list the tools again";
            return Err(refusal(INVALID_PARAMS, why));
        }
        let arguments = match params.shift_remove("arguments") {
            Some(Value::Object(arguments)) => arguments,
            Some(_) | None => Map::new(),
        };
        let made = operation.check_arguments(&arguments);
        let made = made.and_then(|()| request::of(operation, &self.base, &arguments));
        match made {
            Ok(request) => {
                let response = self.send(operation, &request).await?;
                answer::result(operation, response).await
            }
            Err(why) => Ok(answer::told(&why)),
        }
    }

    /// Sends a request with the gateway's credentials, once more where they had ended.
    async fn send(
        &self,
        operation: &ApiOperation,
        request: &ApiRequest,
    ) -> Result<Streamed, Failure> {
        let mut renewed = false;
        loop {
            let mut headers = request.headers.clone();
            trace::inject(&mut headers);
            self.credentials.add_to(&mut headers).await?;
            let place = (operation.method.clone(), request.url.clone());
            let body = request.body.clone();
            let sent = self
                .channel
                .send_to(place, headers, body, self.max_response);
            let response = sent.await?;
            return match response.status {
                StatusCode::UNAUTHORIZED if !renewed && self.credentials.renew().await => {
                    renewed = true;
                    continue;
                }
                StatusCode::UNAUTHORIZED => Err(Failure::NotLetIn),
                // What the person may not do there is no reason to keep the API from anybody.
                StatusCode::FORBIDDEN if self.credentials.are_of_person() => Err(Failure::NotLetIn),
                _ => Ok(response),
            };
        }
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<ApiDescription>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which operation a tool is, by its definition.
pub(super) fn operation_of(tool: &Map<String, Value>) -> Option<&Value> {
    tool.get("_meta")?.get(OPERATION)
}

fn discovered() -> Map<String, Value> {
    members_of(json!({
        "supportedVersions": [MODERN], "capabilities": { "tools": {} },
        "resultType": "complete", "ttlMs": TTL_MS,
    }))
}

fn members_of(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value {
        members
    } else {
        Map::new()
    }
}

fn refusal(code: i64, message: &str) -> Failure {
    Failure::Error(Box::new(RelayedError {
        code,
        message: message.to_owned(),
        data: None,
        is_modern: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{ChannelSettings, SystemLookup};

    #[tokio::test]
    async fn k02_what_was_approved_is_called_and_no_other_operation_of_its_name() {
        let text = b"openapi: 3.1.0\npaths: {/a: {delete: {operationId: a}}}\n";
        let description = Arc::new(ApiDescription::read(text, None).unwrap());
        let base = Url::parse("https://api.example.com/").unwrap();
        let settings = ChannelSettings {
            allow_private: Vec::new(),
            connect_timeout: std::time::Duration::from_secs(1),
        };
        let lookup = Arc::new(SystemLookup);
        let api = Api {
            label: "test".to_owned(),
            channel: Channel::new(base.clone(), &settings, lookup).unwrap(),
            base,
            source: ApiSource::Here(Arc::clone(&description)),
            credentials: Credentials::None,
            credential: None,
            max_response: 1024,
            known: Mutex::new(Some(description)),
        };
        for approved in [json!("GET /a"), Value::Null] {
            let params = json!({ "name": "a", OPERATION: approved });
            let called = api.call(members_of(params)).await;
            let why = "the operation of this tool has changed: list the tools again";
            assert_eq!(called, Err(refusal(INVALID_PARAMS, why)));
        }
    }
}
