//! Streamable HTTP towards a mounted server (2026-07-28 and 2025-11-25 basic/transports).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::credentials::Credentials;
use super::events::Events;
use super::failure::Failure;
use super::headers::{self, LAST_EVENT, SESSION};
use super::message::Heard;
use super::transport::Conversation;
use crate::egress::{Channel, EgressError, Streamed};
use crate::telemetry::trace;

/// A server at an address.
#[derive(Clone, Debug)]
pub(super) struct HttpTransport {
    pub(super) channel: Channel,
    pub(super) credentials: Credentials,
    /// How many bytes an answer may have.
    pub(super) max_response: usize,
}

/// What comes for one request, until its response. To drop it is to hang up.
#[derive(Debug)]
pub(super) struct HttpConversation {
    transport: Arc<HttpTransport>,
    /// The headers for coming back to a stream that was lost.
    headers: HeaderMap,
    body: Body,
    reconnections: u32,
}

#[derive(Debug)]
enum Body {
    Stream(Box<Streamed>, Events),
    /// A stream that ended without the response.
    Lost(Events),
    Over,
}

/// How often a stream is come back to that ends without the response.
const RECONNECTIONS: u32 = 20;

/// How long is waited before that, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// How many bytes the body of a refusal may have.
const REFUSAL: usize = 64 * 1024;

impl HttpTransport {
    /// Sends a request. With what comes of it come the headers of the response.
    pub(super) async fn open(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<(HeaderMap, Conversation), Failure> {
        self.open_bounded(headers, body, self.max_response).await
    }

    /// Sends a request whose answers have no end; each has a bound all the same.
    pub(super) async fn open_endless(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Conversation, Failure> {
        let (_, conversation) = self.open_bounded(headers, body, usize::MAX).await?;
        Ok(conversation)
    }

    async fn open_bounded(
        self: &Arc<Self>,
        headers: &HeaderMap,
        body: Bytes,
        bound: usize,
    ) -> Result<(HeaderMap, Conversation), Failure> {
        let mut response = self.post(headers, body, bound).await?;
        let kind = content_type(&response.headers);
        let answered = std::mem::take(&mut response.headers);
        let conversation = match kind {
            Kind::Json => {
                let body = response.rest().await?;
                Conversation::Whole(Some(Box::new(Heard::read(&body)?)))
            }
            Kind::Events if response.status == StatusCode::OK => {
                let events = Events::new(self.max_response);
                Conversation::Http(Box::new(HttpConversation {
                    transport: Arc::clone(self),
                    headers: headers.clone(),
                    body: Body::Stream(Box::new(response), events),
                    reconnections: 0,
                }))
            }
            Kind::Events | Kind::Other => {
                return Err(Failure::Protocol(
                    "an answer that is neither JSON nor events",
                ));
            }
        };
        Ok((answered, conversation))
    }

    /// Sends a message that has no answer.
    pub(super) async fn send(&self, headers: &HeaderMap, body: Bytes) -> Result<(), Failure> {
        self.post(headers, body, REFUSAL).await.map(|_| ())
    }

    /// Opens the stream of what happens (2025-11-25 basic/transports). None where the server has no
    /// such stream.
    pub(super) async fn listen(
        self: &Arc<Self>,
        headers: &HeaderMap,
    ) -> Result<Option<HttpConversation>, Failure> {
        let found = self.stream(headers, None).await?;
        Ok(found.map(|(response, events)| HttpConversation {
            transport: Arc::clone(self),
            headers: headers.clone(),
            body: Body::Stream(Box::new(response), events),
            reconnections: 0,
        }))
    }

    /// A stream, from the event `last` on.
    async fn stream(
        &self,
        headers: &HeaderMap,
        last: Option<&str>,
    ) -> Result<Option<(Streamed, Events)>, Failure> {
        let mut headers = headers.clone();
        headers.remove(CONTENT_TYPE);
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(last) = last.and_then(|last| HeaderValue::from_str(last).ok()) {
            headers.insert(LAST_EVENT, last);
        }
        let has_session = headers.contains_key(SESSION);
        self.credentials.add_to(&mut headers).await?;
        let sent = self
            .channel
            .send(Method::GET, headers, Bytes::new(), usize::MAX);
        let response = sent.await?;
        match (response.status, content_type(&response.headers)) {
            (StatusCode::OK, Kind::Events) => Ok(Some((response, Events::new(self.max_response)))),
            (StatusCode::NOT_FOUND, _) if has_session => Err(Failure::SessionEnded),
            (status, _) if status.is_server_error() => Err(Failure::Unreachable),
            _ => Ok(None),
        }
    }

    /// Ends a session.
    pub(super) async fn end(&self, mut headers: HeaderMap) {
        if self.credentials.add_to(&mut headers).await.is_ok() {
            let sent = self
                .channel
                .send(Method::DELETE, headers, Bytes::new(), REFUSAL);
            // A server may refuse to end it, or be gone.
            drop(sent.await);
        }
    }

    /// A response with an answer in it, or why there is none.
    async fn post(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        bound: usize,
    ) -> Result<Streamed, Failure> {
        let mut renewed = false;
        loop {
            let mut dressed = headers.clone();
            trace::inject(&mut dressed);
            self.credentials.add_to(&mut dressed).await?;
            let sent = self
                .channel
                .send(Method::POST, dressed, body.clone(), bound);
            let response = sent.await?;
            let status = response.status;
            if status == StatusCode::UNAUTHORIZED && !renewed && self.credentials.renew().await {
                renewed = true;
                continue;
            }
            let has_session = headers.contains_key(SESSION);
            return match status {
                status if status.is_success() => Ok(response),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Credentials),
                StatusCode::NOT_FOUND if has_session => Err(Failure::SessionEnded),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    Err(Failure::Busy)
                }
                status if status.is_server_error() => Err(Failure::Unreachable),
                // 2026-07-28 streamable-http: errors of JSON-RPC have a status of their own.
                _ => match content_type(&response.headers) {
                    Kind::Json => Ok(response),
                    Kind::Events | Kind::Other => Err(Failure::Protocol("a refusal without words")),
                },
            };
        }
    }
}

