//! A request under way: its progress and its outcome as the messages that they become
//! (2026-07-28 basic/patterns/progress and cancellation).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::dispatch::Dispatcher;
use super::error::RpcError;
use super::message::Request;
use super::reply::Reply;
use crate::backends::{CallContext, Progress, ProgressSink};
use crate::resource_server::Permit;

/// A request that is being answered. To drop it is to cancel it.
pub(super) struct Exchange {
    state: State,
    reports: Option<Reports>,
    /// Tells whatever the backend has spawned.
    _gone: DropGuard,
}

/// What comes of a request.
pub(super) type Outcome = Result<Reply, RpcError>;

/// A message to the caller.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A `notifications/progress`.
    Progress(Bytes),
    /// The response, after which nothing comes.
    Response(Outcome),
}

enum State {
    Running(BoxFuture<'static, Outcome>),
    Finished(Box<Outcome>),
    Over,
}

/// The progress that was reported and not yet told.
struct Reports {
    received: mpsc::Receiver<Progress>,
    token: Value,
    last: Option<f64>,
}

/// How many reports may wait for a slow caller; what comes on top of it is left out.
const WAITING_REPORTS: usize = 32;

impl Exchange {
    /// Begins to have `request` answered; progress is told only if the request asks for it and the
    /// way back can carry it (`tells_progress`).
    pub(super) fn new(
        dispatcher: Arc<Dispatcher>,
        permit: Permit,
        request: Request,
        tells_progress: bool,
    ) -> Self {
        let cancellation = CancellationToken::new();
        let gone = cancellation.clone().drop_guard();
        let token = request.progress_token().filter(|_| tells_progress);
        let (progress, reports) = token.cloned().map(Reports::channel).unzip();
        let context = CallContext {
            progress,
            cancellation,
            peer: None,
        };
        let answer = async move { dispatcher.dispatch(&permit, request, &context).await };
        Self {
            state: State::Running(Box::pin(answer)),
            reports,
            _gone: gone,
        }
    }

    /// An exchange in which nothing ever happens.
    #[cfg(test)]
    pub(super) fn silent() -> Self {
        Self {
            state: State::Running(Box::pin(std::future::pending())),
            reports: None,
            _gone: CancellationToken::new().drop_guard(),
        }
    }

    /// The next message: progress as long as the request runs, then the response, then nothing.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        if let State::Running(answer) = &mut self.state {
            let outcome = match &mut self.reports {
                None => answer.await,
                Some(reports) => tokio::select! {
                    biased;
                    Some(report) = reports.next() => return Some(Outgoing::Progress(report)),
                    outcome = answer => outcome,
                },
            };
            self.state = State::Finished(Box::new(outcome));
        }
        // Reports that came just before the end go before it: after it there must be none.
        if let Some(report) = self.reports.as_mut().and_then(Reports::waiting) {
            return Some(Outgoing::Progress(report));
        }
        self.reports = None;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Finished(outcome) => Some(Outgoing::Response(*outcome)),
            State::Running(_) | State::Over => None,
        }
    }
}

impl Reports {
    fn channel(token: Value) -> (ProgressSink, Self) {
        let (sender, received) = mpsc::channel(WAITING_REPORTS);
        let sink = ProgressSink::new(move |progress| {
            // A full channel: the caller is slow, and a later report says more than this one.
            let _ = sender.try_send(progress);
        });
        let reports = Self {
            received,
            token,
            last: None,
        };
        (sink, reports)
    }

    async fn next(&mut self) -> Option<Bytes> {
        while let Some(progress) = self.received.recv().await {
            if let Some(notification) = self.notification(&progress) {
                return Some(notification);
            }
        }
        None
    }

    fn waiting(&mut self) -> Option<Bytes> {
        while let Ok(progress) = self.received.try_recv() {
            if let Some(notification) = self.notification(&progress) {
                return Some(notification);
            }
        }
        None
    }

    /// The notification, unless the value has not grown since the last one.
    fn notification(&mut self, report: &Progress) -> Option<Bytes> {
        let Progress {
            progress,
            total,
            message,
        } = report;
        let grown = self.last.is_none_or(|last| *progress > last) && progress.is_finite();
        if !grown {
            return None;
        }
        self.last = Some(*progress);
        let mut params = json!({ "progressToken": self.token, "progress": progress });
        if let Some(params) = params.as_object_mut() {
            let total = total.filter(|total| total.is_finite());
            params.extend(total.map(|total| ("total".to_owned(), json!(total))));
            params.extend(
                message
                    .as_ref()
                    .map(|text| ("message".to_owned(), json!(text))),
            );
        }
        let method = "notifications/progress";
        let notification = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        Some(notification.to_string().into())
    }
}
