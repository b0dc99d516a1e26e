//! The HTTP client: every deadline and every size has a bound, and no redirect is followed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response};
use url::Url;

use super::tls;
use super::watch::{Watch, Watched};

/// What one kind of upstream may take and how the gateway names itself to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a connection may take to stand, TLS included.
    pub connect_timeout: Duration,
    /// How long the other side may be silent.
    pub read_timeout: Duration,
    /// How long a request may take from start to the last byte of the body.
    pub total_timeout: Duration,
    /// How many bytes a body may have once it is decompressed.
    pub max_body: usize,
    /// The `User-Agent`.
    pub user_agent: String,
}

/// A client for requests to one kind of upstream. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    max_body: usize,
    watched: Option<Watched>,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// The client could not be set up.
    #[error("the HTTP client can't be set up")]
    Setup,
    /// No connection came to be, or it broke before the whole response was there.
    #[error("the connection failed")]
    Connection,
    /// A deadline passed.
    #[error("no response in time")]
    TimedOut,
    /// The body is larger than it may be.
    #[error("the response is too large")]
    TooLarge,
}

impl Client {
    /// A client with these bounds. It reads no environment and installs nothing in the process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that makes an HTTP client"
    )]
    pub fn new(settings: &Settings) -> Result<Self, EgressError> {
        let builder = reqwest::Client::builder()
            .user_agent(settings.user_agent.as_str())
            .connect_timeout(settings.connect_timeout)
            .read_timeout(settings.read_timeout)
            .timeout(settings.total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy();
        Ok(Self {
            http: tls::build(builder)?,
            max_body: settings.max_body,
            watched: None,
        })
    }

    /// The same client, whose requests are measured.
    #[must_use]
    pub fn watched(self, watched: Watched) -> Self {
        let watched = Some(watched);
        Self { watched, ..self }
    }

    /// Gets `url`. A response of any status is a response, redirects among them.
    pub async fn get(&self, url: Url, headers: HeaderMap) -> Result<Response<Bytes>, EgressError> {
        let watch = Watch::begin(self.watched.as_ref(), "GET", &url);
        let answer = self.receive(self.http.get(url).headers(headers)).await;
        watch.end(answer.as_ref().map_err(|error| *error));
        answer
    }

    /// Posts `body` to `url`. A response of any status is a response, redirects among them.
    pub async fn post(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Bytes>, EgressError> {
        let watch = Watch::begin(self.watched.as_ref(), "POST", &url);
        let request = self.http.post(url).headers(headers).body(body);
        let answer = self.receive(request).await;
        watch.end(answer.as_ref().map_err(|error| *error));
        answer
    }

    async fn receive(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Response<Bytes>, EgressError> {
        let response = request.send().await.map_err(|error| kind_of(&error))?;
        receive(response, self.max_body).await
    }
}

/// Reads a response to its end, unless its body has more than `max_body` bytes.
pub(super) async fn receive(
    mut response: reqwest::Response,
    max_body: usize,
) -> Result<Response<Bytes>, EgressError> {
    let mut body = BytesMut::new();
    // The sizes that headers state are of the compressed body, so what arrives is counted.
    while let Some(chunk) = response.chunk().await.map_err(|error| kind_of(&error))? {
        if body.len() + chunk.len() > max_body {
            return Err(EgressError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

pub(super) fn kind_of(error: &reqwest::Error) -> EgressError {
    if error.is_timeout() {
        EgressError::TimedOut
    } else {
        EgressError::Connection
    }
}
