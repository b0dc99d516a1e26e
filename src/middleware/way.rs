//! How stations stand one after the other.
//!
//! As axum's `from_fn`, but for one thing: that one clones all that comes after a station to pass a
//! request on, so that what is behind fifteen of them is cloned fifteen times for each request. Here it is
//! shared.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tower::{Layer, Service, ServiceExt as _};

/// All that comes after a station.
#[derive(Clone)]
pub struct Next(Arc<dyn Step>);

/// Makes a station of a function and what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Station<C, F> {
    context: C,
    function: F,
}

/// A station was built into a way on which nobody finds what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misplaced;

/// What comes of a request.
type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

trait Step: Send + Sync {
    fn take(&self, request: Request) -> Answering;
}

struct Passing<C, F> {
    station: Station<C, F>,
    next: Next,
}

/// What stands at the end, as any service.
struct End<S>(S);

/// The station that `function` is with `context`, which it gets with each request.
pub const fn station<C, F>(context: C, function: F) -> Station<C, F> {
    Station { context, function }
}

/// What an earlier station has added to the request.
pub fn found<T: Clone + Send + Sync + 'static>(request: &Request) -> Result<T, Misplaced> {
    request.extensions().get::<T>().cloned().ok_or(Misplaced)
}

impl Next {
    /// Has the request answered.
    pub async fn run(self, request: Request) -> Response {
        match self.0.take(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn of<S>(service: S) -> Self
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

impl<S, C, F, Answer> Layer<S> for Station<C, F>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
    C: Clone + Send + Sync + 'static,
    F: Fn(C, Request, Next) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output: IntoResponse> + Send + 'static,
{
    type Service = Next;

    fn layer(&self, service: S) -> Next {
        Next(Arc::new(Passing {
            station: self.clone(),
            next: Next::of(service),
        }))
    }
}

impl<C, F, Answer> Step for Passing<C, F>
where
    C: Clone + Send + Sync + 'static,
    F: Fn(C, Request, Next) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output: IntoResponse> + Send + 'static,
{
    fn take(&self, request: Request) -> Answering {
        let Station { context, function } = self.station.clone();
        let next = self.next.clone();
        // The station's own future is made where it stays: it may be large.
        Box::pin(async move { Ok(function(context, request, next).await.into_response()) })
    }
}

impl<S> Step for End<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    fn take(&self, request: Request) -> Answering {
        let answer = self.0.clone().oneshot(request);
        Box::pin(async move { answer.await.map(IntoResponse::into_response) })
    }
}

impl Service<Request> for Next {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        self.0.take(request)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Next").finish_non_exhaustive()
    }
}

impl IntoResponse for Misplaced {
    fn into_response(self) -> Response {
        tracing::error!("a station does not find what stands before it");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
