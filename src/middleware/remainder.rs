//! Station: reads on for a moment when a request was answered before its body was there.
//!
//! Many clients send head and body apart. Were the connection closed in between, they would see a
//! reset instead of the refusal, and never learn from it where to sign in.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::oneshot;

use super::way::{Boxed, Next};

/// A body that comes back when whoever got it drops it unread.
struct Returned {
    body: Body,
    unread: Option<oneshot::Sender<Body>>,
}

/// How much of an unread body is read.
const SIZE: usize = 256 * 1024;
/// For how long.
const TIME: Duration = Duration::from_secs(2);

/// Passes the request on, and holds the answer back until what the client still sends was read.
pub async fn station((): (), mut request: Boxed, next: Next) -> Response {
    if http_body::Body::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    let (sender, mut receiver) = oneshot::channel();
    *request.body_mut() = Body::new(Returned {
        body: std::mem::take(request.body_mut()),
        unread: Some(sender),
    });
    let response = next.run(request).await;
    if let Ok(unread) = receiver.try_recv() {
        let reading = Limited::new(unread, SIZE).collect();
        // What is not there by then, or too much, costs the client its answer.
        let _ = tokio::time::timeout(TIME, reading).await;
    }
    response
}

impl http_body::Body for Returned {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Returned {
    fn drop(&mut self) {
        let body = std::mem::take(&mut self.body);
        if let Some(unread) = self.unread.take()
            && !http_body::Body::is_end_stream(&body)
        {
            // Nobody waits for it when the connection itself has gone.
            let _ = unread.send(body);
        }
    }
}
