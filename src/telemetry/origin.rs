//! The request that the present task works for, as the log's span has it: its identifier and where
//! it came from. The audit log writes both; nothing is ever decided by them.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tracing::{Instrument as _, Span};

use crate::model::{Random, RequestId, RequestOrigin};

tokio::task_local! {
    static ORIGIN: RequestOrigin;
}

/// A stream that works for a request, whoever reads it. From [`carried_stream`].
#[derive(Debug)]
pub struct Carried<S> {
    stream: Pin<Box<S>>,
    origin: Option<RequestOrigin>,
    span: Span,
}

/// Does `work` for the request `origin`, under a span that names it.
pub async fn within<T>(origin: RequestOrigin, span: Span, work: impl Future<Output = T>) -> T {
    ORIGIN.scope(origin, work.instrument(span)).await
}

/// Does `work` for a message that came without a request around it.
pub async fn of_message<T>(random: &dyn Random, work: impl Future<Output = T>) -> T {
    let origin = RequestOrigin {
        request: RequestId::generate(random),
        address: None,
    };
    let span = tracing::info_span!(target: "request", "request", request.id = %origin.request);
    within(origin, span, work).await
}

/// The request that this task works for.
#[must_use]
pub fn current() -> Option<RequestOrigin> {
    ORIGIN.try_with(|origin| *origin).ok()
}

/// `work`, for the request that this task works for, in whichever task it goes on.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let (origin, span) = (current(), Span::current());
    async move {
        match origin {
            Some(origin) => within(origin, span, work).await,
            None => work.instrument(span).await,
        }
    }
}

/// The same for a stream.
pub fn carried_stream<S>(stream: S) -> Carried<S> {
    Carried {
        stream: Box::pin(stream),
        origin: current(),
        span: Span::current(),
    }
}

impl<S: Stream> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let Self {
            stream,
            origin,
            span,
        } = &mut *self;
        let _entered = span.enter();
        match *origin {
            Some(origin) => ORIGIN.sync_scope(origin, || stream.as_mut().poll_next(context)),
            None => stream.as_mut().poll_next(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, future, stream};

    use super::*;

    fn origin() -> RequestOrigin {
        RequestOrigin {
            request: RequestId::from_bytes([7; 12]),
            address: None,
        }
    }

    #[tokio::test]
    async fn what_is_carried_works_for_its_request_in_another_task() {
        let found = || future::lazy(|_| current());
        let (plain, work, mut told) = within(origin(), Span::none(), async {
            let told = carried_stream(stream::iter([(), ()]).map(|()| current()));
            (found(), carried(found()), told)
        })
        .await;
        assert_eq!(tokio::spawn(plain).await.unwrap(), None);
        assert_eq!(tokio::spawn(work).await.unwrap(), Some(origin()));
        assert_eq!(told.next().await, Some(Some(origin())));
        assert_eq!(current(), None);
    }
}
