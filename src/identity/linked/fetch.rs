//! Requests to a mounted server's authorization server: to public addresses and to the networks that
//! the server's description allows, small, soon over, without redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::{LinkError, LinkedAccounts};
use crate::egress::{Channel, ChannelSettings};
use crate::model::UpstreamAddress;

/// What is sent.
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What came back.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(8);
const MAX_BODY: usize = 256 * 1024;

impl Sent {
    pub(super) fn get() -> Self {
        Self {
            method: Method::GET,
            headers: accepting_json(),
            body: Bytes::new(),
        }
    }

    pub(super) fn post(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = accepting_json();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Self {
            method: Method::POST,
            headers,
            body: body.into(),
        }
    }
}

fn accepting_json() -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))])
}

impl LinkedAccounts {
    /// Sends a request to `url`; any status is an answer. Plain http goes to the networks that the
    /// description allows only.
    pub(super) async fn send(
        &self,
        address: &UpstreamAddress,
        url: &Url,
        sent: Sent,
    ) -> Result<Received, LinkError> {
        const FAILED: LinkError =
            LinkError::Unavailable("the server or its authorization server does not answer");
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || !matches!(url.scheme(), "https" | "http") {
            return Err(LinkError::Untrusted("an address is no plain https URL"));
        }
        let settings = ChannelSettings {
            allow_private: address.allow_private.clone(),
            connect_timeout: CONNECT_TIMEOUT,
        };
        let channel = Channel::new(url.clone(), &settings, Arc::clone(&self.lookup));
        let channel = channel.map_err(|_| LinkError::Untrusted("an address may not be reached"))?;
        let exchange = async {
            let Sent {
                method,
                headers,
                body,
            } = sent;
            let mut response = channel.send(method, headers, body, MAX_BODY).await.ok()?;
            let body = response.rest().await.ok()?;
            Some(Received {
                status: response.status,
                headers: std::mem::take(&mut response.headers),
                body,
            })
        };
        let received = tokio::time::timeout(DEADLINE, exchange).await;
        received.ok().flatten().ok_or(FAILED)
    }

    /// The document at `url`; none where there is none.
    pub(super) async fn document(
        &self,
        address: &UpstreamAddress,
        url: &Url,
    ) -> Result<Option<Bytes>, LinkError> {
        let received = self.send(address, url, Sent::get()).await?;
        if received.status == StatusCode::OK {
            return Ok(Some(received.body));
        }
        if received.status.is_server_error() {
            return Err(LinkError::Unavailable("a metadata document can't be had"));
        }
        Ok(None)
    }
}
