//! The request that the present task works for: its identifier, where it came from, whose it is and
//! the trace that it is part of.
//!
//! Log lines, the audit log and spans have it from here; nothing is ever decided by it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::future::Either;

use super::trace::Trace;
use crate::model::{ClientId, Random, RequestId, RequestOrigin, TenantSlug};

tokio::task_local! {
    static WORK: Arc<Work>;
}

/// What is known of a request. The later parts are noted once a station knows them.
#[derive(Clone, Debug)]
pub struct Work {
    origin: RequestOrigin,
    /// Method and path, where it came over HTTP.
    http: Option<(http::Method, Box<str>)>,
    trace: Trace,
    tenant: OnceLock<TenantSlug>,
    client: OnceLock<ClientId>,
    tool: OnceLock<Box<str>>,
    route: OnceLock<Box<str>>,
}

/// A stream that works for a request, whoever reads it. From [`carried_stream`].
#[derive(Debug)]
pub struct Carried<S> {
    stream: Pin<Box<S>>,
    work: Option<Arc<Work>>,
}

impl Work {
    /// A request that came over HTTP.
    #[must_use]
    pub fn of_request(
        origin: RequestOrigin,
        method: http::Method,
        path: &str,
        trace: Trace,
    ) -> Arc<Self> {
        Arc::new(Self {
            http: Some((method, path.into())),
            ..Self::new(origin, trace)
        })
    }

    fn new(origin: RequestOrigin, trace: Trace) -> Self {
        Self {
            origin,
            http: None,
            trace,
            tenant: OnceLock::new(),
            client: OnceLock::new(),
            tool: OnceLock::new(),
            route: OnceLock::new(),
        }
    }

    /// The route that the request was for, once it is found.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.route.get().map(|route| &**route)
    }

    /// The tenant that the request was for, once it is found.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantSlug> {
        self.tenant.get()
    }

    /// What the lines of the log have of it, by the names that they have there.
    fn fields(&self, mut write: impl FnMut(&'static str, &dyn std::fmt::Display)) {
        write("request.id", &self.origin.request);
        write("trace.id", &self.trace.id());
        if let Some(tenant) = self.tenant.get() {
            write("tenant", tenant);
        }
        if let Some(client) = self.client.get() {
            write("client.id", client);
        }
        if let Some(tool) = self.tool.get() {
            write("tool", tool);
        }
        if let Some((method, path)) = &self.http {
            write("http.method", method);
            write("http.path", path);
        }
    }
}

/// Does `task` for `work`. No `async fn`, here and below: one that only hands a task on has room for it twice.
pub fn within<F: Future>(work: Arc<Work>, task: F) -> impl Future<Output = F::Output> {
    WORK.scope(work, task)
}

/// Does `task` for a message that came without a request around it.
pub async fn of_message<T>(random: &dyn Random, task: impl Future<Output = T>) -> T {
    let origin = RequestOrigin {
        request: RequestId::generate(random),
        address: None,
    };
    within(Arc::new(Work::new(origin, Trace::generate())), task).await
}

/// The request that this task works for.
#[must_use]
pub fn current() -> Option<RequestOrigin> {
    WORK.try_with(|work| work.origin).ok()
}

/// What carried the request that this task works for, as the conventions name it.
#[must_use]
pub fn transport() -> &'static str {
    let over_http = WORK.try_with(|work| work.http.is_some());
    if over_http.unwrap_or(false) {
        "tcp"
    } else {
        "pipe"
    }
}

/// What the lines of the log have of the request that this task works for.
pub(super) fn each_field(write: impl FnMut(&'static str, &dyn std::fmt::Display)) {
    let _ = WORK.try_with(|work| work.fields(write));
}

/// Everything that is known of the request that this task works for.
fn work() -> Option<Arc<Work>> {
    WORK.try_with(Arc::clone).ok()
}

/// The trace that this task works in.
pub(super) fn trace() -> Option<Trace> {
    WORK.try_with(|work| work.trace.clone()).ok()
}

/// Does `task` for the same request, further down in `trace`.
pub(super) fn below<F: Future>(trace: Trace, task: F) -> impl Future<Output = F::Output> {
    match work() {
        Some(work) => {
            let work = Work {
                trace,
                ..Work::clone(&work)
            };
            Either::Left(within(Arc::new(work), task))
        }
        None => Either::Right(task),
    }
}

/// From now on, the request is known to be for `tenant`.
pub fn note_tenant(tenant: &TenantSlug) {
    note(|work| work.tenant.set(tenant.clone()).is_ok());
}

/// From now on, the request is known to come from `client`.
pub fn note_client(client: &ClientId) {
    note(|work| work.client.set(client.clone()).is_ok());
}

/// From now on, the request is known to call the tool of this `name`.
pub fn note_tool(name: &str) {
    note(|work| work.tool.set(name.into()).is_ok());
}

/// From now on, the request is known to be for this `route`.
pub fn note_route(route: &str) {
    note(|work| work.route.set(route.into()).is_ok());
}

/// What is known already stays.
fn note(set: impl FnOnce(&Work) -> bool) {
    let _ = WORK.try_with(|work| set(work));
}

/// `task`, for the request that this task works for, in whichever task it goes on.
pub fn carried<F: Future>(task: F) -> impl Future<Output = F::Output> {
    match work() {
        Some(work) => Either::Left(within(work, task)),
        None => Either::Right(task),
    }
}

/// The same for a stream.
pub fn carried_stream<S>(stream: S) -> Carried<S> {
    Carried {
        stream: Box::pin(stream),
        work: work(),
    }
}

impl<S: Stream> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let Self { stream, work } = &mut *self;
        match work {
            Some(work) => WORK.sync_scope(Arc::clone(work), || stream.as_mut().poll_next(context)),
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
        let work = Arc::new(Work::new(origin(), Trace::generate()));
        let (plain, work, mut told) = within(work, async {
            let told = carried_stream(stream::iter([(), ()]).map(|()| current()));
            (found(), carried(found()), told)
        })
        .await;
        assert_eq!(tokio::spawn(plain).await.unwrap(), None);
        assert_eq!(tokio::spawn(work).await.unwrap(), Some(origin()));
        assert_eq!(told.next().await, Some(Some(origin())));
        assert_eq!(current(), None);
    }

    #[tokio::test]
    async fn what_is_noted_first_stays() {
        let work = Arc::new(Work::new(origin(), Trace::generate()));
        within(Arc::clone(&work), async {
            note_tool("one");
            note_tool("another");
        })
        .await;
        note_tool("nobody's");
        assert_eq!(work.tool.get().map(|tool| &**tool), Some("one"));
    }
}
