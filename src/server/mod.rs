//! Binds, serves, and drains: one listener, HTTP/1.1 and HTTP/2, graceful on SIGTERM and Ctrl-C.

mod pace;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceBuilder};

use crate::middleware::limits::Limits;
use crate::middleware::way::{Answered, Next};
use pace::{PREFACE, Pace, Paced};

/// For how long a process that was told to stop goes on taking requests. Whoever sends them has to find
/// out first, and a request on an idle connection may cross with its end.
const FAREWELL: Duration = Duration::from_secs(2);
/// For how long a client may take to send its request's head.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// For how long a connection may be without a request. Load balancers keep theirs for a minute (AWS) or
/// ten (Google), and a request that crosses with the end of its connection is an error to its caller.
const IDLE: Duration = Duration::from_secs(620);
/// For how long a client may take nothing of what is sent to it. The kernel ends the connection then
/// (tcp(7), `TCP_USER_TIMEOUT`), and with it what waits for such a reader.
#[cfg(target_os = "linux")]
const READ_DEADLINE: Duration = Duration::from_mins(1);
/// How long a request's head may be, in bytes. hyper asks for no more once it has as much; what its buffer takes
/// with the last read, which may be that much again, the router refuses.
const HEAD_SIZE: usize = Limits::HEAD;

/// The end of a process, in two steps.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    announced: CancellationToken,
    closed: CancellationToken,
}

impl Stop {
    /// At the first step: nobody should send requests any more.
    pub async fn announced(&self) {
        self.announced.cancelled().await;
    }

    /// At the second step: no more connections are taken, and those that are there end.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Both steps at once.
    pub fn now(&self) {
        self.announced.cancel();
        self.closed.cancel();
    }

    async fn after_farewell(&self) {
        self.announced.cancel();
        tokio::time::sleep(FAREWELL).await;
        self.closed.cancel();
    }
}

/// The router that answers from the next request on, on every connection.
#[derive(Clone, Debug)]
pub struct Live(Arc<RwLock<Next>>);

impl Live {
    /// Answers with `router`.
    #[must_use]
    pub fn new(router: Next) -> Self {
        Self(Arc::new(RwLock::new(router)))
    }

    /// From now on, answers with `router`. Requests under way are finished by the one that began.
    pub fn set(&self, router: Next) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = router;
    }

    fn router(&self) -> Next {
        let router = self.0.read().unwrap_or_else(PoisonError::into_inner);
        router.clone()
    }
}

impl Service<Request<Body>> for Live {
    type Response = Response;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.router().call(request)
    }
}

/// Answers requests with `router` until `stop` comes to its second step, then lets open ones finish, for as long
/// as `drain`.
pub async fn serve(listener: TcpListener, router: Live, (stop, drain): (Stop, Duration)) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.closed() => break,
        };
        match accepted {
            Ok((stream, peer)) => answer(stream, peer, router.clone(), (&stop, &graceful)),
            Err(error) => {
                // Out of file descriptors, mostly: accepting again at once would only spin.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            seconds = drain.as_secs(),
            "stopped with requests still open"
        );
    }
}

/// The end at SIGTERM, or at Ctrl-C, where somebody waits for it.
pub fn stop_signal() -> std::io::Result<Stop> {
    let stop = Stop::default();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let told = stop.clone();
    tokio::spawn(async move {
        let terminated = async {
            terminate.recv().await;
            told.after_farewell().await;
        };
        tokio::select! {
            () = terminated => {}
            _ = tokio::signal::ctrl_c() => told.now(),
        }
    });
    Ok(stop)
}

fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    router: Live,
    (stop, graceful): (&Stop, &GracefulShutdown),
) {
    // Answers are small and complete: waiting to fill a packet would only add latency.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(READ_DEADLINE)) {
        tracing::debug!(%error, "could not set TCP_USER_TIMEOUT");
    }
    let begun = Instant::now();
    let (stop, watcher) = (stop.clone(), graceful.watcher());
    tokio::spawn(async move {
        let http = tokio::select! {
            biased;
            http = tokio::time::timeout(HEAD_DEADLINE, version(&stream)) => http,
            () = stop.closed() => return,
        };
        let Ok(Ok(http)) = http else {
            // Nobody asked anything.
            return;
        };
        let (paced, pace) = Paced::new(stream, HEAD_DEADLINE, begun);
        let service = service(router, peer, (pace, stop.announced));
        let connection = http.serve_connection(TokioIo::new(paced), service);
        // What is awaited is kept once: an `async` block around it would have room for it twice.
        let ended = watcher.watch(connection.into_owned()).map(move |ended| {
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "a connection ended with an error");
            }
        });
        ended.await;
    });
}

/// What serves the version that the connection begins with. To look at the first bytes and leave them where they are
/// saves a buffer for each connection: hyper's own look puts the rest behind them into a larger one.
async fn version(stream: &TcpStream) -> std::io::Result<Builder<TokioExecutor>> {
    let mut first = [0; PREFACE.len()];
    let come = stream.peek(&mut first).await?;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_SIZE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_SIZE).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30));
    Ok(if come < first.len() {
        builder
    } else if first == *PREFACE {
        builder.http2_only()
    } else {
        builder.http1_only()
    })
}

/// The router, which says when requests and answers are there.
fn service(
    router: Live,
    peer: SocketAddr,
    (pace, announced): (Arc<Pace>, CancellationToken),
) -> impl HyperService<http::Request<Incoming>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send {
    let answered = Arc::clone(&pace);
    let service = ServiceBuilder::new()
        .map_response(move |mut response: Response| {
            answered.answer_is_there();
            // RFC 9112 §9.6. HTTP/2 has a frame for that, which is sent when no more connections are taken.
            if announced.is_cancelled() && !answered.is_http_2() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            response
        })
        .map_request(move |request: http::Request<Incoming>| {
            pace.request_is_there();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request
        })
        .service(router);
    TowerToHyperService::new(service)
}
