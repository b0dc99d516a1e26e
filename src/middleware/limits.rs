//! Station: how large a request may be, and how long it may take to arrive and be answered.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::Limited;
use tokio::sync::oneshot;

use super::way::{Boxed, Next};
use crate::web;

/// The limits of one group of routes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest body, in bytes.
    pub body: usize,
    /// The longest time until all of the request is there.
    pub arrival: Duration,
    /// The longest time from then on until the answer's head is there.
    pub answer: Duration,
}

/// A body that says when nobody reads it any more: when it is there, or when it isn't wanted.
struct Arriving {
    body: Limited<Body>,
    _arrived: Option<oneshot::Sender<Infallible>>,
}

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

impl Limits {
    /// The longest head of any request, in bytes.
    pub const HEAD: usize = 64 * 1024;
    /// For the OAuth endpoints and pages, whose requests are forms.
    pub const FORMS: Self = Self {
        body: 64 * 1024,
        arrival: HALF_A_MINUTE,
        // Whatever is asked for them, a document or an identity provider, has less.
        answer: Duration::from_secs(15),
    };
    /// For the admin API, whose largest request is a tenant's settings with a logo.
    pub const DOCUMENTS: Self = Self {
        body: 256 * 1024,
        arrival: HALF_A_MINUTE,
        answer: HALF_A_MINUTE,
    };
    /// For provisioning, whose requests are single people and groups.
    pub const RESOURCES: Self = Self {
        body: 1024 * 1024,
        arrival: HALF_A_MINUTE,
        answer: HALF_A_MINUTE,
    };
    /// For the MCP endpoint. A tool has its own, shorter deadlines; a stream's head is sent at once.
    pub const MESSAGES: Self = Self {
        body: 4 * 1024 * 1024,
        arrival: HALF_A_MINUTE,
        answer: Duration::from_mins(2),
    };
}

/// Check: refuses a head that is too long (RFC 6585 §5).
pub fn head((): &(), request: &mut Request) -> Option<Response> {
    let target = request.uri().path_and_query();
    let target = target.map_or(0, |target| target.as_str().len());
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len());
    let is_too_large = target + fields.sum::<usize>() > Limits::HEAD;
    is_too_large.then(|| {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        refuse(status, "The request's head is too large")
    })
}

/// Refuses what is too large before it is read, cuts off what turns out to be, and ends what takes
/// too long.
pub async fn station(limits: Limits, mut request: Boxed, next: Next) -> Response {
    let limit = u64::try_from(limits.body).unwrap_or(u64::MAX);
    if request.body().size_hint().lower() > limit {
        return too_large();
    }
    let (sender, arrived) = oneshot::channel();
    let body = std::mem::take(request.body_mut());
    *request.body_mut() = Body::new(Arriving {
        _arrived: (!body.is_end_stream()).then_some(sender),
        body: Limited::new(body, limits.body),
    });
    let mut answer = next.run(request);
    tokio::select! {
        biased;
        response = &mut answer => return response,
        _ = arrived => {}
        () = tokio::time::sleep(limits.arrival) => return too_slow(),
    }
    // The client did its part.
    let answer = tokio::time::timeout(limits.answer, answer);
    answer.await.unwrap_or_else(|_| unavailable())
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The answer to a body that is longer than its limit.
pub(super) fn too_large() -> Response {
    refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        "The request's body is too large",
    )
}

/// The answer to a request that took longer to arrive than its limit.
pub(super) fn too_slow() -> Response {
    refuse(StatusCode::REQUEST_TIMEOUT, "The request took too long")
}

/// The answer to one that can't be answered in time.
fn unavailable() -> Response {
    tracing::error!("a request could not be answered in time");
    let mut response = web::json_error(
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "This could not be answered in time: try again soon",
    );
    let soon = HeaderValue::from_static("2");
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

fn refuse(status: StatusCode, description: &str) -> Response {
    web::json_error(status, "invalid_request", description)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::Router;
    use axum::routing::post;
    use futures_util::stream;
    use tower::ServiceExt as _;

    use super::*;
    use crate::middleware::way;

    async fn status_of(body: Body, arrival: Duration, answer: Duration) -> StatusCode {
        let limits = Limits {
            body: 1024,
            arrival,
            answer,
        };
        let router = Router::new()
            .route("/", post(async |_: Bytes| pending::<()>().await))
            .layer(way::station(limits, station));
        let request = Request::post("/").body(body).unwrap();
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn who_does_not_answer_in_time_is_blamed_for_it() {
        let (soon, never) = (Duration::from_millis(20), Duration::from_hours(1));
        let endless = || Body::from_stream(stream::pending::<Result<Bytes, axum::Error>>());
        let blamed = status_of(endless(), soon, never).await;
        assert_eq!(blamed, StatusCode::REQUEST_TIMEOUT);
        for body in ["", "a=b"] {
            let blamed = status_of(Body::from(body), never, soon).await;
            assert_eq!(blamed, StatusCode::SERVICE_UNAVAILABLE, "{body:?}");
        }
    }
}
