//! What a mounted server says about one request until its response: progress and logs go to the
//! client of the call, questions as well, and their answers back.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::HeaderMap;
use serde_json::{Map, Value};

use super::super::{BackendError, CallContext, InputRequest, LogLevel, LogRecord, Progress};
use super::failure::{Answered, Failure};
use super::line::{Line, check_id};
use super::message::{self, Heard};
use super::session::Session;
use super::standing::Ear;
use super::transport::Conversation;

/// Answers to questions of the server, as they come.
type Questions<'a> =
    FuturesUnordered<Pin<Box<dyn Future<Output = Result<Bytes, Failure>> + Send + 'a>>>;

/// How many questions of one call may wait for answers.
const QUESTIONS: usize = 16;

/// How long a word may take that was said before the response, where one is expected.
const LAST_WORDS: Duration = Duration::from_millis(25);

/// JSON-RPC 2.0 §5.1, and what MCP says of users who refuse.
const METHOD_NOT_FOUND: i64 = -32601;
const REFUSED: i64 = -1;

/// Tells the server of a session that nobody waits for a request any more, unless there was an
/// answer (2025-11-25 basic/utilities/cancellation). In 2026-07-28 to hang up says the same.
pub(super) struct Cancellation<'a> {
    line: &'a Arc<Line>,
    told: Told,
    id: u64,
}

/// How the server learns of it.
pub(super) enum Told {
    /// Not at all: there is an answer, or to hang up says it.
    Not,
    /// By a notification of no session.
    Plainly,
    /// By one of this session.
    Within(Arc<Session>),
}

/// What is beside a conversation: the session that it is in, and what is heard there.
pub(super) type Beside<'a> = (&'a Arc<Session>, Option<Ear>);

impl<'a> Cancellation<'a> {
    /// Of the request `id`, which is about to be sent.
    pub(super) fn new(line: &'a Arc<Line>, told: Told, id: u64) -> Self {
        Self { line, told, id }
    }
}

impl Drop for Cancellation<'_> {
    fn drop(&mut self) {
        let session = match std::mem::replace(&mut self.told, Told::Not) {
            Told::Not => return,
            Told::Plainly => None,
            Told::Within(session) => Some(session),
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let params = Map::from_iter([("requestId".to_owned(), self.id.into())]);
        let body = message::notification("notifications/cancelled", &params);
        let line = Arc::clone(self.line);
        runtime.spawn(async move {
            let nothing = HeaderMap::new();
            let headers = session.as_deref().map_or(&nothing, Session::headers);
            let sent = line.transport.send(headers, body);
            drop(tokio::time::timeout(line.limits.deadline, sent).await);
        });
    }
}

impl Line {
    /// Reads what comes until there is a response, and does what it says.
    pub(super) async fn converse(
        self: &Arc<Self>,
        mut conversation: Conversation,
        context: Option<&CallContext>,
        (beside, mut cancellation): (Option<Beside<'_>>, Cancellation<'_>),
    ) -> Answered {
        let id = cancellation.id;
        let mut questions = Questions::new();
        let mut asked = 0_u32;
        let (session, beside) = beside.unzip();
        let mut beside = beside.flatten();
        let cancelled = context.map(|context| context.cancellation.clone());
        let cancelled = cancelled.unwrap_or_default();
        loop {
            // A person may take long, and a server that waits for one has nothing to say.
            let is_asked = !questions.is_empty();
            let silence = tokio::time::sleep(self.limits.deadline);
            let heard = tokio::select! {
                biased;
                () = cancelled.cancelled() => return Err(BackendError::Cancelled.into()),
                Some(answer) = questions.next() => {
                    self.reply(session, answer?).await?;
                    continue;
                }
                heard = conversation.next() => heard?.ok_or(Failure::Unreachable)?,
                heard = next_of(beside.as_mut()) => heard,
                () = silence, if !is_asked => return Err(Failure::TimedOut),
            };
            match heard {
                Heard::Response {
                    id: answered,
                    outcome,
                } => {
                    cancellation.told = Told::Not;
                    check_id(answered, id)?;
                    self.hear_out(beside, id, context).await;
                    return outcome;
                }
                Heard::Notification { method, params } => self.told(&method, params, id, context),
                Heard::HungUp => context.into_iter().for_each(CallContext::hang_up),
                Heard::Request { id, method, params } => {
                    may_ask(session, questions.len())?;
                    asked += 1;
                    let question = Question {
                        id,
                        method,
                        params,
                        key: format!("question-{asked}"),
                    };
                    questions.push(Box::pin(self.answer(context, question)));
                }
            }
        }
    }

    /// Asks the client what the server wanted to know while there was nobody to ask, before the
    /// server hears of the call: it may be about what the call does.
    pub(super) async fn ask_what_waits(
        &self,
        session: &Arc<Session>,
        context: Option<&CallContext>,
    ) -> Result<(), Failure> {
        for (number, waiting) in session.standing.waiting().into_iter().enumerate() {
            let question = Question {
                id: waiting.id,
                method: waiting.method,
                params: waiting.params,
                key: format!("before-{number}"),
            };
            let answer = self.answer(context, question).await?;
            self.reply(Some(session), answer).await?;
        }
        Ok(())
    }

