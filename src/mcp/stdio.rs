//! The transport over standard streams (2026-07-28 and 2025-11-25 basic/transports, stdio).

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::dispatch::Dispatcher;
use super::error::{Fault, RpcError};
use super::exchange::{Exchange, Outgoing, Way};
use super::lasting::message;
use super::listen::{Heard, Listener};
use super::message::{
    self as messages, ClientResponse, Notification, Request, RequestId, Unchecked,
};
use super::revision::Revision;
use super::session::Session;
use super::wire;
use crate::model::{Principal, Tenant};
use crate::resource_server::{Operation, Refusal};
use crate::telemetry::origin;

/// The longest line that is read.
const MAX_LINE: usize = 4 * 1024 * 1024;

/// How many messages may wait for a slow reader of the output.
const WAITING_MESSAGES: usize = 64;

/// A conversation on one pair of streams.
struct Conversation {
    dispatcher: Arc<Dispatcher>,
    caller: (Arc<Tenant>, Arc<Principal>),
    output: mpsc::Sender<Bytes>,
    /// What `initialize` settled on, for the requests that don't say what they speak.
    revision: Revision,
    /// What `initialize` opened.
    session: Option<Session>,
    under_way: HashMap<RequestId, CancellationToken>,
    tasks: JoinSet<Option<RequestId>>,
}

/// Lines of limited length; reading can be broken off and taken up again without loss.
struct Lines<R> {
    input: R,
    line: Vec<u8>,
    too_long: bool,
}

