//! The MCP endpoint over Streamable HTTP (2026-07-28 and 2025-11-25 basic/transports).

use std::future::{Ready, ready};
use std::sync::Arc;

use axum::extract::Request as HttpRequest;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use super::dispatch::Dispatcher;
use super::error::{Fault, RpcError};
use super::exchange::{Exchange, Outgoing};
use super::headers::{self, Accepts};
use super::message::{self, Message, Notification, Request, RequestId, Unchecked};
use super::reply::Reply;
use super::revision::Revision;
use super::sse;
use crate::resource_server::Permit;

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
        Unchecked::Response => {
            // 2026-07-28 streamable-http, sending messages: clients must not send any.
            if declared(headers)?.is_modern() {
                return Err(Fault::InvalidRequest("a response answers nothing here").into());
            }
            Ok(Message::Response)
        }
    }
}

/// POST: answers the [`Message`] that stands in the request's extensions, with the
/// [`Dispatcher`] of its tenant and, if it is a request, its [`Permit`].
pub async fn post(mut http: HttpRequest) -> Response {
    let accepts = match Accepts::of(http.headers()) {
        Ok(accepts) => accepts,
        Err(fault) => return RpcError::from(fault).into_response(),
    };
    let extensions = http.extensions_mut();
    match extensions.remove::<Message>() {
        Some(Message::Request(request)) => {
            let id = request.id().clone();
            match exchange(extensions, request, accepts) {
                Some(exchange) => respond(exchange, accepts).await,
                None => Fault::Internal.of(id).into_response(),
            }
        }
        // Nothing that a client may notify of concerns a server without sessions; on this
        // transport a request is given up by hanging up.
        Some(Message::Notification(_) | Message::Response) => StatusCode::ACCEPTED.into_response(),
        None => RpcError::from(Fault::Internal).into_response(),
    }
}

/// The response to a POST with these `headers` that is answered before it gets to its dispatcher.
#[must_use]
pub fn answer(headers: &HeaderMap, reply: Reply) -> Response {
    match Accepts::of(headers) {
        Ok(accepts) => whole(reply, accepts),
        Err(fault) => RpcError::from(fault).into_response(),
    }
}

/// GET: there is no stream of the server's own to open (2025-11-25 basic/transports; 2026-07-28
/// streamable-http, earlier revisions).
pub fn get() -> Ready<Response> {
    ready(RpcError::from(Fault::HttpMethod).into_response())
}

/// DELETE: there is no session to end.
pub fn delete() -> Ready<Response> {
    ready(RpcError::from(Fault::HttpMethod).into_response())
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
fn declared(headers: &HeaderMap) -> Result<Revision, Fault> {
    headers::protocol_version(headers)?.map_or(Ok(Revision::UNDECLARED), Revision::named)
}

fn exchange(extensions: &mut Extensions, request: Request, accepts: Accepts) -> Option<Exchange> {
    let dispatcher = extensions.remove::<Arc<Dispatcher>>()?;
    let permit = extensions.remove::<Permit>()?;
    Some(Exchange::new(dispatcher, permit, request, accepts.events))
}

fn whole(reply: Reply, accepts: Accepts) -> Response {
    if !accepts.json {
        return sse::once(Ok(reply));
    }
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (json, reply.into_bytes()).into_response()
}

/// One JSON object, unless there is progress to tell first. When the client hangs up before that,
/// the server drops this future and the exchange with it.
async fn respond(mut exchange: Exchange, accepts: Accepts) -> Response {
    match exchange.next().await {
        Some(Outgoing::Progress(first)) => sse::stream(first, exchange),
        Some(Outgoing::Response(Ok(reply))) => whole(reply, accepts),
        Some(Outgoing::Response(Err(error))) => error.into_response(),
        None => RpcError::from(Fault::Internal).into_response(),
    }
}
