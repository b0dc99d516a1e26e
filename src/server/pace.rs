//! For how long a client may take to send a request's head, and for how long a connection may have none.
//! hyper has one deadline for both; proxies keep idle connections for minutes and expect us to.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What a connection waits for. Its bytes know when a head begins, its requests when it has ended.
#[derive(Debug)]
pub(super) struct Pace(AtomicU8);

/// The rest of a head that has begun.
const HEAD: u8 = 0;
/// An answer, or the rest of a request's body.
const ANSWER: u8 = 1;
/// The client's next request.
const NOTHING: u8 = 2;
/// HTTP/2 has frames of its own that find out who is gone.
const FRAMES: u8 = 3;

/// How HTTP/2 begins, as far as no method of HTTP/1.1 does (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 3] = b"PRI";

/// A connection that ends when a head takes too long.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    deadline: Duration,
    until: Option<Pin<Box<Sleep>>>,
    /// How much of [`PREFACE`] has come, as long as nothing else has.
    preface: Option<usize>,
}

impl Pace {
    pub(super) fn request_is_there(&self) {
        self.turn(HEAD, ANSWER);
        self.turn(NOTHING, ANSWER);
    }

    pub(super) fn answer_is_there(&self) {
        self.turn(ANSWER, NOTHING);
    }

    pub(super) fn is_http_2(&self) -> bool {
        self.waits_for(FRAMES)
    }

    /// False where it was something else, which it stays.
    fn turn(&self, from: u8, to: u8) -> bool {
        let turned = self
            .0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        turned.is_ok()
    }

    fn waits_for(&self, what: u8) -> bool {
        self.0.load(Ordering::Acquire) == what
    }
}

impl<S> Paced<S> {
    /// A connection that has `begun`, with the time for a head.
    pub(super) fn new(stream: S, deadline: Duration, begun: Instant) -> (Self, Arc<Pace>) {
        let pace = Arc::new(Pace(AtomicU8::new(HEAD)));
        let paced = Self {
            stream,
            pace: Arc::clone(&pace),
            deadline,
            until: Some(Box::pin(tokio::time::sleep_until(begun + deadline))),
            preface: Some(0),
        };
        (paced, pace)
    }

    fn have_come(&mut self, bytes: &[u8]) {
        if let Some(come) = self.preface {
            let rest = PREFACE.get(come..).unwrap_or_default();
            let is_preface = bytes.starts_with(rest);
            if is_preface {
                self.pace.turn(HEAD, FRAMES);
            }
            let goes_on = !is_preface && rest.starts_with(bytes);
            self.preface = goes_on.then_some(come + bytes.len());
        }
        if self.pace.turn(NOTHING, HEAD) {
            self.until = None;
        }
    }

    /// Whether a head has taken too long.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if !self.pace.waits_for(HEAD) {
            self.until = None;
            return false;
        }
        let deadline = self.deadline;
        let until = self
            .until
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(deadline)));
        until.as_mut().poll(context).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                let come = buffer.filled().get(before..).unwrap_or_default();
                if !come.is_empty() {
                    self.have_come(come);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.is_late(context) => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            waiting @ Poll::Pending => waiting,
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    fn connection() -> (DuplexStream, Paced<DuplexStream>, Arc<Pace>) {
        let (client, server) = duplex(64);
        let (paced, pace) = Paced::new(server, SOON, Instant::now());
        (client, paced, pace)
    }

    /// What becomes of a wait for more: the error, or none within ten times the deadline.
    async fn wait(paced: &mut Paced<DuplexStream>) -> Option<io::ErrorKind> {
        let mut bytes = [0; 64];
        let read = tokio::time::timeout(SOON * 10, paced.read(&mut bytes)).await;
        read.ok().map(|read| read.unwrap_err().kind())
    }

    async fn hear(paced: &mut Paced<DuplexStream>, client: &mut DuplexStream, text: &[u8]) {
        client.write_all(text).await.unwrap();
        let mut bytes = vec![0; text.len()];
        paced.read_exact(&mut bytes).await.unwrap();
    }

    #[tokio::test]
    async fn l09_a_head_that_takes_too_long_ends_its_connection() {
        let late = Some(io::ErrorKind::TimedOut);
        let (_client, mut paced, _) = connection();
        assert_eq!(wait(&mut paced).await, late, "nothing came");

        let (mut client, mut paced, pace) = connection();
        hear(&mut paced, &mut client, b"PO").await;
        assert_eq!(wait(&mut paced).await, late, "of the first request");

        pace.request_is_there();
        pace.answer_is_there();
        hear(&mut paced, &mut client, b"GET").await;
        assert_eq!(wait(&mut paced).await, late, "of the second one");
    }

    #[tokio::test]
    async fn a_connection_without_a_request_may_wait() {
        let (mut client, mut paced, pace) = connection();
        hear(&mut paced, &mut client, b"GET").await;
        pace.request_is_there();
        assert_eq!(wait(&mut paced).await, None, "for its answer");
        pace.answer_is_there();
        assert_eq!(wait(&mut paced).await, None, "for another request");
    }

    #[tokio::test]
    async fn http_2_keeps_its_own_time() {
        let (mut client, mut paced, pace) = connection();
        hear(&mut paced, &mut client, b"P").await;
        hear(&mut paced, &mut client, b"RI * HTTP/2.0").await;
        assert_eq!(wait(&mut paced).await, None);
        pace.request_is_there();
        pace.answer_is_there();
        hear(&mut paced, &mut client, b"frame").await;
        assert_eq!(wait(&mut paced).await, None);
    }
}
