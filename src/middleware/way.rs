//! How stations stand one after the other.
//!
//! As axum's `from_fn`, but for what that costs each request: there, all that comes after a station is cloned to
//! pass the request on, so that what is behind fifteen of them is cloned fifteen times, and the request itself is moved
//! several times at each. Here what comes after is shared, and the request is in one place, from the first station
//! to the last.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tower::{Layer, Service, ServiceExt as _};

/// A request between two stations.
pub type Boxed = Box<Request>;

/// All that comes after a station.
#[derive(Clone)]
pub struct Next(Arc<dyn Step>);

/// Something that requests pass, or end at.
#[derive(Clone, Copy)]
pub struct Station<F>(F);

/// A station was built into a way on which nobody finds what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced;

/// What comes of a request.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What comes of a request, for services of others.
pub struct Answered(Answering);

trait Step: Send + Sync {
    fn take(&self, request: Boxed) -> Answering;
}

struct Passing<F> {
    station: F,
    next: Next,
}

/// What stands at the end, as any service.
struct End<S>(S);

/// The station that `function` is with `context`, which it gets with each request.
pub const fn station<C, F, Answer>(
    context: C,
    function: F,
) -> Station<impl Fn(Boxed, &Next) -> Answering + Clone + Send + Sync>
where
    C: Clone + Send + Sync + 'static,
    F: Fn(C, Boxed, Next) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output: IntoResponse> + Send + 'static,
{
    Station(move |request: Boxed, next: &Next| -> Answering {
        let (context, function, next) = (context.clone(), function.clone(), next.clone());
        // The station's own future is made where it stays: it may be large.
        Box::pin(async move { function(context, request, next).await.into_response() })
    })
}

/// The station that `function` is with `context`, without anything to wait for: it answers those that do not pass.
pub const fn check<C, F>(
    context: C,
    function: F,
) -> Station<impl Fn(Boxed, &Next) -> Answering + Clone + Send + Sync>
where
    C: Clone + Send + Sync + 'static,
    F: Fn(&C, &mut Request) -> Option<Response> + Clone + Send + Sync + 'static,
{
    Station(move |mut request: Boxed, next: &Next| -> Answering {
        match function(&context, &mut request) {
            None => next.run(request),
            Some(refusal) => answered(refusal),
        }
    })
}

/// The station that `function` is with `context`, which seldom waits: it says itself what comes of the request.
pub const fn turn<C, F>(
    context: C,
    function: F,
) -> Station<impl Fn(Boxed, &Next) -> Answering + Clone + Send + Sync>
where
    C: Clone + Send + Sync + 'static,
    F: Fn(&C, Boxed, &Next) -> Answering + Clone + Send + Sync + 'static,
{
    Station(move |request: Boxed, next: &Next| -> Answering { function(&context, request, next) })
}

/// What a station has answered by itself.
pub fn answered(response: impl IntoResponse) -> Answering {
    Box::pin(ready(response.into_response()))
}

/// What an earlier station has added to the request.
pub fn found<T: Clone + Send + Sync + 'static>(request: &Request) -> Result<T, Misplaced> {
    request.extensions().get::<T>().cloned().ok_or(Misplaced)
}

impl Next {
    /// Has the request answered.
    #[must_use]
    pub fn run(&self, request: Boxed) -> Answering {
        self.0.take(request)
    }

    /// What `service` is by itself, with no station before it.
    pub fn of<S>(service: S) -> Self
    where
        S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Response: IntoResponse,
        S::Future: Send,
    {
        // One that follows another directly needs nothing in between.
        match (&service as &dyn Any).downcast_ref::<Self>() {
            Some(next) => next.clone(),
            None => Self(Arc::new(End(service))),
        }
    }
}

impl<S, F> Layer<S> for Station<F>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
    F: Fn(Boxed, &Next) -> Answering + Clone + Send + Sync + 'static,
{
    type Service = Next;

    fn layer(&self, service: S) -> Next {
        Next(Arc::new(Passing {
            station: self.0.clone(),
            next: Next::of(service),
        }))
    }
}

impl<F> Step for Passing<F>
where
    F: Fn(Boxed, &Next) -> Answering + Send + Sync,
{
    fn take(&self, request: Boxed) -> Answering {
        (self.station)(request, &self.next)
    }
}

impl<S> Step for End<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    fn take(&self, request: Boxed) -> Answering {
        let service = self.0.clone();
        Box::pin(async move {
            match service.oneshot(*request).await {
                Ok(response) => response.into_response(),
                Err(never) => match never {},
            }
        })
    }
}

impl Service<Request> for Next {
    type Response = Response;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answered {
        Answered(self.run(Box::new(request)))
    }
}

impl Future for Answered {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Ok)
    }
}

impl<F> fmt::Debug for Station<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Station").finish_non_exhaustive()
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Next").finish_non_exhaustive()
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Answered").finish_non_exhaustive()
    }
}

impl IntoResponse for Misplaced {
    fn into_response(self) -> Response {
        tracing::error!("a station does not find what stands before it");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
