//! What a request over HTTP comes to, in whichever revision (2026-07-28 and 2025-11-25
//! basic/transports).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request as HttpRequest;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use super::dispatch::Dispatcher;
use super::edge::NOTE_TTL;
use super::error::{Fault, RpcError};
use super::exchange::{Exchange, Outcome, Outgoing, Way};
use super::headers::{self, Accepts};
use super::http::declared;
use super::lasting::{self, Opened, Stream};
use super::listen::{Listener, QUIET};
use super::message::{ClientResponse, Notification, Request, RequestId};
use super::outbox::{Item, Outbox};
use super::revision::Revision;
use super::session::Session;
use super::sse;
use crate::resource_server::Permit;
use crate::telemetry::origin;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// After how long without an answer a stream is opened, so that everybody on the way sees life.
const OPEN_AFTER: Duration = Duration::from_secs(5);

/// How long an id may be that a stream's handle carries.
const SHORT_ID: usize = 128;

/// A request of HTTP after its stations: who asks whom.
pub(super) struct Incoming {
    dispatcher: Arc<Dispatcher>,
    permit: Permit,
    headers: HeaderMap,
}

impl Incoming {
    pub(super) fn of(http: HttpRequest) -> Option<Self> {
        let (head, _) = http.into_parts();
        let mut extensions = head.extensions;
        Some(Self {
            dispatcher: extensions.remove()?,
            permit: extensions.remove()?,
            headers: head.headers,
        })
    }

    pub(super) async fn request(&self, mut request: Request) -> Result<Response, RpcError> {
        let accepts = Accepts::of(&self.headers)?;
        let id = request.id.clone();
        let modern = request.revision.is_modern();
        let begins = !modern && request.method == "initialize";
        if !modern && !begins {
            let session = self.session().map_err(|fault| fault.of(id.clone()))?;
            if let Some(session) = &session {
                self.agree(session).map_err(|fault| fault.of(id.clone()))?;
                request.revision = session.revision;
            }
            request.session = session;
        }
        if modern && request.method == "subscriptions/listen" {
            return self
                .listen(&request, accepts)
                .await
                .map_err(|fault| fault.of(id));
        }
        let lasts = matches!(
            request.method.as_str(),
            "tools/call" | "prompts/get" | "resources/read"
        );
        let session = request.session.clone().filter(|_| lasts);
        let begun = begins.then(|| self.begin_session(&request)).transpose();
        let begun = begun.map_err(|fault| fault.of(id.clone()))?;
        let way = Way {
            events: accepts.events,
        };
        let dispatcher = Arc::clone(&self.dispatcher);
        let exchange = Exchange::new(dispatcher, self.permit.clone(), request, way)?;
        let mut response = match session {
            Some(session) => self.lasting(exchange, session, id, accepts).await,
            None => self.direct(exchange, id, accepts).await,
        };
        if let Some(begun) = begun.and_then(|id| HeaderValue::try_from(id).ok())
            && response.status() == StatusCode::OK
        {
            response.headers_mut().insert(SESSION, begun);
        }
        Ok(response)
    }

    /// One JSON object, unless there is something to tell first. When the client hangs up before
    /// that, the server drops this future and the exchange with it.
    async fn direct(&self, mut exchange: Exchange, id: RequestId, accepts: Accepts) -> Response {
        let first = loop {
            let next = exchange.next();
            let first = if accepts.events {
                match tokio::time::timeout(OPEN_AFTER, next).await {
                    Ok(first) => first,
                    Err(_) => break None,
                }
            } else {
                next.await
            };
            match first {
                Some(Outgoing::Response(outcome)) => return whole(outcome, accepts),
                Some(Outgoing::Note(message) | Outgoing::Question(message)) => break Some(message),
                Some(Outgoing::HangUp) => {}
                None => return RpcError::from(Fault::Internal).into_response(),
            }
        };
        let direct = sse::Direct {
            edge: Arc::clone(self.dispatcher.edge()),
            principal: self.permit.holder(),
            exchange,
            id,
        };
        sse::direct(first, direct)
    }

    /// The same for a call that goes on when the client hangs up.
    async fn lasting(
        &self,
        exchange: Exchange,
        session: Session,
        id: RequestId,
        accepts: Accepts,
    ) -> Response {
        let edge = self.dispatcher.edge();
        let outbox = Arc::new(Outbox::default());
        let reader = outbox.attach();
        let cancelled = edge.bell(lasting::cancellation(&session, &id));
        let run = lasting::run(
            Arc::clone(edge),
            self.permit.holder(),
            exchange,
            Arc::clone(&outbox),
            (id.clone(), cancelled),
        );
        tokio::spawn(origin::carried(run));
        let first = outbox.next(reader, 0);
        let first = if accepts.events {
            tokio::time::timeout(OPEN_AFTER, first).await.ok().flatten()
        } else {
            first.await
        };
        match first {
            Some((_, Item::Response(outcome))) => return whole(outcome, accepts),
            // Cancelled: nothing is to be said about it any more.
            None if outbox.is_cancelled() => return StatusCode::ACCEPTED.into_response(),
            Some((_, Item::Message(_))) | None => {}
        }
        let is_short = serde_json::to_vec(&id).is_ok_and(|id| id.len() <= SHORT_ID);
        let opened = Opened::Call(is_short.then(|| id.clone()));
        let stream = match edge.name_stream(self.permit.principal(), &session, &opened) {
            Ok(stream) => stream,
            Err(fault) => return fault.of(id).into_response(),
        };
        edge.keep(&self.permit.holder(), &stream, &outbox);
        sse::resumable(sse::Resumable {
            outbox,
            reader,
            next: 0,
            stream,
            // Earlier clients take the empty event for a broken message.
            primed: session.revision >= Revision::V2025_11_25,
            quiet: QUIET,
        })
    }