/// A line, or that there was one which was too long.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Serves the principal of the tenant until `input` ends and everything that was asked is answered. Nothing but
/// messages is written to `output`.
pub async fn serve<R, W>(
    dispatcher: Arc<Dispatcher>,
    caller: (Arc<Tenant>, Arc<Principal>),
    input: R,
    output: W,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (sender, messages) = mpsc::channel(WAITING_MESSAGES);
    let conversation = Conversation {
        dispatcher,
        caller,
        output: sender,
        revision: Revision::UNDECLARED,
        session: None,
        under_way: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let lines = Lines::new(BufReader::new(input));
    tokio::try_join!(conversation.run(lines), write(messages, output))?;
    Ok(())
}

impl Conversation {
    async fn run<R: AsyncBufRead + Unpin>(mut self, mut lines: Lines<R>) -> io::Result<()> {
        let random = Arc::clone(&self.dispatcher.edge().seals.random);
        loop {
            tokio::select! {
                line = lines.next() => {
                    let Some(line) = line? else { break };
                    origin::of_message(&*random, self.take(line)).await;
                }
                Some(done) = self.tasks.join_next() => self.forget(done.ok().flatten()),
            }
        }
        // Nobody will answer a question any more, or cancel a subscription.
        self.dispatcher.edge().close();
        while self.tasks.join_next().await.is_some() {}
        Ok(())
    }

    async fn take(&mut self, line: Line) {
        let Line::Whole(line) = line else {
            return self
                .refuse(Fault::InvalidRequest("the line is too long").into())
                .await;
        };
        if line.trim_ascii().is_empty() {
            return;
        }
        wire::received(None, Some(&line));
        match messages::parse(&line) {
            Ok(Unchecked::Request { id, call }) => {
                if let Err(error) = self.begin(id, call) {
                    self.refuse(error).await;
                }
            }
            Ok(Unchecked::Notification(notification)) => self.notice(&notification),
            Ok(Unchecked::Response(response)) => self.answered(response).await,
            Err(error) => self.refuse(error).await,
        }
    }

    fn begin(&mut self, id: RequestId, call: Notification) -> Result<(), RpcError> {
        let revision = match Revision::of(&call.params, None, self.revision) {
            Ok(revision) => revision,
            Err(fault) => return Err(fault.of(id)),
        };
        if self.under_way.contains_key(&id) {
            // basic/index: an id is used again only after its answer.
            return Err(Fault::InvalidRequest("the id is in use").of(id));
        }
        let mut request = Request::checked(id, call, revision)?;
        if !revision.is_modern() && request.method == "initialize" {
            self.open(&request)
                .map_err(|fault| fault.of(request.id.clone()))?;
        }
        if !revision.is_modern() {
            request.session = self.session.clone();
        }
        let cancelled = CancellationToken::new();
        let id = request.id.clone();
        self.under_way.insert(id.clone(), cancelled.clone());
        let answer = answer(
            Arc::clone(&self.dispatcher),
            self.caller.clone(),
            request,
            self.output.clone(),
        );
        self.tasks.spawn(origin::carried(async move {
            // What is cancelled is not heard of again (basic/patterns/cancellation).
            cancelled.run_until_cancelled(answer).await;
            Some(id)
        }));
        Ok(())
    }

    /// A session that lasts as long as the conversation. Nobody is told its identifier.
    fn open(&mut self, request: &Request) -> Result<(), Fault> {
        let (revision, capabilities) = Dispatcher::negotiated(request)?;
        let edge = self.dispatcher.edge();
        let (_, principal) = &self.caller;
        let id = edge.begin_session(principal, revision, capabilities)?;
        self.session = edge.session(principal, &id);
        self.revision = revision;
        Ok(())
    }

    async fn answered(&self, response: ClientResponse) {
        let Some(session) = &self.session else {
            return;
        };
        let (_, principal) = &self.caller;
        let edge = self.dispatcher.edge();
        if let Err(fault) = edge.take_answer(principal, session, response).await {
            self.refuse(fault.into()).await;
        }
    }

    /// Begins to tell what happens, once the client is ready for it.
    fn listen(&mut self) {
        let Some(session) = self.session.clone() else {
            return;
        };
        let dispatcher = Arc::clone(&self.dispatcher);
        let (tenant, principal) = self.caller.clone();
        let output = self.output.clone();
        self.tasks.spawn(async move {
            let policy = dispatcher.policy();
            let permit = policy.permit(&tenant, &principal, Operation::Converse);
            let permit = permit.ok()?;
            let name = ("stdio".to_owned(), false);
            let listener = Listener::of_session(dispatcher, &permit, session, name);
            tell(listener.await.ok()?, &output).await;
            None
        });
    }

    fn notice(&mut self, notification: &Notification) {
        if notification.method == "notifications/initialized" {
            self.listen();
        }
        if notification.method == "notifications/cancelled" {
            let id = RequestId::referred(&notification.params);
            if let Some(cancelled) = id.and_then(|id| self.under_way.get(&id)) {
                cancelled.cancel();
            }
        }
    }

    fn forget(&mut self, id: Option<RequestId>) {
        if let Some(id) = id {
            self.under_way.remove(&id);
        }
    }

    async fn refuse(&self, error: RpcError) {
        send(&self.output, error.to_bytes()).await;
    }
}

/// Has `request` answered and hands out what comes of it.
async fn answer(
    dispatcher: Arc<Dispatcher>,
    (tenant, principal): (Arc<Tenant>, Arc<Principal>),
    request: Request,
    output: mpsc::Sender<Bytes>,
) {
    let operation = match dispatcher.operation((&tenant, &principal), &request).await {
        Ok(operation) => operation,
        Err(error) => return send(&output, error.to_bytes()).await,
    };
    let permit = match dispatcher.policy().permit(&tenant, &principal, operation) {
        Ok(permit) => permit,
        // Every scope that exists is the local principal's; what needs another can't be had.
        Err(Refusal::Unknown | Refusal::InsufficientScope { .. }) => {
            return send(&output, Dispatcher::unknown(&request).to_bytes()).await;
        }
    };
    if request.revision.is_modern() && request.method == "subscriptions/listen" {
        return match Listener::of_request(dispatcher, &permit, &request).await {
            Ok(listener) => tell(listener, &output).await,
            Err(fault) => send(&output, fault.of(request.id).to_bytes()).await,
        };
    }
    let mut exchange = match Exchange::new(dispatcher, permit, request, Way { events: true }) {
        Ok(exchange) => exchange,
        Err(error) => return send(&output, error.to_bytes()).await,
    };
    while let Some(outgoing) = exchange.next().await {
        let message = match outgoing {
            Outgoing::Note(message) | Outgoing::Question(message) => message,
            Outgoing::Response(outcome) => message(outcome),
            // There is one stream, and it stays.
            Outgoing::HangUp => continue,
        };
        send(&output, message).await;
    }
}

async fn tell(mut listener: Listener, output: &mpsc::Sender<Bytes>) {
    while let Some(heard) = listener.next().await {
        if let Heard::Message(message) = heard {
            send(output, message).await;
        }
    }
}

async fn send(output: &mpsc::Sender<Bytes>, message: Bytes) {
    // Without a reader of the output the writing half ends the conversation.
    let _ = output.send(message).await;
}

/// Writes each message on a line of its own, until there can be no more.
async fn write<W: AsyncWrite + Unpin>(
    mut messages: mpsc::Receiver<Bytes>,
    mut output: W,
) -> io::Result<()> {
    while let Some(message) = messages.recv().await {
        wire::sent(&message);
        output.write_all(&message).await?;
        output.write_all(b"\n").await?;
        if messages.is_empty() {
            output.flush().await?;
        }
    }
    output.flush().await
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            too_long: false,
        }
    }

    /// The next line without its end; `None` at the end of the input.
    async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let read = self.input.fill_buf().await?;
            if read.is_empty() {
                let rest = !self.line.is_empty() || self.too_long;
                return Ok(rest.then(|| self.finish()));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let piece = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            if self.line.len() + piece.len() > MAX_LINE {
                self.too_long = true;
                self.line = Vec::new();
            } else if !self.too_long {
                self.line.extend_from_slice(piece);
            }
            let consumed = piece.len() + usize::from(end.is_some());
            self.input.consume(consumed);
            if end.is_some() {
                return Ok(Some(self.finish()));
            }
        }
    }

    fn finish(&mut self) -> Line {
        if std::mem::take(&mut self.too_long) {
            return Line::TooLong;
        }
        Line::Whole(std::mem::take(&mut self.line))
    }
}
