//! What operators see of a request to somebody else: a span, and how long it took. Neither has its path
//! or query.

use bytes::Bytes;
use http::Response;
use tokio::time::Instant;
use url::Url;

use super::client::EgressError;
use crate::telemetry::Meters;
use crate::telemetry::trace::{self, Span};

/// Who is asked, as operators know them, and what measures that.
#[derive(Clone, Debug)]
pub struct Watched {
    /// What measures it.
    pub meters: Meters,
    /// Our name for them.
    pub peer: &'static str,
}

/// A request that is under way.
pub(super) struct Watch<'a> {
    watched: Option<&'a Watched>,
    span: Span,
    began: Instant,
}

impl<'a> Watch<'a> {
    pub(super) fn begin(watched: Option<&'a Watched>, method: &'static str, url: &Url) -> Self {
        let mut span = trace::request(method);
        if span.is_recorded() {
            span.set("http.request.method", method);
            span.set(
                "server.address",
                url.host_str().unwrap_or_default().to_owned(),
            );
            if let Some(watched) = watched {
                span.set("gatehouse.peer", watched.peer);
            }
        }
        Self {
            watched,
            span,
            began: Instant::now(),
        }
    }

    /// This came of it.
    pub(super) fn end(mut self, outcome: Result<&Response<Bytes>, EgressError>) {
        let error = match outcome {
            Ok(response) => {
                let status = response.status();
                let code = i64::from(status.as_u16());
                self.span.set("http.response.status_code", code);
                if status.is_server_error() {
                    Some("5xx")
                } else if status.is_client_error() {
                    Some("4xx")
                } else {
                    None
                }
            }
            Err(error) => Some(error.kind()),
        };
        if let Some(error) = error {
            self.span.fail(error);
        }
        if let Some(Watched { meters, peer }) = self.watched {
            meters.asked(peer, error, self.began.elapsed());
        }
    }
}

impl EgressError {
    const fn kind(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Connection => "connection",
            Self::TimedOut => "timeout",
            Self::TooLarge => "too_large",
        }
    }
}