    async fn listen(&self, request: &Request, accepts: Accepts) -> Result<Response, Fault> {
        if !accepts.events {
            return Err(Fault::Accept);
        }
        let dispatcher = Arc::clone(&self.dispatcher);
        let listener = Listener::of_request(dispatcher, &self.permit, request).await?;
        Ok(sse::listening(listener, None))
    }

    pub(super) async fn notification(
        &self,
        notification: &Notification,
    ) -> Result<Response, RpcError> {
        let accepted = StatusCode::ACCEPTED.into_response();
        let Some(session) = self.session()? else {
            return Ok(accepted);
        };
        if notification.method == "notifications/cancelled"
            && let Some(id) = RequestId::referred(&notification.params)
        {
            let tenant = &self.permit.principal().tenant;
            let topic = lasting::cancellation(&session, &id);
            let bounds = (NOTE_TTL, 1);
            let edge = self.dispatcher.edge();
            edge.leave(tenant, topic, String::new(), bounds).await?;
        }
        Ok(accepted)
    }

    pub(super) async fn response(&self, response: ClientResponse) -> Result<Response, RpcError> {
        if let Some(session) = self.session()? {
            let edge = self.dispatcher.edge();
            let principal = self.permit.principal();
            edge.take_answer(principal, &session, response).await?;
        }
        Ok(StatusCode::ACCEPTED.into_response())
    }

    pub(super) async fn get(&self) -> Result<Response, RpcError> {
        let session = self.session()?.ok_or(Fault::HttpMethod)?;
        self.agree(&session)?;
        if !Accepts::of(&self.headers)?.events {
            return Err(Fault::Accept.into());
        }
        let edge = self.dispatcher.edge();
        let principal = self.permit.principal();
        let last = self.headers.get(LAST_EVENT);
        let last = last.and_then(|value| value.to_str().ok()).map(|last| {
            let (handle, number) = last.rsplit_once('.')?;
            let opened = edge.open_stream(principal, &session, handle)?;
            Some((opened, number.parse().ok()?))
        });
        match last {
            // 2025-11-25 basic/transports: of one stream, what another one said is not told.
            Some(None) => Err(Fault::UnknownEvent.into()),
            Some(Some(((stream, Opened::Call(id)), number))) => {
                self.resume(stream, id, number).await
            }
            Some(Some(((_, Opened::Listening), _))) => self.listen_again(session, true).await,
            None => self.listen_again(session, false).await,
        }
    }

    async fn listen_again(&self, session: Session, again: bool) -> Result<Response, RpcError> {
        let edge = self.dispatcher.edge();
        let principal = self.permit.principal();
        let stream = edge.name_stream(principal, &session, &Opened::Listening)?;
        let dispatcher = Arc::clone(&self.dispatcher);
        let name = (stream.handle.clone(), again);
        let primed = session.revision >= Revision::V2025_11_25;
        let listener = Listener::of_session(dispatcher, &self.permit, session, name).await?;
        Ok(sse::listening(listener, Some(stream).filter(|_| primed)))
    }

    /// The rest of a call's stream, from the event `next` on.
    async fn resume(
        &self,
        stream: Stream,
        id: Option<RequestId>,
        next: u64,
    ) -> Result<Response, RpcError> {
        let edge = self.dispatcher.edge();
        if let Some(outbox) = edge.kept(&stream) {
            let reader = outbox.attach();
            return Ok(sse::resumable(sse::Resumable {
                outbox,
                reader,
                next,
                stream,
                primed: false,
                quiet: QUIET,
            }));
        }
        let principal = self.permit.holder();
        let bell = edge.fetch(&principal, &stream).await?;
        Ok(sse::elsewhere(sse::Elsewhere {
            edge: Arc::clone(edge),
            principal,
            stream,
            bell,
            next,
            id,
            told_at: None,
            since: Instant::now(),
        }))
    }

    pub(super) async fn delete(&self) -> Result<Response, RpcError> {
        let session = self.session()?.ok_or(Fault::HttpMethod)?;
        let tenant = &self.permit.principal().tenant;
        self.dispatcher.edge().end_session(tenant, &session).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }

    /// The session that the request names. One that is not the caller's is as unknown as one that
    /// never was.
    fn session(&self) -> Result<Option<Session>, Fault> {
        if declared(&self.headers)?.is_modern() {
            // 2026-07-28 streamable-http: the header means nothing.
            return Ok(None);
        }
        let Some(id) = self.headers.get(SESSION) else {
            return Ok(None);
        };
        let edge = self.dispatcher.edge();
        let id = id.to_str().map_err(|_| Fault::UnknownSession)?;
        let session = edge.session(self.permit.principal(), id);
        session.map(Some).ok_or(Fault::UnknownSession)
    }

    /// 2025-11-25 basic/transports: what was negotiated is what the header says.
    fn agree(&self, session: &Session) -> Result<(), Fault> {
        match headers::protocol_version(&self.headers)? {
            Some(version) if version != session.revision.name() => Err(Fault::InvalidRequest(
                "MCP-Protocol-Version is not what the session negotiated",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn begin_session(&self, request: &Request) -> Result<String, Fault> {
        let (revision, capabilities) = Dispatcher::negotiated(request)?;
        let edge = self.dispatcher.edge();
        edge.begin_session(self.permit.principal(), revision, capabilities)
    }
}

/// The response with a result, or its error with the status of it.
pub(super) fn whole(outcome: Outcome, accepts: Accepts) -> Response {
    match outcome {
        Ok(reply) if accepts.json => {
            let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (json, reply.into_bytes()).into_response()
        }
        Ok(reply) => sse::once(Ok(reply)),
        Err(error) => error.into_response(),
    }
}
