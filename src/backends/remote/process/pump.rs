//! Messages into a process and out of it, and who each one is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::mpsc;

use super::super::failure::Failure;
use super::super::message::{self, Heard};

/// Who waits for what. None where nothing comes any more.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Option<Requests>>);

#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) by_id: HashMap<u64, mpsc::Sender<Heard>>,
    pub(super) listeners: Vec<mpsc::Sender<Heard>>,
}

const METHOD_NOT_FOUND: i64 = -32601;

impl Waiting {
    /// Nobody yet.
    pub(super) fn open() -> Self {
        Self(Mutex::new(Some(Requests::default())))
    }

    pub(super) fn add(&self, add: impl FnOnce(&mut Requests)) -> Result<(), Failure> {
        self.lock().as_mut().map(add).ok_or(Failure::Unreachable)
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    /// Who is to hear this message. A question of a revision with sessions does not say which call
    /// it is about: only where there is one call can it be known.
    fn reader_of(&self, heard: &Heard) -> Option<Vec<mpsc::Sender<Heard>>> {
        let mut requests = self.lock();
        let requests = requests.as_mut()?;
        requests.listeners.retain(|listener| !listener.is_closed());
        let only = || match requests.by_id.len() {
            1 => requests.by_id.values().next().cloned(),
            _ => None,
        };
        let one = match heard {
            Heard::Response { id, .. } => id.and_then(|id| requests.by_id.get(&id).cloned()),
            Heard::Request { .. } => only(),
            Heard::HungUp => None,
            Heard::Notification { method, params } => {
                let token = params.get("progressToken").and_then(Value::as_u64);
                let by_token = token.and_then(|id| requests.by_id.get(&id).cloned());
                match method.as_str() {
                    "notifications/progress" => by_token,
                    "notifications/message" => only(),
                    _ => return Some(requests.listeners.clone()),
                }
            }
        };
        Some(one.into_iter().collect())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Requests>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes each message on a line of its own.
pub(super) async fn write(mut input: ChildStdin, mut lines: mpsc::Receiver<Bytes>) {
    while let Some(line) = lines.recv().await {
        let written = async {
            input.write_all(&line).await?;
            input.write_all(b"\n").await?;
            input.flush().await
        };
        if written.await.is_err() {
            return;
        }
    }
}

/// Reads messages until there are no more; why there are none.
pub(super) async fn read(
    output: ChildStdout,
    max_line: usize,
    waiting: Arc<Waiting>,
    input: mpsc::Sender<Bytes>,
) -> &'static str {
    let mut output = BufReader::new(output);
    loop {
        let line = match line(&mut output, max_line).await {
            Ok(Some(line)) => line,
            Ok(None) => return "its output ended",
            Err(why) => return why,
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let Ok(heard) = Heard::read(&line.into()) else {
            // One that was started wrongly talks to people.
            return "what it says is not MCP";
        };
        let question = match &heard {
            Heard::Request { id, .. } => Some(id.clone()),
            Heard::Response { .. } | Heard::Notification { .. } | Heard::HungUp => None,
        };
        let Some(readers) = waiting.reader_of(&heard) else {
            return "nobody listens";
        };
        if let (Some(id), true) = (question, readers.is_empty()) {
            let why = "Which call this is about can't be told";
            let refusal = message::refusal(&id, METHOD_NOT_FOUND, why);
            drop(input.try_send(refusal));
        }
        tell(readers, heard).await;
    }
}

async fn tell(readers: Vec<mpsc::Sender<Heard>>, heard: Heard) {
    let mut readers = readers.into_iter().peekable();
    while let Some(reader) = readers.next() {
        if readers.peek().is_none() {
            drop(reader.send(heard).await);
            return;
        }
        if let Heard::Notification { method, params } = &heard {
            let heard = Heard::Notification {
                method: method.clone(),
                params: params.clone(),
            };
            drop(reader.try_send(heard));
        }
    }
}

/// The next line without its end; none at the end.
async fn line<R: AsyncRead + Unpin>(
    output: &mut BufReader<R>,
    max_line: usize,
) -> Result<Option<Vec<u8>>, &'static str> {
    let mut line = Vec::new();
    loop {
        let read = output.fill_buf().await.map_err(|_| "its output broke")?;
        if read.is_empty() {
            return Ok(None);
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let piece = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
        if line.len() + piece.len() > max_line {
            return Err("a line is longer than max_response");
        }
        line.extend_from_slice(piece);
        let consumed = piece.len() + usize::from(end.is_some());
        output.consume(consumed);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}