    /// What was said before the response on another stream may come after it: what is on its way is
    /// waited for where the client would be told of it.
    async fn hear_out(&self, beside: Option<Ear>, id: u64, context: Option<&CallContext>) {
        let peer = context.and_then(|context| context.peer.as_ref());
        let (Some(mut ear), Some(_)) = (beside, peer.and_then(|peer| peer.log_level())) else {
            return;
        };
        let patience = if ear.expects_more() {
            LAST_WORDS
        } else {
            Duration::ZERO
        };
        while let Ok(heard) = tokio::time::timeout(patience, ear.next()).await {
            if let Heard::Notification { method, params } = heard {
                self.told(&method, params, id, context);
            }
        }
        ear.conclude();
    }

    /// Sends an answer to the server.
    async fn reply(&self, session: Option<&Arc<Session>>, body: Bytes) -> Result<(), Failure> {
        let nothing = HeaderMap::new();
        let headers = session.map_or(&nothing, |session| session.headers());
        let sent = self.transport.send(headers, body);
        let sent = tokio::time::timeout(self.limits.deadline, sent).await;
        sent.map_err(|_| Failure::TimedOut)?
    }

    /// The answer to a question of the server, for the server.
    async fn answer(
        &self,
        context: Option<&CallContext>,
        question: Question,
    ) -> Result<Bytes, Failure> {
        let Question {
            id,
            method,
            mut params,
            key,
        } = question;
        if method == "ping" {
            return Ok(message::result(&id, &Map::new()));
        }
        self.rewriter.question(&mut params);
        let request = InputRequest::named(&method, params);
        let (Some(request), Some(context)) = (request, context) else {
            return Ok(message::refusal(&id, METHOD_NOT_FOUND, "Method not found"));
        };
        match context.ask_under_way(&key, request).await {
            Ok(mut answer) => {
                self.rewriter.answer(&mut answer);
                Ok(message::result(&id, &answer))
            }
            Err(BackendError::MissingCapability(_)) => {
                let why = "The client can't be asked for this";
                Ok(message::refusal(&id, METHOD_NOT_FOUND, why))
            }
            Err(error @ (BackendError::InputRequired | BackendError::Cancelled)) => {
                Err(error.into())
            }
            Err(_) => Ok(message::refusal(&id, REFUSED, "The client gave no answer")),
        }
    }

    fn told(
        &self,
        method: &str,
        params: Map<String, Value>,
        id: u64,
        context: Option<&CallContext>,
    ) {
        let text = |name| params.get(name).and_then(Value::as_str);
        match (method, context) {
            ("notifications/progress", Some(context)) => {
                let is_ours = params.get("progressToken").and_then(Value::as_u64) == Some(id);
                let progress = params.get("progress").and_then(Value::as_f64);
                if let (Some(sink), Some(progress), true) = (&context.progress, progress, is_ours) {
                    sink.report(Progress {
                        progress,
                        total: params.get("total").and_then(Value::as_f64),
                        message: text("message").map(str::to_owned),
                        written: params,
                    });
                }
            }
            ("notifications/message", Some(context)) => {
                let level = text("level").and_then(LogLevel::named);
                if let (Some(level), Some(peer)) = (level, &context.peer) {
                    peer.log(LogRecord { level, params });
                }
            }
            (_, Some(context)) if is_for_clients(method) => {
                if let Some(peer) = &context.peer {
                    peer.tell(method, params);
                }
            }
            _ => self.notice(method, &params),
        }
    }
}

/// 2026-07-28 streamable-http: a server must not ask on the stream.
fn may_ask(session: Option<&Arc<Session>>, waiting: usize) -> Result<(), Failure> {
    if session.is_some() && waiting < QUESTIONS {
        Ok(())
    } else {
        Err(Failure::Protocol("a question that may not be asked"))
    }
}

/// A question of the server.
struct Question {
    id: Value,
    method: String,
    params: Map<String, Value>,
    /// What it is called in its call.
    key: String,
}

/// What comes beside the call's own stream.
async fn next_of(beside: Option<&mut Ear>) -> Heard {
    match beside {
        Some(ear) => ear.next().await,
        None => std::future::pending().await,
    }
}

/// True for a notification that the gateway does nothing about itself: what it means is between the
/// server and its client.
pub(super) fn is_for_clients(method: &str) -> bool {
    const OURS: [&str; 7] = [
        "notifications/cancelled",
        "notifications/initialized",
        "notifications/progress",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/tools/list_changed",
    ];
    // Subscriptions and tasks at the server are the gateway's.
    const OURS_ALL: [&str; 2] = ["notifications/subscriptions/", "notifications/tasks"];
    !OURS.contains(&method) && !OURS_ALL.iter().any(|ours| method.starts_with(ours))
}
