//! The MCP endpoint over Streamable HTTP (2026-07-28 and 2025-11-25 basic/transports).

use axum::extract::Request as HttpRequest;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;

use super::error::{Fault, RpcError};
use super::headers::{self, Accepts};
use super::incoming::{Incoming, whole};
use super::message::{self, Message, Notification, Request, RequestId, Unchecked};
use super::reply::Reply;
use super::revision::Revision;

/// Reads the message of a POST and checks that its headers agree with it.
pub fn accept(headers: &HeaderMap, body: &[u8]) -> Result<Message, RpcError> {
    headers::check_content_type(headers)?;
    Accepts::of(headers)?;
    match message::parse(body)? {
        Unchecked::Request { id, call } => accept_request(headers, id, call).map(Message::Request),
        Unchecked::Notification(notification) => {
            declared(headers)?;
            Ok(Message::Notification(notification))
        }
        Unchecked::Response(response) => {
            // 2026-07-28 streamable-http, sending messages: clients must not send any.
            if declared(headers)?.is_modern() {
                return Err(Fault::InvalidRequest("a response answers nothing here").into());
            }
            Ok(Message::Response(response))
        }
    }
}

/// POST: answers the [`Message`] that stands in the request's extensions, with the
/// [`Dispatcher`](super::Dispatcher) of its tenant and its
/// [`Permit`](crate::resource_server::Permit).
pub async fn post(mut http: HttpRequest) -> Response {
    let message = http.extensions_mut().remove::<Message>();
    let (Some(incoming), Some(message)) = (Incoming::of(http), message) else {
        return RpcError::from(Fault::Internal).into_response();
    };
    let answered = match message {
        Message::Request(request) => incoming.request(request).await,
        Message::Notification(notification) => incoming.notification(&notification).await,
        Message::Response(response) => incoming.response(response).await,
    };
    answered.unwrap_or_else(RpcError::into_response)
}

/// GET: the stream of a session, or the rest of one that was lost (2025-11-25 basic/transports).
/// There is none without a session, nor in 2026-07-28.
pub async fn get(http: HttpRequest) -> Response {
    match Incoming::of(http) {
        Some(incoming) => incoming.get().await.unwrap_or_else(RpcError::into_response),
        None => RpcError::from(Fault::Internal).into_response(),
    }
}

/// DELETE: ends a session (2025-11-25 basic/transports, session management).
pub async fn delete(http: HttpRequest) -> Response {
    match Incoming::of(http) {
        Some(incoming) => {
            let ended = incoming.delete().await;
            ended.unwrap_or_else(RpcError::into_response)
        }
        None => RpcError::from(Fault::Internal).into_response(),
    }
}

/// The response to a POST with these `headers` that is answered before it gets to its dispatcher.
#[must_use]
pub fn answer(headers: &HeaderMap, reply: Reply) -> Response {
    match Accepts::of(headers) {
        Ok(accepts) => whole(Ok(reply), accepts),
        Err(fault) => RpcError::from(fault).into_response(),
    }
}

fn accept_request(
    headers: &HeaderMap,
    id: RequestId,
    call: Notification,
) -> Result<Request, RpcError> {
    let revision = headers::protocol_version(headers).and_then(|version| {
        let revision = Revision::of(&call.params, version, Revision::UNDECLARED)?;
        if revision.is_modern() && version.is_none() {
            return Err(Fault::HeaderMismatch("MCP-Protocol-Version"));
        }
        Ok(revision)
    });
    let revision = match revision {
        Ok(revision) => revision,
        Err(fault) => return Err(fault.of(id)),
    };
    let mut request = Request::checked(id, call, revision)?;
    // Earlier revisions know none of these headers; nothing here ever trusts them either.
    if revision.is_modern() {
        if let Err(fault) = headers::check_agreement(headers, &request) {
            return Err(fault.of(request.id));
        }
        request.param_headers = Some(headers::params(headers));
    }
    Ok(request)
}

/// The revision of a message that carries no metadata.
pub(super) fn declared(headers: &HeaderMap) -> Result<Revision, Fault> {
    headers::protocol_version(headers)?.map_or(Ok(Revision::UNDECLARED), Revision::named)
}
