//! Requests to one address that an operator configured, whose answers are read as they come: a
//! bound for every byte, no redirects, and only addresses that may be reached.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use ipnet::IpNet;
use tower::Service as _;
use tower_http::decompression::{Decompression, DecompressionBody};
use url::{Host, Url};

use super::USER_AGENT;
use super::client::EgressError;
use super::dial::{Dialled, dial, reason_of, was_not_begun};
use super::guard::GuardError;
use super::resolver::{Lookup, Reachable, VettedResolver};

/// What a channel may do.
#[derive(Clone, Debug)]
pub struct ChannelSettings {
    /// Networks that may be reached although they are not public. Plain http goes there only.
    pub allow_private: Vec<IpNet>,
    /// How long a connection may take to stand, TLS included.
    pub connect_timeout: Duration,
}

/// A client of one address. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Channel {
    http: Arc<Dialled>,
    url: Url,
    uri: Uri,
}

/// A response of which the body still comes. To drop it is to hang up.
pub struct Streamed {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    body: Pin<Box<DecompressionBody<Incoming>>>,
    left: usize,
}

impl Channel {
    /// A channel to `url` that asks `lookup` for addresses. It reads no environment.
    pub fn new(
        url: Url,
        settings: &ChannelSettings,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, GuardError> {
        let reachable = Reachable {
            added: settings.allow_private.clone(),
            public: url.scheme() == "https",
        };
        // The resolver is not asked for an address that is written as such.
        let literal = match url.host().ok_or(GuardError::Host)? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        };
        if literal.is_some_and(|address| !reachable.contains(address)) {
            return Err(GuardError::SpecialUse);
        }
        let resolver = VettedResolver { lookup, reachable };
        let http = dial(resolver, url.scheme() == "https", settings.connect_timeout)?;
        let http = Arc::new(http);
        let uri = uri_of(&url)?;
        Ok(Self { http, url, uri })
    }

    /// Sends a request. A response of any status is a response, redirects among them. Of its body,
    /// `max_body` bytes are read at most, decompressed.
    pub async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
        max_body: usize,
    ) -> Result<Streamed, GuardError> {
        self.send_at((method, self.uri.clone()), headers, body, max_body)
            .await
    }

    /// The same to another place at the same origin.
    pub async fn send_to(
        &self,
        (method, url): (Method, Url),
        headers: HeaderMap,
        body: Bytes,
        max_body: usize,
    ) -> Result<Streamed, GuardError> {
        // Where the channel leads was decided when it was made.
        if url.origin() != self.url.origin() {
            return Err(GuardError::Host);
        }
        let uri = uri_of(&url)?;
        self.send_at((method, uri), headers, body, max_body).await
    }

    async fn send_at(
        &self,
        (method, uri): (Method, Uri),
        mut headers: HeaderMap,
        body: Bytes,
        max_body: usize,
    ) -> Result<Streamed, GuardError> {
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        // Without TLS it is HTTP/1.1, in which nobody says so.
        let mut again = (self.url.scheme() == "https").then(|| request.clone());
        let response = loop {
            let sent = Decompression::new(&*self.http).call(request).await;
            match (sent, again.take()) {
                (Err(error), Some(same)) if was_not_begun(&error) => request = same,
                (sent, _) => break sent.map_err(|error| reason_of(&error))?,
            }
        };
        let (head, body) = response.into_parts();
        Ok(Streamed {
            status: head.status,
            headers: head.headers,
            body: Box::pin(body),
            left: max_body,
        })
    }
}

fn uri_of(url: &Url) -> Result<Uri, GuardError> {
    url.as_str().parse().map_err(|_| GuardError::Host)
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut streamed = f.debug_struct("Streamed");
        streamed
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Streamed {
    /// The next piece of the body; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        let chunk = loop {
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|_| EgressError::Connection)?;
            // What is left are trailers.
            if let Ok(chunk) = frame.into_data() {
                break chunk;
            }
        };
        // The sizes that headers state are of the compressed body, so what arrives is counted.
        self.left = self
            .left
            .checked_sub(chunk.len())
            .ok_or(EgressError::TooLarge)?;
        Ok(Some(chunk))
    }

    /// All that is left of the body.
    pub async fn rest(&mut self) -> Result<Bytes, EgressError> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        // Where its size was said, nothing has to be waited for after the last piece.
        if self.body.size_hint().exact() == Some(0) {
            return Ok(first);
        }
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut body = BytesMut::from(first);
        body.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