impl HttpConversation {
    /// The next message; none when the response can't come any more.
    pub(super) async fn next(&mut self) -> Result<Option<Heard>, Failure> {
        loop {
            let (response, events) = match &mut self.body {
                Body::Stream(response, events) => (response, events),
                Body::Lost(_) => {
                    self.come_back().await?;
                    continue;
                }
                Body::Over => return Ok(None),
            };
            if let Some(data) = events.next() {
                return Heard::read(&data.into()).map(Some);
            }
            match response.chunk().await {
                Ok(Some(chunk)) => events.push(&chunk)?,
                Err(EgressError::TooLarge) => return Err(Failure::TooLarge),
                Ok(None) | Err(_) => return self.lose().map(Some),
            }
        }
    }

    /// The stream is at its end. Where its events have ids, it can be come back to.
    fn lose(&mut self) -> Result<Heard, Failure> {
        match std::mem::replace(&mut self.body, Body::Over) {
            Body::Stream(_, events) if events.last_id.is_some() => {
                self.body = Body::Lost(events);
                Ok(Heard::HungUp)
            }
            Body::Stream(..) | Body::Lost(_) | Body::Over => Err(Failure::Unreachable),
        }
    }

    /// Comes back to a stream that ended, where its events have ids (2025-11-25 basic/transports,
    /// resumability).
    async fn come_back(&mut self) -> Result<(), Failure> {
        let Body::Lost(events) = std::mem::replace(&mut self.body, Body::Over) else {
            return Ok(());
        };
        let Some(last) = events.last_id.clone() else {
            return Err(Failure::Unreachable);
        };
        self.reconnections += 1;
        if self.reconnections > RECONNECTIONS {
            return Err(Failure::Unreachable);
        }
        let pause = events.retry.map_or(PAUSE, Duration::from_millis);
        tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        let found = self.transport.stream(&self.headers, Some(&last)).await?;
        let (response, mut again) = found.ok_or(Failure::Unreachable)?;
        again.last_id = Some(last);
        again.retry = events.retry;
        self.body = Body::Stream(Box::new(response), again);
        Ok(())
    }
}

/// What a body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Other,
}

fn content_type(headers: &HeaderMap) -> Kind {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    let essence = essence.unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Kind::Json
    } else if essence.eq_ignore_ascii_case("text/event-stream") {
        Kind::Events
    } else {
        Kind::Other
    }
}

/// The headers of a POST within a session.
pub(super) fn in_session(revision: &str, session: Option<&HeaderValue>) -> HeaderMap {
    let mut all = headers::of_post();
    if let Ok(revision) = HeaderValue::from_str(revision) {
        all.insert(headers::VERSION, revision);
    }
    if let Some(session) = session {
        all.insert(SESSION, session.clone());
    }
    all
}
