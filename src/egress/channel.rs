//! Requests to one address that an operator configured, whose answers are read as they come: a
//! bound for every byte, no redirects, and only addresses that may be reached.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use ipnet::IpNet;
use url::{Host, Url};

use super::USER_AGENT;
use super::client::{EgressError, kind_of};
use super::guard::{GuardError, reason_of};
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
    http: reqwest::Client,
    url: Url,
}

/// A response of which the body still comes. To drop it is to hang up.
#[derive(Debug)]
pub struct Streamed {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
    left: usize,
}

impl Channel {
    /// A channel to `url` that asks `lookup` for addresses. It reads no environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes a streaming HTTP client"
    )]
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
        let http = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .dns_resolver(Arc::new(VettedResolver { lookup, reachable }))
            .build()
            .map_err(|_| EgressError::Setup)?;
        Ok(Self { http, url })
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
        self.send_to((method, self.url.clone()), headers, body, max_body)
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
        let request = self.http.request(method, url);
        let request = request.headers(headers).body(body);
        let mut response = request.send().await.map_err(|error| reason_of(&error))?;
        Ok(Streamed {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            response,
            left: max_body,
        })
    }
}

impl Streamed {
    /// The next piece of the body; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        let chunk = self.response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| kind_of(&error))? else {
            return Ok(None);
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
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}
