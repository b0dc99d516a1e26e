//! The response stream of one request (2026-07-28 streamable-http, receiving messages).

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};

use super::error::RpcError;
use super::exchange::{Exchange, Outcome, Outgoing};
use super::reply::Reply;

/// What is written while nothing happens, so that nobody on the way takes the stream for dead.
const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);

/// A stream of one message.
pub(super) fn once(outcome: Outcome) -> Response {
    respond(Body::from(event(&message(outcome))))
}

/// A stream that begins with `first` and goes on with what comes of `exchange`. When the client
/// hangs up the body is dropped, and with it the exchange: that cancels the request. For the
/// earlier revisions, where a client that lost its stream could come back to it, this holds too:
/// without sessions nobody could collect the result.
pub(super) fn stream(first: Bytes, exchange: Exchange) -> Response {
    let rest = stream::unfold(exchange, |mut exchange| async move {
        let piece = next_piece(&mut exchange, KEEP_ALIVE_EVERY).await?;
        Some((piece, exchange))
    });
    let first = stream::once(async move { event(&first) });
    let pieces = first.chain(rest).map(Ok::<_, Infallible>);
    respond(Body::from_stream(pieces))
}

/// The next event, or a comment when there is none for a while.
async fn next_piece(exchange: &mut Exchange, patience: Duration) -> Option<Bytes> {
    tokio::select! {
        outgoing = exchange.next() => outgoing.map(|outgoing| match outgoing {
            Outgoing::Progress(notification) => event(&notification),
            Outgoing::Response(outcome) => event(&message(outcome)),
        }),
        () = tokio::time::sleep(patience) => Some(KEEP_ALIVE),
    }
}

fn respond(body: Body) -> Response {
    const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store, no-transform"),
        (NO_BUFFERING, "no"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, body).into_response()
}

/// The message that an outcome is; in a stream the status has long been sent.
fn message(outcome: Outcome) -> Bytes {
    outcome.map_or_else(|error: RpcError| error.to_bytes(), Reply::into_bytes)
}

/// One event; messages have no line breaks.
fn event(message: &Bytes) -> Bytes {
    let parts: [&[u8]; 3] = [b"event: message\ndata: ", message, b"\n\n"];
    parts.concat().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Exchange, next_piece};

    #[tokio::test]
    async fn a_silent_stream_is_kept_alive_with_comments() {
        let mut silent = Exchange::silent();
        for _ in 0..2 {
            let piece = next_piece(&mut silent, Duration::from_millis(1)).await;
            assert_eq!(piece.as_deref(), Some(b":\n\n".as_slice()));
        }
    }
}
